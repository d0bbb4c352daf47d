"""More changes than Shopify pages through, pulled from the sandbox's Shopify."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sandbox.faults import FaultKind
from sandbox.shopify import endpoint
from sync_worker.application.pull import choosing, pages_then_bulk
from sync_worker.domain.failures import VendorRefusal, VendorUnavailable
from sync_worker.domain.requests import PullMethod, PullMode, ShopifyCustomerFilter

from tests.contract.vendors.test_shopify_bulk import World, a_world

EVERYONE = ShopifyCustomerFilter()
PAGES = 2
"""Of 250 rows each, of which the sandbox has some more."""


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A shop all of whose customers have changed since they were pulled, and that pages through 500 of them."""
    monkeypatch.setattr(endpoint, "DEEPEST_ROW", PAGES * 250)
    for module in (choosing, pages_then_bulk):
        monkeypatch.setattr(module, "DEEPEST_PAGE", PAGES)
    async with a_world(tmp_path, limits=1.0) as opened:
        await opened.pull(EVERYONE, job_id="first")
        opened.shop.clock.advance(3_600)
        now = int(opened.shop.clock.now())
        for customer in opened.shop.world.shop.customers.values():
            customer.note, customer.updated_at = f"changed at {now}", now
        yield opened


def pages_asked(world: World) -> int:
    """How many pages of customers the shop has answered."""
    return world.shop.world.calls.answered["shopify customers"]


async def test_a_bulk_operation_brings_what_pages_cannot_reach(world: World) -> None:
    """No page is asked for in vain, every row counts once, and the job says how it went."""
    everyone = len(world.shop.world.shop.customers)
    assert everyone > PAGES * 250
    done = await world.pull(EVERYONE, job_id="second", mode=PullMode.INCREMENTAL)
    assert (done.result["updated"], done.progress.successful) == (everyone, everyone)
    assert done.result["way"] == "page by page, and by a bulk operation behind page 2"
    assert pages_asked(world) == PAGES
    stored = await world.rows(customers=True)
    again = await world.pull(EVERYONE, job_id="third")
    assert again.result["unchanged"] == everyone
    assert await world.rows(customers=True) == stored


async def test_an_attempt_that_died_between_the_two_goes_on_with_the_second(world: World) -> None:
    """What pages have brought is stored, and is not asked for again."""
    world.shop.fault(FaultKind.HTTP_503, "bulkOperationRunQuery", times=20)
    with pytest.raises(VendorUnavailable):
        await world.pull(EVERYONE, job_id="second", mode=PullMode.INCREMENTAL)
    world.shop.plan([])
    done = await world.pull(EVERYONE, job_id="second", mode=PullMode.INCREMENTAL)
    everyone = len(world.shop.world.shop.customers)
    assert (done.result["updated"], done.result["resumed"]) == (everyone, True)
    assert pages_asked(world) == PAGES


async def test_a_refused_operation_is_no_fault_of_the_place(world: World) -> None:
    """The pages that were read stay read, whatever Shopify says to the start of an operation."""
    world.shop.fault(FaultKind.HTTP_STATUS, "bulkOperationRunQuery", code="422", message="no", times=-1)
    for _ in range(2):
        with pytest.raises(VendorRefusal):
            await world.pull(EVERYONE, job_id="second", mode=PullMode.INCREMENTAL)
    world.shop.plan([])
    done = await world.pull(EVERYONE, job_id="second", mode=PullMode.INCREMENTAL)
    assert (done.progress.successful, pages_asked(world)) == (len(world.shop.world.shop.customers), PAGES)


async def test_who_asks_for_pages_gets_pages(world: World) -> None:
    """And Shopify's refusal, when there are no more of them; the rows up to there stay."""
    with pytest.raises(VendorRefusal, match="500"):
        await world.pull(EVERYONE, job_id="second", mode=PullMode.INCREMENTAL, method=PullMethod.PAGES)
    world.shop.clock.advance(60)
    done = await world.pull(EVERYONE, job_id="third", mode=PullMode.INCREMENTAL, method=PullMethod.BULK)
    assert done.progress.successful == len(world.shop.world.shop.customers)
