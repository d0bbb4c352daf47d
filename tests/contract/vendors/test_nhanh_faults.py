"""The Nhanh client and its limiter under every fault of the sandbox's Nhanh, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sandbox.faults import FaultKind
from sync_worker.adapters.endless_lists import MOST_EMPTY_PAGES
from sync_worker.adapters.nhanh.client import MOST_FRUITLESS_PAGES
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.domain.failures import AccessRefused, MalformedAnswer, VendorFailure, VendorUnavailable

from tests.fakes.nhanh_shop import ALL_CUSTOMERS, a_shop, every_customer, every_product

HEALING = [
    FaultKind.HTTP_429,
    FaultKind.HTTP_503,
    FaultKind.HTML,
    FaultKind.TIMEOUT,
    FaultKind.SHORT_PAGE,
    FaultKind.EMPTY_PAGE,
    FaultKind.LOCK,
    FaultKind.THROTTLED,
    FaultKind.DROP_AFTER_COMMIT,
]


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("kind", HEALING)
async def test_a_passing_fault_costs_no_row(kind: FaultKind, skip: int) -> None:
    """At the first page or later: every row comes exactly once, none is asked for while a lock lasts."""
    async with a_shop() as shop:
        shop.fault(kind, "product/list", skip=skip, times=2, seconds=3.0)
        assert [row.nhanh_id for row in await every_product(shop.nhanh())] == sorted(shop.sellable)
        shop.fault(kind, "customer/list", skip=skip, times=2, seconds=3.0)
        found = await every_customer(shop.nhanh())
        assert sorted(row.nhanh_id for row in found) == sorted(shop.world.business.customers)
        calls = shop.world.calls
        assert calls.faulted == {"nhanh product/list": 2, "nhanh customer/list": 2}
        assert not calls.refused


@pytest.mark.parametrize("kind", HEALING)
async def test_a_passing_fault_costs_no_stock(kind: FaultKind) -> None:
    """Reads by ids are complete too."""
    async with a_shop() as shop:
        ids = sorted(shop.world.business.stock.keys() & shop.sellable.keys())[:60]
        shop.fault(kind, "product/inventory", seconds=3.0)
        assert sorted((await shop.nhanh().stock_of(ids)).stock) == ids
        shop.fault(kind, "product/list", seconds=3.0)
        assert sorted((await shop.nhanh().products_by_id(ids)).products) == ids
        assert not shop.world.calls.refused


LASTING = [
    (FaultKind.HTTP_429, VendorUnavailable, "RATE_LIMITED"),
    (FaultKind.HTTP_503, VendorUnavailable, "HTTP_503"),
    (FaultKind.HTML, VendorUnavailable, "NOT_JSON"),
    (FaultKind.TIMEOUT, VendorUnavailable, "HTTP_504"),
    (FaultKind.LOCK, VendorUnavailable, "RATE_LIMITED"),
    (FaultKind.DROP_AFTER_COMMIT, VendorUnavailable, "CONNECTION_FAILED"),
    (FaultKind.INVALID_TOKEN, AccessRefused, "ERR_INVALID_ACCESS_TOKEN"),
]

READS: dict[str, Callable[[Nhanh], Awaitable[object]]] = {
    "product/list": every_product,
    "customer/list": every_customer,
    "product/inventory": lambda nhanh: nhanh.stock_of([1]),
    "app/checkaccesstoken": lambda nhanh: nhanh.check_access(),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(("kind", "failure", "code"), LASTING)
async def test_a_lasting_fault_is_a_typed_failure(
    operation: str, kind: FaultKind, failure: type[VendorFailure], code: str
) -> None:
    """Never an empty answer, and never without an end."""
    async with a_shop() as shop:
        shop.fault(kind, operation, times=-1, seconds=3.0)
        with pytest.raises(failure) as raised:
            await READS[operation](shop.nhanh())
        assert (raised.value.vendor, raised.value.code) == ("nhanh", code)


@pytest.mark.parametrize("operation", ["product/list", "customer/list"])
async def test_a_repeated_cursor_ends_the_read(operation: str) -> None:
    """Going round in circles is no answer."""
    async with a_shop() as shop:
        shop.fault(FaultKind.REPEAT_CURSOR, operation, skip=1)
        with pytest.raises(MalformedAnswer, match="circles"):
            await READS[operation](shop.nhanh())


async def test_a_token_that_is_replaced_in_the_middle_ends_the_read() -> None:
    """A page that was refused is not the end of the list."""
    async with a_shop() as shop:
        nhanh = shop.nhanh()
        page = await nhanh.customer_page(ALL_CUSTOMERS, None)
        shop.world.business.token_revoked = True
        with pytest.raises(AccessRefused, match="log in"):
            await nhanh.customer_page(ALL_CUSTOMERS, page.next_cursor)


@pytest.mark.parametrize("operation", ["product/list", "customer/list"])
async def test_a_list_that_never_ends_is_given_up(operation: str) -> None:
    """Empty pages that each lead to another are read over as far as is thinkable, and no further."""
    async with a_shop() as shop:
        shop.fault(FaultKind.EMPTY_PAGE, operation, skip=1, times=-1)
        with pytest.raises(MalformedAnswer, match=f"{operation} does not end"):
            await READS[operation](shop.nhanh())
        assert shop.world.calls.faulted == {f"nhanh {operation}": MOST_EMPTY_PAGES + 1}


@pytest.mark.parametrize("operation", ["product/list", "product/inventory"])
async def test_ids_that_never_come_are_given_up(operation: str) -> None:
    """Their list goes on and on without them, which does not say that they are missing."""
    async with a_shop() as shop:
        nhanh = shop.nhanh()
        read = nhanh.stock_of if operation == "product/inventory" else nhanh.products_by_id
        shop.fault(FaultKind.EMPTY_PAGE, operation, times=-1)
        with pytest.raises(MalformedAnswer, match=f"{operation} does not end"):
            await read([min(shop.sellable)])
        assert shop.world.calls.faulted == {f"nhanh {operation}": MOST_FRUITLESS_PAGES + 1}


async def test_two_jobs_at_once_never_meet_the_limit() -> None:
    """They share the account's window: 300 calls, and Nhanh refuses none of them."""
    async with a_shop(quota=145, limits=1.0) as shop:
        one = min(shop.sellable)
        jobs = [shop.nhanh(), shop.nhanh()]
        await asyncio.gather(*(jobs[number % 2].products_by_id([one]) for number in range(300)))
        assert shop.world.calls.answered["nhanh product/list"] == 300
        assert not shop.world.calls.refused
        assert shop.clock.elapsed >= 60.0
        assert all(job.metrics.rate_limit_wait_seconds > 0 for job in jobs)


async def test_without_a_quota_the_lock_of_nhanh_is_obeyed() -> None:
    """The limit is met, and each lock is waited out: none is lengthened by a call."""
    async with a_shop(quota=0, limits=0.02) as shop:
        nhanh = shop.nhanh()
        one = min(shop.sellable)
        for _ in range(12):
            await nhanh.products_by_id([one])
        calls = shop.world.calls
        assert calls.answered["nhanh product/list"] == 12
        assert calls.refused["nhanh product/list"] == nhanh.metrics.retries > 0
        assert shop.world.calls.refused.total() <= shop.clock.elapsed / 10.0
