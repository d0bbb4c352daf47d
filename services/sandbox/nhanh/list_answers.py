"""Answers of the list calls: pages, their cursors, and what may be odd or wrong about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from sandbox.faults import FaultKind, FaultPlan, Rule
from sandbox.nhanh import cursors
from sandbox.nhanh.business import Business
from sandbox.nhanh.habits import NhanhHabits
from sandbox.nhanh.lists import CUSTOMER_CONDITIONS, PRODUCT_CONDITIONS, Page, RowList
from sandbox.nhanh.oddities import oddity_of
from sandbox.nhanh.questions import Question, read_question
from sandbox.nhanh.rows import listed_customer, listed_product, spoiled, stocked_product

Write = Callable[[Business, int], bytes]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One list: its rows, the ids of those that it shows, how a row is written, and by what it can be sorted."""

    rows: RowList
    known: Callable[[], Sequence[int]]
    write: Write
    sort_key: str | None
    descending: bool = False


class ListAnswers:
    """Answers the list calls of one business."""

    def __init__(
        self,
        business: Business,
        store_id: str,
        *,
        plan: FaultPlan,
        habits: NhanhHabits,
        seed: int,
        prepared: bool = False,
    ) -> None:
        self._business = business
        self._store_id = store_id
        self._plan = plan
        self._habits = habits
        self._seed = seed
        products = RowList(business.products, PRODUCT_CONDITIONS)
        customers = RowList(business.customers, CUSTOMER_CONDITIONS)
        keep = _kept if prepared else _written_anew
        self._kinds = {
            "product/list": _Kind(products, lambda: business.products.ids, keep(listed_product), "id"),
            "product/inventory": _Kind(
                products, lambda: business.stock.ids, keep(stocked_product), "productId", descending=True
            ),
            "customer/list": _Kind(customers, lambda: business.customers.ids, listed_customer, None),
        }

    def paths(self) -> Sequence[str]:
        """List the calls that are answered here."""
        return list(self._kinds)

    def answer(self, path: str, body: bytes, rule: Rule | None) -> bytes:
        """Answer a call, as a rule of the fault plan says.

        Raises:
            NhanhError: As `read_question` says.
        """
        kind = self._kinds[path]
        question = read_question(body, kind.sort_key, descending=kind.descending, clamps_size=self._habits.clamps_size)
        page = kind.rows.page(kind.known(), question)
        odd = oddity_of(path, question, seed=self._seed, share=self._habits.oddities) if rule is None else rule.kind
        if odd is FaultKind.EMPTY_PAGE:
            return _answer(b"[]", cursors.same_place(question.after, question.again + 1))
        if page.last is None:
            return _answer(b"[]", None)
        if odd is FaultKind.SHORT_PAGE and len(page.ids) > 1:
            half = page.ids[: len(page.ids) // 2]
            page = Page(half, half[-1])
        following = cursors.written(page.ids[-1], mixed=self._habits.mixed_cursors)
        if odd is FaultKind.REPEAT_CURSOR:
            following = question.given_next or following
        ids = page.ids
        if odd is FaultKind.DUPLICATE_ROWS:
            ids = [*self._row_before(kind, question), *ids, ids[0]]
        return _answer(self._data(path, kind, ids, keyed=odd is FaultKind.KEYED_ROWS), following)

    def _row_before(self, kind: _Kind, question: Question) -> list[int]:
        """Find the row that the last page ended with, if it is still in the list."""
        if question.after is None:
            return []
        filters = {**question.filters, "ids": [question.after]}
        return kind.rows.page(kind.known(), replace(question, filters=filters, after=None)).ids

    def _data(self, path: str, kind: _Kind, ids: Sequence[int], *, keyed: bool) -> bytes:
        business, write = self._business, kind.write
        rows = [write(business, one) for one in ids]
        for item in self._plan.bad_items("nhanh", self._store_id, path):
            if item.isdecimal():
                rows = [spoiled(row) if one == int(item) else row for one, row in zip(ids, rows, strict=True)]
        if keyed:
            return b"{%b}" % b",".join(b'"%d":%b' % (one, row) for one, row in zip(ids, rows, strict=True))
        return b"[%b]" % b",".join(rows)


def _written_anew(write: Write) -> Write:
    return write


def _kept(write: Write) -> Write:
    """Keep each row as it was first written: products, with all their depots, take the longest to write."""
    rows: dict[int, bytes] = {}

    def kept(business: Business, one: int) -> bytes:
        row = rows.get(one)
        if row is None:
            row = rows[one] = write(business, one)
        return row

    return kept


def _answer(data: bytes, following: object | None) -> bytes:
    if following is None:
        return b'{"code":1,"data":%b}' % data
    return b'{"code":1,"data":%b,"paginator":{"next":%b}}' % (data, orjson.dumps(following))
