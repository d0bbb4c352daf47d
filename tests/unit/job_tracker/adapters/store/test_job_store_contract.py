"""What every `JobStore` promises of creating, claiming and changing. The same suite runs on each of them."""

from dataclasses import replace
from typing import Any

import pytest
from job_tracker.application.ports.job_store import ConflictPolicy
from job_tracker.domain import moves
from job_tracker.domain.errors import (
    ConflictingJobError,
    IllegalTransitionError,
    InvalidFieldsError,
    JobDeletedError,
    JobNotFoundError,
    LeaseLostError,
    RequestIdReusedError,
)
from job_tracker.domain.job import Asked, Job, JobType
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Change, Now, Report
from job_tracker.domain.progress import Progress
from job_tracker.domain.states import State

from tests.fakes.store_rig import TTL, StoreRig

ALONE = Lock("k", exclusive=True)
SHARED = Lock("k", exclusive=False)
OTHER = Lock("other", exclusive=True)

QUEUE, USE_EXISTING, REPLACE = ConflictPolicy.QUEUE, ConflictPolicy.USE_EXISTING, ConflictPolicy.REPLACE


async def test_a_job_is_read_as_it_was_created(rig: StoreRig) -> None:
    """Every field comes back; the store sets times, ticket and label, and tells of the creation."""
    await rig.store.register_types([JobType("T", "Kéo hàng")])
    parent = (await rig.create(OTHER)).job
    made = await rig.create(
        ALONE,
        Lock("j", exclusive=False),
        variant="V",
        store_id="s1",
        params={"a": [1, "x", None], "b": {"c": 1.5}},
        labels={"team": "kho"},
        priority=7,
        max_attempts=2,
        parent_job_id=parent.job_id,
    )
    wall = rig.now().wall
    assert made.created
    assert not made.claimed
    assert made.job == await rig.store.get("job-2")
    assert (made.job.create_time, made.job.update_time, made.job.display_name) == (wall, wall, "Kéo hàng")
    assert (made.job.params["b"], made.job.labels, made.job.locks[0]) == ({"c": 1.5}, {"team": "kho"}, ALONE)
    assert made.job.ticket > parent.ticket > 0
    assert await rig.kinds("job-2") == ["CREATED"]


async def test_a_parent_must_be_there(rig: StoreRig) -> None:
    """Without it a job is refused, and nothing of it stays: its key is free. A retry may outlive the parent."""
    with pytest.raises(JobNotFoundError):
        await rig.create(ALONE, parent_job_id="nobody", request="r-1")
    assert (await rig.create(ALONE, request="r-1")).created
    assert (await rig.create(parent_job_id="nobody", retry_of_job_id="job-2")).created


async def test_fail_refuses_where_an_incompatible_job_stands(rig: StoreRig) -> None:
    """Sharing is compatible with sharing alone; the refusal names the first in line and the key."""
    await rig.create(SHARED)
    await rig.create(SHARED)
    with pytest.raises(ConflictingJobError) as refused:
        await rig.create(OTHER, ALONE)
    assert (refused.value.job_id, refused.value.lock_key) == ("job-1", "k")
    assert (await rig.create(OTHER)).created


async def test_queued_jobs_run_in_order_of_their_tickets(rig: StoreRig) -> None:
    """One that shares does not overtake one that waits to be alone, whatever its priority; nobody starves."""
    first = await rig.running(SHARED)
    await rig.create(ALONE, policy=QUEUE)
    await rig.create(SHARED, policy=QUEUE, priority=9)
    await rig.create(SHARED, policy=QUEUE)
    assert await rig.claimed(most=9) == []
    await rig.complete(first)
    (alone,) = await rig.claim(most=9)
    assert alone.job.job_id == "job-2"
    await rig.complete(alone)
    assert await rig.claimed(most=9) == ["job-3", "job-4"]


async def test_use_existing_answers_with_the_job_that_does_the_same(rig: StoreRig) -> None:
    """It has the same type, variant, shop and params, and it alone stands in the way; otherwise the call is refused."""
    await rig.create(ALONE, params={"a": 1})
    used = await rig.create(ALONE, params={"a": 1}, policy=USE_EXISTING, request="r-1")
    assert (used.job.job_id, used.created, used.claimed) == ("job-1", False, False)
    again = await rig.create(ALONE, params={"a": 1}, policy=USE_EXISTING, request="r-1")
    assert again.job.job_id == "job-1"
    for other in (2, True):
        with pytest.raises(ConflictingJobError):
            await rig.create(ALONE, params={"a": other}, policy=USE_EXISTING)
    with pytest.raises(ConflictingJobError):
        await rig.create(ALONE, params={"a": 1}, store_id="s", policy=USE_EXISTING)
    await rig.create(OTHER)
    with pytest.raises(ConflictingJobError):
        await rig.create(ALONE, OTHER, params={"a": 1}, policy=USE_EXISTING)


