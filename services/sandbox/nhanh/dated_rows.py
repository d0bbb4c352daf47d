"""Rows that can also be found by the time of their last change, however many there are."""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from sandbox.by_id import ById

Row = dict[str, Any]

ID_BITS = 63
KEPT_LISTS = 16


class DatedRows(ById[Row]):
    """Rows by id. A row whose time changes must be set anew, not changed in place, to be found by its new time."""

    def __init__(self) -> None:
        super().__init__()
        self._times: list[int] | None = None
        self._lists: OrderedDict[tuple[int, int], list[int]] = OrderedDict()

    def __setitem__(self, one: int, row: Row) -> None:
        """Add or replace a row."""
        self._forget_time(one)
        super().__setitem__(one, row)
        time = time_of(row)
        if self._times is not None and time is not None:
            insort(self._times, time << ID_BITS | one)
        self._lists.clear()

    def __delitem__(self, one: int) -> None:
        """Remove a row."""
        self._forget_time(one)
        super().__delitem__(one)
        self._lists.clear()

    def changed_between(self, first: int | None, last: int | None) -> Sequence[int]:
        """List the ids of rows last changed in these seconds, both included, in order of id; None is open.

        A row without a time is in no such list.
        """
        if self._times is None:
            dated = ((time_of(row), one) for one, row in self._rows.items())
            self._times = sorted(time << ID_BITS | one for time, one in dated if time is not None)
        times = self._times
        begin = 0 if first is None else bisect_left(times, first << ID_BITS)
        end = len(times) if last is None else bisect_right(times, (last + 1 << ID_BITS) - 1)
        found = self._lists.get((begin, end))
        if found is None:
            mask = (1 << ID_BITS) - 1
            found = sorted(time & mask for time in times[begin:end])
            self._lists[begin, end] = found
            if len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)
        else:
            self._lists.move_to_end((begin, end))
        return found

    def _forget_time(self, one: int) -> None:
        if self._times is None or one not in self._rows:
            return
        time = time_of(self._rows[one])
        if time is not None:
            at = bisect_left(self._times, time << ID_BITS | one)
            if at < len(self._times) and self._times[at] == time << ID_BITS | one:
                del self._times[at]


def time_of(row: Row) -> int | None:
    """Find when a row was last changed (Unix seconds); None: it does not say."""
    given = row.get("updatedAt")
    return None if given is None else int(given)
