"""Nhanh's customers while people work on them: a list in order of id under a filter of times, which changes between calls."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.requests import NhanhCustomerFilter

from tests.fakes.mirrored import a_nhanh_customer


@dataclass
class ChangingCustomers:
    """`Nhanh` as far as pulls of customers use it. A customer's points are the number of its changes.

    `between` is called before each call is answered, with the filter that it asks by. A call is answered after `turns()`
    turns of the loop, so that calls overtake each other. A customer without a time matches no filter of times. Whether one who
    was changed in the very second of a bound matches is `from_belongs` and `to_belongs`.
    """

    page_size: int = 1
    turns: Callable[[], int] = lambda: 0
    between: Callable[[NhanhCustomerFilter], None] = lambda _wanted: None
    customers: dict[int, NhanhCustomer] = field(default_factory=dict)
    asked: list[NhanhCustomerFilter] = field(default_factory=list)
    asked_ids: list[Sequence[int]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    metrics: VendorMetrics = field(default_factory=VendorMetrics)
    from_belongs: bool = True
    to_belongs: bool = True

    def put(self, one: int, updated_at: int | None) -> None:
        """Write a customer, or change one that is there."""
        known = self.customers.get(one)
        changes = 0 if known is None or known.points is None else known.points + 1
        self.customers[one] = a_nhanh_customer(one, updated_at=updated_at, points=changes)

    async def customer_page(self, wanted: NhanhCustomerFilter, cursor: str | None) -> Page[NhanhCustomer]:
        """Read a page; a page with rows always leads to another, as Nhanh's do."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            for _ in range(self.turns()):
                await asyncio.sleep(0)
            self.asked.append(wanted)
            self.metrics.api_calls += 1
            self.between(wanted)
        finally:
            self.under_way -= 1
        after = 0 if cursor is None else orjson.loads(cursor)["id"]
        behind = sorted(one for one, row in self.customers.items() if one > after and self._matches(row, wanted))
        rows = [self.customers[one] for one in behind[: self.page_size]]
        return Page(rows, orjson.dumps({"id": rows[-1].nhanh_id}).decode() if rows else None)

    async def customers_by_id(self, nhanh_ids: Sequence[int]) -> Page[NhanhCustomer]:
        """Read customers by id."""
        self.asked_ids.append(nhanh_ids)
        self.metrics.api_calls += 1
        return Page([self.customers[one] for one in nhanh_ids if one in self.customers], None)

    def _matches(self, row: NhanhCustomer, wanted: NhanhCustomerFilter) -> bool:
        since, until, time = wanted.updated_since, wanted.updated_until, row.updated_at
        if since is None and until is None:
            return True
        if time is None:
            return False
        return (since is None or time > since or (self.from_belongs and time == since)) and (
            until is None or time < until or (self.to_belongs and time == until)
        )
