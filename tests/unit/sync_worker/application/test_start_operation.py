"""A start creates one job with the right locks, or says why not."""

import pytest
from sync_worker.application.large_selections import LABEL, MOST_INLINE
from sync_worker.application.ports.job_tracker import ConflictPolicy
from sync_worker.application.refusals import StoreNotFound, TrackerUnavailable
from sync_worker.application.start_operation import Starter, StartOptions, locks_of, start_operation
from sync_worker.domain.mappings import Entity
from sync_worker.domain.operations import SPECS, LockNeed, Operation, Strategy
from sync_worker.domain.requests import (
    MatchCustomersRequest,
    MatchProductsRequest,
    RetryFailedRequest,
    Selection,
    SyncProductsRequest,
)

from tests.fakes.job_tracker import FakeJobTracker
from tests.fakes.selections import SelectionsInMemory
from tests.fakes.stores import a_store


def a_starter() -> tuple[Starter, FakeJobTracker, SelectionsInMemory]:
    """A starter that knows the store hanoi."""
    tracker, selections = FakeJobTracker(), SelectionsInMemory()
    return Starter({"hanoi": a_store()}, tracker, selections, lambda: "made-up"), tracker, selections


async def test_the_job_says_what_was_asked_for() -> None:
    """Type, variant, store, params, policy, priority and creator are the caller's."""
    starter, tracker, _ = a_starter()
    options = StartOptions("hanoi", "r-1", ConflictPolicy.QUEUE, 7, "an operator", not_before=1_800_000_000_000_001)
    request = MatchCustomersRequest(Strategy.BATCH, batch_size=10)
    await start_operation(starter, Operation.AUTO_MATCH_CUSTOMERS, options, request, {"batch_size": 10})
    (job,) = tracker.created
    assert (job.request_id, job.type, job.variant) == ("r-1", Operation.AUTO_MATCH_CUSTOMERS, "BATCH")
    assert (job.store_id, job.params, job.labels) == ("hanoi", {"batch_size": 10}, {})
    assert (job.conflict_policy, job.priority, job.created_by) == (ConflictPolicy.QUEUE, 7, "an operator")
    assert job.not_before == 1_800_000_000_000_001


async def test_a_start_always_has_a_request_id() -> None:
    """Without the caller's, one of our own makes our repeats safe."""
    starter, tracker, _ = a_starter()
    request = MatchProductsRequest()
    await start_operation(starter, Operation.AUTO_MATCH_PRODUCTS, StartOptions("hanoi"), request, {})
    assert tracker.created[0].request_id == "made-up"


async def test_a_job_that_stood_already_is_said_to_be_so() -> None:
    """Whether the job is new is JobTracker's word, whatever the policy was."""
    starter, _, _ = a_starter()
    clicks = [StartOptions("hanoi", request_id, ConflictPolicy.USE_EXISTING) for request_id in ("r-1", "r-2")]
    made = [
        await start_operation(starter, Operation.AUTO_MATCH_PRODUCTS, click, MatchProductsRequest(), {})
        for click in clicks
    ]
    assert [each.created for each in made] == [True, False]
    assert made[0].message == made[1].message


async def test_an_unknown_store_starts_nothing() -> None:
    """It is refused before JobTracker is asked."""
    starter, tracker, _ = a_starter()
    with pytest.raises(StoreNotFound, match="hue"):
        await start_operation(starter, Operation.AUTO_MATCH_PRODUCTS, StartOptions("hue"), MatchProductsRequest(), {})
    assert tracker.created == []


async def test_jobtrackers_word_is_passed_on() -> None:
    """An outage is not turned into something else."""
    starter, tracker, _ = a_starter()
    tracker.refuse = TrackerUnavailable()
    with pytest.raises(TrackerUnavailable):
        await start_operation(starter, Operation.AUTO_MATCH_PRODUCTS, StartOptions("hanoi"), MatchProductsRequest(), {})


@pytest.mark.parametrize("operation", list(SPECS))
def test_locks_carry_their_store(operation: Operation) -> None:
    """Two stores never stand in each other's way."""
    request = RetryFailedRequest((Entity.PRODUCTS, Entity.CUSTOMERS))
    locks = locks_of(operation, request if operation is Operation.RETRY_FAILED_SYNC else MatchProductsRequest(), "hue")
    assert [lock.key for lock in locks] == [f"hue/{need.key}" for need in SPECS[operation].locks]
    assert [lock.exclusive for lock in locks] == [need.exclusive for need in SPECS[operation].locks]


def test_a_retry_locks_what_it_retries() -> None:
    """A retry of customers does not wait for a push of products."""
    locks = locks_of(Operation.RETRY_FAILED_SYNC, RetryFailedRequest((Entity.CUSTOMERS,)), "hanoi")
    assert locks == (
        LockNeed("hanoi/push/customers", exclusive=True),
        LockNeed("hanoi/mappings/customers", exclusive=False),
    )


async def test_a_large_selection_is_put_aside_before_the_job_is_created() -> None:
    """The job names it by its content: the same start makes the same job."""
    starter, tracker, selections = a_starter()
    ids = [f"id-{number}" for number in range(MOST_INLINE + 1)]
    request = SyncProductsRequest(Selection(mapping_ids=tuple(ids)))
    for _ in range(2):
        params = {"selection": {"ids": {"mapping_ids": list(ids)}}, "repush": True}
        await start_operation(starter, Operation.PRODUCT_SYNC, StartOptions("hanoi", "r-1"), request, params)
    first, second = tracker.created
    assert first == second
    named = f"{LABEL}:{first.labels[LABEL]}"
    assert first.params == {"selection": {"ids": {"mapping_ids": [named]}}, "repush": True}
    assert selections.kept == {first.labels[LABEL]: tuple(ids)}
