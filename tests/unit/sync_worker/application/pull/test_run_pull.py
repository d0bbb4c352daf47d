"""A pull from its first page to its end: overlap, resuming, failing and stopping."""

import asyncio
from dataclasses import replace

import pytest
from chassis.database import Database
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.pull.run_pull import filter_hash, run_pull
from sync_worker.domain.failures import AccessRefused, JobCancelled, OperationFailure, VendorRefusal, VendorUnavailable
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    PullFilter,
    PullMethod,
    PullMode,
    PullRequest,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)

from tests.fakes.clock import ManualClock
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.mirrored import a_nhanh_customer, a_nhanh_product, a_shopify_customer, a_variant
from tests.fakes.stores import a_store
from tests.fakes.vendor_lists import ListingVendors, listing


class World:
    """A catalog, and pulls into it."""

    def __init__(self, catalog: SqlPullCatalog, clock: ManualClock) -> None:
        self.catalog = catalog
        self.clock = clock

    async def pull(
        self,
        job: RecordingJobContext,
        vendors: ListingVendors,
        wanted: PullFilter | None = None,
        mode: PullMode = PullMode.FULL,
        operation: Operation = Operation.PULL_NHANH_PRODUCTS,
    ) -> OperationResult:
        """Run a pull."""
        request = PullRequest(mode, NhanhProductFilter() if wanted is None else wanted, PullMethod.PAGES)
        return await run_pull(
            job, request, operation=operation, vendors=vendors, catalog=self.catalog, clock=self.clock
        )


@pytest.fixture
def world(database: Database) -> World:
    """An empty catalog."""
    clock = ManualClock()
    return World(SqlPullCatalog(database, clock), clock)


def a_job(number: int = 1) -> RecordingJobContext:
    """A job that nobody stops."""
    return RecordingJobContext(a_store(), job_id=f"job-{number}")


PRODUCTS = [a_nhanh_product(number) for number in range(1, 9)]


@pytest.mark.parametrize(
    ("operation", "wanted", "rows"),
    [
        (Operation.PULL_NHANH_PRODUCTS, NhanhProductFilter(), PRODUCTS[:4]),
        (Operation.PULL_SHOPIFY_PRODUCTS, ShopifyProductFilter(), [a_variant(number) for number in range(1, 5)]),
        (Operation.PULL_NHANH_CUSTOMERS, NhanhCustomerFilter(), [a_nhanh_customer(number) for number in range(1, 5)]),
        (
            Operation.PULL_SHOPIFY_CUSTOMERS,
            ShopifyCustomerFilter(),
            [a_shopify_customer(number) for number in range(1, 5)],
        ),
    ],
)
async def test_every_pull_reads_to_the_end(
    world: World, operation: Operation, wanted: PullFilter, rows: list[object]
) -> None:
    """Its total is unknown until it is done, then it is what was read; costs are told with it."""
    job = a_job()
    done = await world.pull(job, listing(rows), wanted, operation=operation)
    assert (done.progress.total, done.progress.successful) == (4, 4)
    assert {report.total for report in job.reports} == {None}
    assert [report.successful for report in job.reports] == [0, 3, 4]
    assert done.result == {
        "mode": "FULL",
        "way": "page by page",
        "pull_id": done.result["pull_id"],
        "resumed": False,
        "created": 4,
        "updated": 0,
        "unchanged": 0,
        "pages": 2,
        "gone": 0,
        "failed": 0,
    }
    assert done.progress.metrics["api_calls"] == 2
    assert ("api_points" in done.progress.metrics) == ("SHOPIFY" in operation)


async def test_the_next_page_is_fetched_while_one_is_written(world: World) -> None:
    """One page ahead and no more: with the second page held, the first is stored already."""
    vendors = listing(PRODUCTS)
    held = vendors.vendor.holds[1] = asyncio.Event()
    job = a_job()
    pulling = asyncio.create_task(world.pull(job, vendors))
    await job.until_reported(2)
    assert [cursor for _, cursor in vendors.vendor.asked] == [None, "3"]
    held.set()
    assert (await pulling).progress.successful == 8