async def test_replace_cancels_what_stands_and_waits_for_its_lease(rig: StoreRig) -> None:
    """A waiting job is cancelled at once, a running one asked to let go; the new one runs when it has."""
    held = await rig.running(ALONE)
    await rig.create(ALONE, policy=QUEUE)
    made = await rig.create(ALONE, policy=REPLACE)
    assert [(one.job.job_id, one.job.state) for one in made.replaced] == [
        ("job-1", State.CANCELLING),
        ("job-2", State.CANCELLED),
    ]
    assert made.replaced[0].job.state_message == "replaced by job job-3"
    assert await rig.claimed() == []
    await rig.change("job-1", lambda job, now: moves.release(job, held.lease.token, "h", Report(), "as was asked", now))
    assert await rig.claimed() == ["job-3"]


async def test_replace_does_not_touch_another_kind(rig: StoreRig) -> None:
    """Where a job of another type or shop stands, nothing is cancelled and the call is refused."""
    await rig.create(ALONE)
    await rig.create(OTHER, type="U")
    with pytest.raises(ConflictingJobError) as refused:
        await rig.create(ALONE, OTHER, policy=REPLACE)
    assert refused.value.job_id == "job-2"
    with pytest.raises(ConflictingJobError):
        await rig.create(ALONE, store_id="s", policy=REPLACE)
    assert (await rig.store.get("job-1")).state is State.PENDING


async def test_a_request_makes_one_job(rig: StoreRig) -> None:
    """The same again gives the same job; other content is refused; a deleted job is not made anew."""
    assert (await rig.create(request="r-1")).created
    again = await rig.create(request="r-1")
    assert (again.job.job_id, again.created) == ("job-1", False)
    with pytest.raises(RequestIdReusedError) as reused:
        await rig.create(request="r-1", content="other")
    assert reused.value.job_id == "job-1"
    await rig.cancel("job-1")
    await rig.store.delete("job-1")
    with pytest.raises(JobDeletedError) as deleted:
        await rig.create(request="r-1")
    assert deleted.value.job_id == "job-1"
    assert [(await rig.create(request="")).created for _ in range(2)] == [True, True]


async def test_a_job_can_be_created_and_claimed_at_once(rig: StoreRig) -> None:
    """It starts where nothing is in its way; the repeated call gives the lease while it is the same."""
    claim = rig.request(worker="w9")
    made = await rig.create(ALONE, claim=claim, request="r-1")
    assert (made.claimed, made.job.state, made.job.worker_id) == (True, State.RUNNING, "w9")
    again = await rig.create(ALONE, claim=claim, request="r-1")
    assert (again.claimed, again.created, again.job.lease) == (True, False, made.job.lease)
    assert not (await rig.create(ALONE, claim=claim, policy=QUEUE)).claimed
    await rig.store.register_types([JobType("P", "P")])
    await rig.store.pause_type("P", "somebody", "", Asked.DRAIN)
    assert not (await rig.create(type="P", claim=claim)).claimed
    rig.clock.advance(TTL)
    await rig.change("job-1", lambda job, now: moves.expire(job, lambda low, _: low, now))
    assert not (await rig.create(ALONE, claim=claim, request="r-1")).claimed


async def test_a_job_for_later_takes_its_place_when_due(rig: StoreRig) -> None:
    """Until then it is in nobody's way and is not claimed; a time that has come already is no time."""
    later = rig.now().wall + 10_000_000
    made = await rig.create(ALONE, not_before=later, claim=rig.request())
    assert (made.job.ticket, made.job.not_before, made.claimed) == (0, later, False)
    (running,) = [await rig.running(ALONE)]
    assert not await rig.store.take_places()
    rig.clock.advance(10)
    assert await rig.claimed() == []
    assert await rig.store.take_places()
    assert not await rig.store.take_places()
    assert (await rig.store.get("job-1")).ticket > running.job.ticket
    await rig.complete(running)
    assert await rig.claimed() == ["job-1"]
    assert (await rig.create(not_before=rig.now().wall)).job.not_before is None


