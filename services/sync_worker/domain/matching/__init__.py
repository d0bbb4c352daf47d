"""Who is linked with whom: strict mutual uniqueness, and a reason for everybody else.

The rule in words. *Link A with 1 only if every key of A leads to 1 alone and every key of 1 leads back to A alone.*

* Strong keys come first (phones of customers, the SKU of products), then one weak key (the e-mail address, the barcode).
  A weak key links only two objects that no strong key leads to anybody: it never links what a stronger one contests.
* Where the strong keys say A and 1, and the weak key of either leads to somebody else, the keys disagree: nobody is linked.
* Objects that are mapped already are never linked again, but they are rivals like everybody else. So a link that is made
  changes nobody else's verdict, and verdicts do not depend on the order in which they are given.
* Objects that a full pull did not see any more (gone) are neither candidates nor rivals.
"""