async def test_an_attempt_goes_on_where_the_last_one_stopped(world: World) -> None:
    """No page is read twice; counts go on, and the words say so."""
    vendors = listing(PRODUCTS)
    vendors.vendor.troubles[2] = VendorUnavailable("nhanh", "HTTP_503", "Nhanh is not available")
    with pytest.raises(VendorUnavailable):
        await world.pull(a_job(), vendors)
    vendors.vendor.asked.clear()
    job = a_job(2)
    done = await world.pull(job, vendors)
    assert [cursor for _, cursor in vendors.vendor.asked] == ["6"]
    assert job.reports[0].successful == 6
    assert "from page 3 on" in job.reports[0].message
    assert (done.progress.successful, done.result["resumed"]) == (8, True)


async def test_a_place_that_the_vendor_refuses_is_given_up(world: World) -> None:
    """It named the cursor itself; with it every later pull would fail, until somebody clears the place."""
    vendors = listing(PRODUCTS)
    vendors.vendor.troubles[1] = VendorUnavailable("nhanh", "HTTP_503", "Nhanh is not available")
    with pytest.raises(VendorUnavailable):
        await world.pull(a_job(), vendors)
    vendors.vendor.troubles[1] = VendorRefusal("nhanh", "ERR_INVALID_FORM_FIELDS", "paginator.next is not a cursor")
    with pytest.raises(OperationFailure, match=r"not a cursor; the place .* is given up") as refused:
        await world.pull(a_job(2), vendors)
    assert (refused.value.code, refused.value.retryable) == ("ERR_INVALID_FORM_FIELDS", True)
    world.clock.advance(1)
    done = await world.pull(a_job(2), vendors)
    assert (done.progress.successful, done.result["resumed"]) == (8, False)


@pytest.mark.parametrize("page", [0, 1])
async def test_a_refusal_of_anything_else_leaves_the_place(world: World, page: int) -> None:
    """Of the filter, or of a cursor that this very attempt was given: trying again without a change cannot help."""
    vendors = listing(PRODUCTS)
    vendors.vendor.troubles[page] = VendorRefusal("nhanh", "ERR_INVALID_FORM_FIELDS", "no such field")
    with pytest.raises(VendorRefusal):
        await world.pull(a_job(), vendors)
    done = await world.pull(a_job(2), vendors)
    assert (done.progress.successful, done.result["resumed"]) == (8, page > 0)


async def test_a_finished_job_only_says_so_again(world: World) -> None:
    """After a crash between the end and CompleteJob nothing is read, and the result is the same, but for how it was read."""
    vendors = listing(PRODUCTS)
    first = await world.pull(a_job(), vendors)
    vendors.vendor.asked.clear()
    again = await world.pull(a_job(), vendors)
    assert vendors.vendor.asked == []
    assert {**again.result, "way": "page by page", "resumed": False} == first.result
    assert "way" not in again.result
    assert again.message == first.message.replace(", page by page", "")
    assert again.progress.successful == again.progress.total == 8


async def test_an_attempt_with_only_the_end_left_says_no_way(world: World) -> None:
    """After a crash between the last page and the end nothing is read, in no way and from no page on."""
    vendors, job = listing(PRODUCTS), a_job()
    job.stop, job.stop_after = JobCancelled(), 4
    with pytest.raises(JobCancelled):
        await world.pull(job, vendors)
    job = a_job()
    vendors.vendor.asked.clear()
    done = await world.pull(job, vendors)
    assert vendors.vendor.asked == []
    assert "way" not in done.result
    for words in (job.reports[-1].message, done.message):
        assert "page by page" not in words
        assert "earlier attempt" not in words


async def test_a_way_that_is_not_known_yet_is_not_said(world: World) -> None:
    """A shop's first pull of customers goes page by page, and says nothing else before it has found that out."""
    job = a_job()
    await world.pull(
        job,
        listing([a_nhanh_customer(number) for number in range(1, 5)]),
        NhanhCustomerFilter(),
        operation=Operation.PULL_NHANH_CUSTOMERS,
    )
    first, *later = (report.message for report in job.reports)
    assert first.startswith("everything that the filter lets through; 0 rows")
    assert all(", page by page; " in message for message in later)