async def test_places_are_taken_in_order_of_their_time(rig: StoreRig) -> None:
    """Who is due first stands first, whenever it was created; what was cancelled meanwhile takes none."""
    wall = rig.now().wall
    for seconds in (3, 1, 2):
        await rig.create(ALONE, not_before=wall + seconds * 1_000_000)
    await rig.cancel("job-3")
    rig.clock.advance(5)
    await rig.store.take_places()
    jobs = [await rig.store.get(f"job-{number}") for number in (2, 1, 3)]
    assert 0 < jobs[0].ticket < jobs[1].ticket
    assert jobs[2].ticket == 0


async def test_claims_take_the_highest_priority_and_then_the_oldest(rig: StoreRig) -> None:
    """Of the asked types and shops, at most as many as asked; each fence is higher than any before."""
    for priority in (0, 5, 5, -1):
        await rig.create(priority=priority)
    await rig.create(type="U", priority=9)
    await rig.create(store_id="s1", priority=8)
    claimed = await rig.claim(most=3, stores=("", "s2"))
    assert [one.job.job_id for one in claimed] == ["job-2", "job-3", "job-1"]
    assert await rig.claimed("T", "U", most=9) == ["job-5", "job-6", "job-4"]
    fences = [one.lease.fence for one in claimed]
    assert fences == sorted(set(fences))
    assert fences[0] >= rig.now().wall // 1_000
    rig.clock.advance(-3_600)
    assert (await rig.running()).lease.fence > fences[-1] + 3
    assert (claimed[0].lease.ttl, claimed[0].lease.deadline) == (TTL, TTL)


async def test_a_claim_that_is_repeated_gives_the_same_leases(rig: StoreRig) -> None:
    """For as long as they are held, with what was reported since; other content is refused; nothing found is not kept."""
    request = rig.request(most=2, content_hash="a")
    assert not await rig.store.any_claimable(request)
    assert await rig.store.claim(request, rig.tokens) == []
    await rig.create()
    await rig.create()
    assert await rig.store.any_claimable(request)
    first = await rig.store.claim(request, rig.tokens)
    assert await rig.store.any_claimable(request)
    await rig.report(first[0], checkpoint=b"there")
    again = await rig.store.claim(request, rig.tokens)
    assert [one.lease.token for one in again] == [one.lease.token for one in first]
    assert again[0].checkpoint == b"there"
    with pytest.raises(InvalidFieldsError):
        await rig.store.claim(replace(request, content_hash="b"), rig.tokens)
    await rig.complete(first[0])
    assert [one.job.job_id for one in await rig.store.claim(request, rig.tokens)] == ["job-2"]


async def test_what_is_paused_or_backs_off_is_not_claimed(rig: StoreRig) -> None:
    """A paused job, a job of a paused type, and one before its next attempt wait, and lose no place."""
    await rig.create(ALONE)
    await rig.change("job-1", lambda job, now: moves.pause(job, "why", "operator", now))
    assert not await rig.store.any_claimable(rig.request())
    await rig.change("job-1", lambda job, now: moves.resume(job, "operator", now))
    await rig.store.register_types([JobType("T", "T")])
    await rig.store.pause_type("T", "operator", "why", Asked.DRAIN)
    assert await rig.claimed() == []
    await rig.store.resume_type("T")
    (held,) = await rig.claim()
    error = ("BROKEN", "it broke", True)
    await rig.change(
        "job-1", lambda job, now: moves.fail(job, held.lease.token, "f", Report(), error, 5.0, lambda low, _: low, now)
    )
    await rig.create(ALONE, policy=QUEUE)
    assert await rig.claimed(most=9) == []
    rig.clock.advance(5)
    assert await rig.claimed(most=9) == ["job-1"]


async def test_a_back_off_ends_when_the_clock_is_set_back(rig: StoreRig) -> None:
    """The hours that the wall clock repeats are not a job's own to wait out."""
    held = await rig.running()
    error = ("BROKEN", "it broke", True)
    await rig.change(
        "job-1", lambda job, now: moves.fail(job, held.lease.token, "f", Report(), error, 5.0, lambda low, _: low, now)
    )
    assert await rig.claimed() == []
    rig.clock.advance(-3_600)
    assert await rig.claimed() == ["job-1"]


async def test_a_checkpoint_reaches_the_next_attempt(rig: StoreRig) -> None:
    """It is kept until another comes; one that is empty is one, too."""
    held = await rig.running()
    await rig.report(held, 1, checkpoint=b"half")
    await rig.report(held, 2, progress=Progress(processed=1, successful=1))
    release = lambda job, now: moves.release(job, held.lease.token, "r", Report(), "", now)  # noqa: E731
    await rig.change("job-1", release)
    (second,) = await rig.claim()
    assert (second.checkpoint, second.job.attempt) == (b"half", 2)
    assert second.lease.fence > held.lease.fence
    await rig.report(second, 1, checkpoint=b"")
    rig.clock.advance(TTL)
    await rig.change("job-1", lambda job, now: moves.expire(job, lambda low, _: low, now))
    assert (await rig.claim())[0].checkpoint == b""


