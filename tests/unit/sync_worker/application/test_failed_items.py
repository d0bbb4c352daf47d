"""A retry of failed items pushes exactly those, or fails and says why: never everything in their place."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from chassis.database import Database
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.application.failed_items import FailedItems
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.application.ports.work_queue import ClaimedJob, LeaseGrant
from sync_worker.application.push.item_keys import item_key, item_of, missing_key
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.mappings import Entity
from sync_worker.domain.operations import SPECS, Operation
from sync_worker.domain.requests import (
    MatchProductsRequest,
    NhanhProductFilter,
    OperationRequest,
    ProductAspect,
    PullMode,
    PullRequest,
    RetryFailedRequest,
    SyncCustomersRequest,
    SyncProductsRequest,
)

from tests.fakes.failure_records import FailureRecordsInMemory
from tests.fakes.job_tracker import refusal
from tests.fakes.push_world import ALL, LOCATION, PushWorld, mapping_id
from tests.fakes.stepped_clock import SteppedClock

REFUSED = ItemRefusal("INVALID", "Shopify does not take it.", retryable=False)
PRODUCTS = SyncProductsRequest(ALL)


@pytest.fixture
def world(database: Database) -> PushWorld:
    """A store without links."""
    return PushWorld(database)


def a_retry(**changed: Any) -> ClaimedJob:
    """An attempt of a job that is to do again what failed in the job `old`."""
    lease = LeaseGrant("new", "token", 1, 30.0, 10.0)
    job = ClaimedJob("new", Operation.PRODUCT_SYNC, "", "hanoi", 1, {}, {}, (), lease, "old", failed_items_only=True)
    return replace(job, **changed)


async def narrowed(
    world: PushWorld,
    records: FailureRecordsInMemory,
    request: OperationRequest = PRODUCTS,
    job: ClaimedJob | None = None,
    clock: SteppedClock | None = None,
) -> Any:
    """What the attempt is asked with."""
    items = FailedItems(records, world.catalog, clock or SteppedClock(), lambda _low, high: high)
    return await items.narrowed(job or a_retry(), request)


async def failure(
    world: PushWorld,
    records: FailureRecordsInMemory,
    request: OperationRequest = PRODUCTS,
    job: ClaimedJob | None = None,
) -> OperationFailure:
    """Why the attempt fails before it has begun; for none of the reasons would another attempt help."""
    with pytest.raises(OperationFailure) as raised:
        await narrowed(world, records, request, job)
    assert not raised.value.retryable
    return raised.value


async def test_exactly_what_failed_is_pushed_again(world: PushWorld) -> None:
    """Two of four products and one of two customers were refused, for good: a person asked, so they are tried again."""
    for number in (1, 2, 3, 4):
        await world.product(number, 5)
        await world.customer(10 + number, 7_000)
    world.vendors.shop.refusals = {1002: REFUSED, 1003: REFUSED, 4012: REFUSED}
    jobs = [world.job(), world.job()]
    await world.sync_products(job=jobs[0])
    await world.sync_customers(job=jobs[1])
    keys = {job.job_id: [failure.item_key for failure in job.failures] for job in jobs}
    assert keys == {jobs[0].job_id: ["nhanh:2", "nhanh:3"], jobs[1].job_id: ["nhanh:12"]}
    world.vendors.shop.refusals = {}
    writes = len(world.vendors.shop.writes)
    # What the shop has of the others has changed since: a retry of what failed leaves it alone.
    world.vendors.business.stock[1] = world.vendors.business.stock[2]
    world.vendors.shop.quantities[1001, LOCATION] = 99

    records = FailureRecordsInMemory(keys)
    products = await narrowed(world, records, PRODUCTS, a_retry(retry_of_job_id=jobs[0].job_id))
    customers = await narrowed(world, records, SyncCustomersRequest(ALL), a_retry(retry_of_job_id=jobs[1].job_id))
    done = [
        await world.sync_products(selection=products.selection),
        await world.sync_customers(selection=customers.selection),
    ]
    assert [(each.progress.total, each.progress.successful) for each in done] == [(2, 2), (1, 1)]
    assert sorted(write[1] for write in world.vendors.shop.writes[writes:]) == [1002, 1003, 4012]
    assert world.vendors.shop.quantities[1001, LOCATION] == 99
    for entity, number in ((Entity.PRODUCTS, 2), (Entity.PRODUCTS, 3), (Entity.CUSTOMERS, 12)):
        assert (await world.mapping(mapping_id(entity, number))).status == "SYNCED"


async def test_all_else_stays_as_it_was_asked(world: PushWorld) -> None:
    """Aspects, guards and dry run are those of the job that is repeated."""
    await world.product(1, 5)
    request = SyncProductsRequest(
        ALL, (ProductAspect.PRICE,), repush=True, allow_mass_zero=False, dry_run=True, max_drop_percent=7
    )
    found = await narrowed(world, FailureRecordsInMemory({"old": ["nhanh:1"]}), request)
    assert found == replace(request, selection=found.selection)
    assert found.selection.mapping_ids == (mapping_id(Entity.PRODUCTS, 1),)


async def test_every_page_is_read_and_every_item_taken_once(world: PushWorld) -> None:
    """An item that failed at two locations is one item."""
    for number in range(1, 8):
        await world.product(number, 5)
    keys = [f"nhanh:{number}" for number in (1, 1, 2, 3, 4, 5, 5, 6, 7)]
    records = FailureRecordsInMemory({"old": keys}, page_size=2)
    found = await narrowed(world, records)
    assert found.selection.mapping_ids == tuple(mapping_id(Entity.PRODUCTS, number) for number in range(1, 8))
    assert [page for _, page in records.asked] == ["", "2", "4", "6", "8"]


async def test_thousands_of_items_are_found(world: PushWorld) -> None:
    """More than one question to the database holds; those that are not linked are kept by name, in their place."""
    await world.product(2_222, 5)
    keys = [item_key(number) for number in range(1_000, 4_000)]
    found = await narrowed(world, FailureRecordsInMemory({"old": keys}))
    expected = list(keys)
    expected[1_222] = mapping_id(Entity.PRODUCTS, 2_222)
    assert list(found.selection.mapping_ids) == expected


async def test_an_item_that_is_not_linked_any_more_fails_again(world: PushWorld) -> None:
    """It is neither forgotten nor pushed; linked anew, a retry of the retry finds it."""
    await world.product(1, 5)
    first, second = world.job(), world.job()
    keys = ["nhanh:1", "nhanh:9", "mapping:never-there"]
    found = await narrowed(world, FailureRecordsInMemory({"old": keys}))
    done = await world.sync_products(selection=found.selection, job=first)
    assert (done.progress.successful, done.progress.failed) == (1, 2)
    failed = {failure.item_key: failure.code for failure in first.failures}
    assert failed == {"nhanh:9": "MAPPING_NOT_FOUND", "mapping:never-there": "MAPPING_NOT_FOUND"}

    await world.product(9, 5)
    found = await narrowed(world, FailureRecordsInMemory({"old": list(failed)}))
    done = await world.sync_products(selection=found.selection, job=second)
    assert (done.progress.successful, done.progress.failed) == (1, 1)
    assert [failure.item_key for failure in second.failures] == ["mapping:never-there"]


@pytest.mark.parametrize("keys", [[], ["run"], ["page:3", "the whole run", "nhanh:", "nhanh:x", "nhanh:0", "mapping:"]])
async def test_without_a_failed_item_there_is_nothing_to_do_again(world: PushWorld, keys: list[str]) -> None:
    """A failure that names a run is no item, and does not become a selection of everything."""
    failed = await failure(world, FailureRecordsInMemory({"old": keys}))
    assert failed.code == "NO_FAILED_ITEMS"
    assert "retry all of it" in failed.message


async def test_failures_of_a_run_do_not_hide_those_of_items(world: PushWorld) -> None:
    """They are passed over."""
    await world.product(1, 5)
    found = await narrowed(world, FailureRecordsInMemory({"old": ["nhanh:1", "run"]}))
    assert found.selection.mapping_ids == (mapping_id(Entity.PRODUCTS, 1),)


@pytest.mark.parametrize("retry_of_job_id", ["deleted", ""])
async def test_a_deleted_job_fails_the_retry(world: PushWorld, retry_of_job_id: str) -> None:
    """The record of what failed went with it."""
    job = a_retry(retry_of_job_id=retry_of_job_id)
    failed = await failure(world, FailureRecordsInMemory({"old": ["nhanh:1"]}), PRODUCTS, job)
    assert failed.code == "RETRIED_JOB_DELETED"
    assert failed.message.endswith("has been deleted, and with it the record of what failed; start the operation again")


async def test_failures_beyond_those_on_record_fail_the_retry(world: PushWorld) -> None:
    """JobTracker stores 10,000 of a job and counts the rest: not all that failed can be known."""
    await world.product(1, 5)
    failed = await failure(world, FailureRecordsInMemory({"old": ["nhanh:1", "nhanh:2"]}, unstored=5_000))
    assert failed.code == "FAILED_ITEMS_UNKNOWN"
    assert "5,002 item failures, of which 2 are on record" in failed.message
    assert failed.message.endswith("retry all of the job")


@pytest.mark.parametrize(
    "request_",
    [
        PullRequest(PullMode.FULL, NhanhProductFilter()),
        MatchProductsRequest(),
        RetryFailedRequest((Entity.PRODUCTS,)),
    ],
)
async def test_other_operations_do_not_know_how(world: PushWorld, request_: OperationRequest) -> None:
    """They are not registered as if they did, and a job that asks for it all the same is not run as a whole."""
    failed = await failure(world, FailureRecordsInMemory({"old": ["nhanh:1"]}), request_)
    assert failed.code == "RETRY_SCOPE_UNSUPPORTED"
    heal = {spec.operation for spec in SPECS.values() if spec.retries_failed_items}
    assert heal == {Operation.PRODUCT_SYNC, Operation.CUSTOMER_SYNC}


async def test_another_refusal_is_told(world: PushWorld) -> None:
    """Such as a worker's token that may not read the job."""
    records = FailureRecordsInMemory({"old": ["nhanh:1"]}, refuse=refusal("PERMISSION_DENIED", "not yours"))
    failed = await failure(world, records)
    assert failed.code == "JOB_TRACKER_REFUSED"
    assert failed.message.endswith("job old: not yours")


