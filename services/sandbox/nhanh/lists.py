"""Pages of a business's rows: filters, order and cursors."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.nhanh.business import Row
from sandbox.nhanh.questions import Question

Condition = Callable[[Row, Any], bool]


def _contains(row: Row, text: Any) -> bool:  # noqa: ANN401 - as it came
    wanted = str(text).casefold()
    return any(wanted in str(row[name] or "").casefold() for name in ("name", "code", "barcode"))


def _group(row: Row, kind: Any) -> bool:  # noqa: ANN401 - as it came
    """`gpid`: -1 standalone, -2 parent, 1 child, 2 parent and standalone, 3 child and standalone."""
    parent_id = int(row["parentId"])
    match int(kind):
        case -1:
            return parent_id == -1
        case -2:
            return parent_id == -2
        case 1:
            return parent_id > 0
        case 2:
            return parent_id < 0
        case _:
            return parent_id != -2


def _one_of(name: str) -> Condition:
    def condition(row: Row, wanted: Any) -> bool:  # noqa: ANN401 - as it came
        return not wanted or str(row[name]) in {str(one) for one in wanted}

    return condition


PRODUCT_CONDITIONS: dict[str, Condition] = {
    "name": _contains,
    "parentId": lambda row, wanted: int(row["parentId"]) == int(wanted),
    "gpid": _group,
    "categoryIds": _one_of("categoryId"),
    "brandIds": _one_of("brandId"),
    "status": _one_of("status"),
    "updatedAtFrom": lambda row, wanted: row["updatedAt"] is not None and int(row["updatedAt"]) >= int(wanted),
    "updatedAtTo": lambda row, wanted: row["updatedAt"] is not None and int(row["updatedAt"]) <= int(wanted),
}
CUSTOMER_CONDITIONS: dict[str, Condition] = {
    "mobile": lambda row, wanted: row["mobile"] == wanted,
    "type": lambda row, wanted: int(row["type"]) == int(wanted),
    "lastBoughtDateFrom": lambda row, wanted: str(row["lastBoughtDate"]) >= str(wanted),
    "lastBoughtDateTo": lambda row, wanted: str(row["lastBoughtDate"]) <= str(wanted),
    "updatedAtFrom": lambda row, wanted: row["updatedAt"] is not None and int(row["updatedAt"]) >= int(wanted),
    "updatedAtTo": lambda row, wanted: row["updatedAt"] is not None and int(row["updatedAt"]) <= int(wanted),
}


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
        wanted = {name: value for name, value in question.filters.items() if name in self._conditions}
        ids = self._candidates(known, question)
        found: list[int] = []
        for one in ids:
            row = self._rows.get(one)
            if row is not None and all(self._conditions[name](row, value) for name, value in wanted.items()):
                found.append(one)
                if len(found) == question.size:
                    break
        return Page(found, found[-1] if found else None)

    def _candidates(self, known: Sequence[int], question: Question) -> Iterator[int]:
        given = question.filters.get("ids")
        if given:
            asked = {int(one) for one in given}
            known = sorted(one for one in asked if _holds(known, one))
        if question.descending:
            behind = len(known) if question.after is None else bisect_left(known, question.after)
            return (known[index] for index in range(behind - 1, -1, -1))
        begin = 0 if question.after is None else bisect_right(known, question.after)
        return (known[index] for index in range(begin, len(known)))


def _holds(known: Sequence[int], one: int) -> bool:
    index = bisect_left(known, one)
    return index < len(known) and known[index] == one