async def test_a_change_is_stored_whole(rig: StoreRig) -> None:
    """The answer of a change is what is read after it, through a whole life."""
    held = await rig.running(max_attempts=1)
    rig.clock.advance(1)
    progress = Progress(10, 4, 2, 1, 1, "phase", "nửa đường", {"pages": 2.0})
    for step in (
        lambda: rig.report(held, 3, progress=progress),
        lambda: rig.report(held, 2, progress=Progress(processed=9)),
        lambda: rig.change("job-1", lambda job, now: moves.pause(job, "why", "operator", now)),
        lambda: rig.cancel("job-1"),
        lambda: rig.complete(held, progress=replace(progress, total=4)),
    ):
        change = await step()
        assert change.job == await rig.store.get("job-1")
    ended = change.job
    assert (ended.state, ended.result, ended.progress.message) == (
        State.PARTIALLY_COMPLETED,
        {"n": 1},
        "nửa đường",
    )
    assert await rig.kinds("job-1") == ["CREATED", "CLAIMED", "PAUSED", "CANCEL_REQUESTED", "ENDED"]


async def test_what_raises_leaves_nothing_behind(rig: StoreRig) -> None:
    """The error of a decision reaches the caller, and the job is as it was; a job that is not there is told of."""
    held = await rig.running()
    before = await rig.store.get("job-1")
    with pytest.raises(LeaseLostError):
        await rig.change("job-1", lambda job, now: moves.update(job, "stale", 1, Report(), now))
    with pytest.raises(JobNotFoundError):
        await rig.complete(replace(held, job=replace(held.job, job_id="nobody")))
    assert await rig.store.get("job-1") == before
    same = await rig.change("job-1", lambda job, _now: Change(job, job))
    assert not same.changed


async def test_a_change_that_was_decided_on_something_else_is_refused(rig: StoreRig) -> None:
    """What a decision takes for the job must be the job as it is."""
    held = await rig.running()
    old = await rig.store.get("job-1")
    await rig.report(held, 1, progress=Progress(processed=1, successful=1))
    with pytest.raises(LeaseLostError):
        await rig.change("job-1", lambda _job, now: moves.pause(old, "", "operator", now))
    assert not (await rig.store.get("job-1")).paused


async def test_many_changes_are_one_transaction_and_refused_one_by_one(rig: StoreRig) -> None:
    """Answers come in the order of the decisions; two of one job see each other."""
    held = [await rig.running() for _ in range(2)]
    seen: list[Now] = []

    def update(token: str, sequence: int) -> Any:
        def decide(job: Job, now: Now) -> Change:
            seen.append(now)
            return moves.update(job, token, sequence, Report(Progress(processed=sequence, successful=sequence)), now)

        return decide

    outcomes = await rig.store.change_many(
        [
            ("job-2", update(held[1].lease.token, 1)),
            ("nobody", update("", 1)),
            ("job-1", update("stale", 1)),
            ("job-2", update(held[1].lease.token, 2)),
        ]
    )
    assert [type(one) for one in outcomes] == [Change, JobNotFoundError, LeaseLostError, Change]
    assert (await rig.store.get("job-2")).progress.processed == 2
    assert seen == [rig.now()] * 3
    assert await rig.store.change_many([]) == []


async def test_only_what_has_ended_and_holds_no_lock_is_deleted(rig: StoreRig) -> None:
    """A deleted job is gone with its events and failures; another may take its keys."""
    held = await rig.running(ALONE)
    with pytest.raises(IllegalTransitionError):
        await rig.store.delete("job-1")
    await rig.cancel("job-1")
    rig.clock.advance(25)
    await rig.end_grace("job-1")
    with pytest.raises(IllegalTransitionError):
        await rig.store.delete("job-1")
    rig.clock.advance(held.lease.ttl)
    assert await rig.store.free_locks()
    assert (await rig.store.delete("job-1")).state is State.CANCELLED
    for gone in (rig.store.get("job-1"), rig.store.delete("job-1"), rig.store.see("job-1", 0)):
        with pytest.raises(JobNotFoundError):
            await gone
    for unread in (
        rig.store.events("job-1", after=None, limit=1),
        rig.store.failures("job-1", codes=(), after=None, limit=1),
    ):
        with pytest.raises(JobNotFoundError):
            await unread