async def test_a_jobtracker_that_is_away_is_waited_for(world: PushWorld) -> None:
    """An outage uses up no attempt."""
    await world.product(1, 5)
    clock = SteppedClock()
    records = FailureRecordsInMemory({"old": ["nhanh:1"]}, away=3)
    task = asyncio.create_task(narrowed(world, records, clock=clock))
    await clock.until(lambda: len(records.asked) == 4)
    assert (await task).selection.mapping_ids == (mapping_id(Entity.PRODUCTS, 1),)


async def test_any_other_job_is_left_alone(world: PushWorld) -> None:
    """Nothing is asked of JobTracker, and the request is the one that was made."""
    records = FailureRecordsInMemory({})
    assert await narrowed(world, records, PRODUCTS, a_retry(failed_items_only=False)) is PRODUCTS
    assert records.asked == []


@given(nhanh_id=st.integers(1, 10**18 - 1), mapping=st.uuids())
def test_names_of_items_are_read_as_they_were_written(nhanh_id: int, mapping: Any) -> None:
    """Whether the item was known or only a mapping that is not there."""
    assert item_of(item_key(nhanh_id)) == nhanh_id
    assert item_of(missing_key(item_key(nhanh_id))) == nhanh_id
    assert item_of(missing_key(str(mapping))) == str(mapping)