async def test_bad_credentials_keep_the_place(world: World) -> None:
    """The attempt fails at once; with the token mended the next pull goes on."""
    vendors = listing(PRODUCTS)
    vendors.vendor.troubles[1] = AccessRefused("nhanh", "ERR_INVALID_ACCESS_TOKEN", "Log in again.")
    with pytest.raises(AccessRefused):
        await world.pull(a_job(), vendors)
    done = await world.pull(a_job(2), vendors)
    assert done.progress.successful == 8
    assert done.result["resumed"] is True


async def test_a_stop_waits_for_no_page(world: World) -> None:
    """Stopped between pages, the fetch under way is cut off and what was stored stays."""
    vendors = listing(PRODUCTS)
    vendors.vendor.holds[2] = asyncio.Event()
    job = a_job()
    job.stop, job.stop_after = JobCancelled(), 2
    with pytest.raises(JobCancelled):
        await world.pull(job, vendors)
    assert [cursor for _, cursor in vendors.vendor.asked] == [None, "3", "6"]
    vendors.vendor.holds.clear()
    assert (await world.pull(a_job(2), vendors)).result["resumed"] is True


async def test_cancelled_while_it_waits_for_a_page(world: World) -> None:
    """The fetch is cut off with it."""
    vendors = listing(PRODUCTS)
    vendors.vendor.holds[1] = asyncio.Event()
    job = a_job()
    pulling = asyncio.create_task(world.pull(job, vendors))
    await job.until_reported(2)
    pulling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert vendors.vendor.cancelled == 1


async def test_incremental_asks_for_changes_only(world: World) -> None:
    """It asks from what was covered on, and says so; the first of its kind reads everything, and says that."""
    vendors = listing(PRODUCTS)
    job = a_job()
    await world.pull(job, vendors, mode=PullMode.INCREMENTAL)
    assert "everything, since no pull of this kind has finished" in job.reports[0].message
    began = world.clock.now_micros() // 1_000_000
    job = a_job(2)
    done = await world.pull(job, vendors, mode=PullMode.INCREMENTAL)
    assert "changes since" in job.reports[0].message
    assert done.result["mode"] == "INCREMENTAL"
    wanted, _ = vendors.vendor.asked[-1]
    assert wanted.updated_since == began - 600


@pytest.mark.parametrize(
    ("begun", "asked"), [(PullMode.FULL, PullMode.INCREMENTAL), (PullMode.INCREMENTAL, PullMode.FULL)]
)
async def test_a_pull_of_the_other_mode_says_what_it_gives_up(world: World, begun: PullMode, asked: PullMode) -> None:
    """There is one place for both modes; nobody loses what was read without a word in the job, while it runs and at its end."""
    vendors = listing(PRODUCTS)
    await world.pull(a_job(), vendors)
    vendors.vendor.troubles[2] = VendorUnavailable("nhanh", "HTTP_503", "Nhanh is not available")
    with pytest.raises(VendorUnavailable):
        await world.pull(a_job(2), vendors, mode=begun)
    job = a_job(3)
    done = await world.pull(job, vendors, mode=asked)
    words = f"in place of an unfinished {begun} pull, which was given up after 2 pages"
    assert words in job.reports[0].message
    assert words in done.message
    assert "in place of" not in (await world.pull(a_job(4), vendors, mode=begun)).message


async def test_a_callers_own_bound_is_kept(world: World) -> None:
    """Of the request's updated_since and what was covered, the later one counts."""
    vendors = listing(PRODUCTS)
    late = world.clock.now_micros() // 1_000_000 + 5_000
    wanted = NhanhProductFilter(updated_since=late)
    await world.pull(a_job(), vendors, wanted)
    await world.pull(a_job(2), vendors, wanted, mode=PullMode.INCREMENTAL)
    assert {asked.updated_since for asked, _ in vendors.vendor.asked} == {late}


def test_filters_have_names() -> None:
    """The same conditions have one name; other conditions, and other kinds of filter, have others."""
    one = NhanhProductFilter(statuses=(1, 2))
    assert filter_hash(one) == filter_hash(NhanhProductFilter(statuses=(2, 1, 2)))
    names = [
        filter_hash(wanted)
        for wanted in (
            one,
            replace(one, name="x"),
            NhanhProductFilter(),
            NhanhCustomerFilter(),
            ShopifyProductFilter(),
            ShopifyCustomerFilter(),
        )
    ]
    assert len(set(names)) == len(names)
