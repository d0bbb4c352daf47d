"""How Nhanh behaves where its documentation leaves it open, and how odd it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NhanhHabits:
    """`clamps_size`: a page size above 100 is taken for 100, not refused.

    `mixed_cursors`: the form of `next` differs from page to page: an object with a number or with text, or a list.
    `oddities` is the share of list pages that are odd in one of the ways of `oddities.ODDITIES`, `undated` the share of
    customers whose `updatedAt` is null or 0. Both are drawn from the seed. `window_scale` makes the rate limit's seconds
    longer or shorter, as many calls in another time.
    """

    clamps_size: bool = False
    mixed_cursors: bool = True
    oddities: float = 0.0
    undated: float = 0.0
    window_scale: float = 1.0
