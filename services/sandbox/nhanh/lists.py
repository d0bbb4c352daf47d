"""Pages of a business's rows: filters, order and cursors."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.nhanh.business import PARENT
from sandbox.nhanh.dated_rows import DatedRows, Row, time_of
from sandbox.nhanh.questions import Question

Test = Callable[[Row], bool]
Condition = Callable[[Any], Test]
"""Makes the test of one filter's value."""


def _contains(text: Any) -> Test:  # noqa: ANN401 - as it came
    wanted = str(text).casefold()
    return lambda row: any(wanted in str(row[name] or "").casefold() for name in ("name", "code", "barcode"))


def _group(kind: Any) -> Test:  # noqa: ANN401 - as it came
    """`gpid`: -1 standalone, -2 parent, 1 child, 2 parent and standalone, 3 child and standalone."""
    match int(kind):
        case -1 | -2 as parent_id:
            return lambda row: int(row["parentId"]) == parent_id
        case 1:
            return lambda row: int(row["parentId"]) > 0
        case 2:
            return lambda row: int(row["parentId"]) < 0
        case _:
            return lambda row: int(row["parentId"]) != PARENT


def _one_of(name: str) -> Condition:
    def condition(wanted: Any) -> Test:  # noqa: ANN401 - as it came
        texts = {str(one) for one in wanted}
        return lambda row: not texts or str(row[name]) in texts

    return condition


def _number(name: str) -> Condition:
    def condition(wanted: Any) -> Test:  # noqa: ANN401 - as it came
        number = int(wanted)
        return lambda row: int(row[name]) == number

    return condition


def _changed_from(wanted: Any) -> Test:  # noqa: ANN401 - as it came
    first = int(wanted)
    return lambda row: (time := time_of(row)) is not None and time >= first


def _changed_to(wanted: Any) -> Test:  # noqa: ANN401 - as it came
    last = int(wanted)
    return lambda row: (time := time_of(row)) is not None and time <= last


PRODUCT_CONDITIONS: dict[str, Condition] = {
    "name": _contains,
    "parentId": _number("parentId"),
    "gpid": _group,
    "categoryIds": _one_of("categoryId"),
    "brandIds": _one_of("brandId"),
    "status": _one_of("status"),
    "updatedAtFrom": _changed_from,
    "updatedAtTo": _changed_to,
}
CUSTOMER_CONDITIONS: dict[str, Condition] = {
    "mobile": lambda wanted: lambda row: bool(row["mobile"] == wanted),
    "type": _number("type"),
    "lastBoughtDateFrom": lambda wanted: lambda row: str(row["lastBoughtDate"]) >= str(wanted),
    "lastBoughtDateTo": lambda wanted: lambda row: str(row["lastBoughtDate"]) <= str(wanted),
    "updatedAtFrom": _changed_from,
    "updatedAtTo": _changed_to,
}


TIMES = frozenset({"updatedAtFrom", "updatedAtTo"})


@dataclass(slots=True)
class Page:
    """Ids of a page's rows, and the id behind which the next page begins (None: there was nothing to show)."""

    ids: list[int]
    last: int | None


class RowList:
    """A list of rows in order of id. `known` gives the ids in order, anew for each page: rows come and go.

    An id of `known` whose row is gone is passed over.
    """

    def __init__(self, rows: Mapping[int, Row], conditions: dict[str, Condition]) -> None:
        self._rows = rows
        self._conditions = conditions

    def page(self, known: Sequence[int], question: Question) -> Page:
        """Find a page."""
        rows, conditions, filters = self._rows, self._conditions, dict(question.filters)
        given = filters.pop("ids", None)
        if given:
            known = sorted(one for one in {int(each) for each in given} if _holds(known, one))
        elif isinstance(rows, DatedRows) and known is rows.ids and not TIMES.isdisjoint(filters):
            known = rows.changed_between(
                *(_whole(filters.pop(name, None)) for name in ("updatedAtFrom", "updatedAtTo"))
            )
        tests = [conditions[name](value) for name, value in filters.items() if name in conditions]
        found: list[int] = []
        for one in _behind(known, question):
            row = rows.get(one)
            if row is not None and all(test(row) for test in tests):
                found.append(one)
                if len(found) == question.size:
                    break
        return Page(found, found[-1] if found else None)


def _behind(known: Sequence[int], question: Question) -> Iterator[int]:
    if question.descending:
        behind = len(known) if question.after is None else bisect_left(known, question.after)
        return (known[index] for index in range(behind - 1, -1, -1))
    begin = 0 if question.after is None else bisect_right(known, question.after)
    return (known[index] for index in range(begin, len(known)))


def _whole(given: Any) -> int | None:  # noqa: ANN401 - as it came
    return None if given is None else int(given)


def _holds(known: Sequence[int], one: int) -> bool:
    index = bisect_left(known, one)
    return index < len(known) and known[index] == one
