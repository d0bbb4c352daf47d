"""Guards against a list that never ends: one that leads round and round, and one that goes on without rows."""

MOST_EMPTY_PAGES = 100
"""So many pages without a row may follow each other in a list.

Vendors take hidden and deleted rows out of a page after it was cut, so a gap of a few pages is legal, and many thousand rows
that were deleted together are thinkable. What is longer is taken for a list without an end.
"""


class ListGuard:
    """Watches one list, in constant memory. A page may be read again, and reading may begin anew: neither counts twice."""

    def __init__(self) -> None:
        self._circle = CircleGuard()
        self._empty = EmptyPageGuard()

    def objection(self, cursor: str | None, following: str | None, *, empty: bool) -> str | None:
        """Take note of a page at `cursor` (None begins) that leads to `following`; say why the list will not end.

        Where nothing follows, the list has ended, and there is nothing to object to.
        """
        if cursor is None:
            self._circle, self._empty = CircleGuard(), EmptyPageGuard()
        if following is None:
            return None
        if self._circle.closes(cursor, following):
            return f"goes in circles: it leads to cursor {following} again"
        if self._empty.too_many(cursor, empty=empty):
            return f"does not end: more than {MOST_EMPTY_PAGES} pages in a row have no rows, and each leads to another"
        return None


class EmptyPageGuard:
    """Counts the pages without rows that follow each other, of which there may be `most`."""

    def __init__(self, most: int = MOST_EMPTY_PAGES) -> None:
        self._most = most
        self._last: list[str | None] = []
        self._before = 0
        self._count = 0

    def too_many(self, cursor: str | None, *, empty: bool) -> bool:
        """Take note of the page at `cursor`; whether it is one empty page too many. Read again, it counts once."""
        if self._last != [cursor]:
            self._last, self._before = [cursor], self._count
        self._count = self._before + 1 if empty else 0
        return self._count > self._most


class CircleGuard:
    """Finds out that a list leads round and round, whatever the circle's length.

    The cursor that is remembered moves on after 1, 2, 4 … pages: Brent, "An improved Monte Carlo factorization algorithm"
    (BIT 20, 1980). A page that is read again counts once.
    """

    def __init__(self) -> None:
        self._last: list[str | None] = []
        self._remembered: str | None = None
        self._pages = 0
        self._until = 1

    def closes(self, cursor: str | None, following: str) -> bool:
        """Take note of a page at `cursor` that leads to `following`; whether that has come before."""
        if self._last == [cursor]:
            return following == cursor
        if following in (cursor, self._remembered):
            return True
        self._last = [cursor]
        self._pages += 1
        if self._pages == self._until:
            self._remembered, self._pages, self._until = following, 0, 2 * self._until
        return False
