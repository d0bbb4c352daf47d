"""What every `JobStore` promises of leases, of what it forgets, and of reading. The same suite runs on each of them."""

import math
from dataclasses import replace

import pytest
from job_tracker.application.ports.job_store import (
    STORED_FAILURES_PER_JOB,
    ConflictPolicy,
    Filter,
    JobKey,
    Stats,
)
from job_tracker.domain import moves
from job_tracker.domain.errors import InvalidFieldsError, JobDeletedError, JobTypeNotRegisteredError
from job_tracker.domain.job import Asked, ItemFailure, Job, JobType, Origin, TypePause, Worker
from job_tracker.domain.locks import Lock
from job_tracker.domain.moves import Change, Now
from job_tracker.domain.progress import Progress
from job_tracker.domain.registry import MOST_TYPES
from job_tracker.domain.states import State

from tests.fakes.store_rig import GRACE, TTL, StoreRig

ALONE = Lock("k", exclusive=True)
ALL = Filter()
DAY = 86_400.0


def failure(item: str, stage: str = "PUSH", code: str = "BAD") -> ItemFailure:
    """An item that could not be done."""
    return ItemFailure(item, stage, Origin.SHOPIFY, code, "không được", False, 1)


def expire(job: Job, now: Now) -> Change:
    """Take a job from a worker that is late."""
    return moves.expire(job, lambda low, _high: low, now)


async def watched(rig: StoreRig, unwatched: float = 4.0) -> bool:
    """Look after leases."""
    return await rig.store.watch_leases(GRACE, unwatched)


async def test_overdue_are_leases_and_graces_that_have_run_out(rig: StoreRig) -> None:
    """At the moment, not before it; a renewed lease is not."""
    held = [await rig.running() for _ in range(3)]
    await rig.cancel("job-3")
    rig.clock.advance(GRACE - 0.5)
    await rig.report(held[1])
    assert await rig.store.overdue() == []
    rig.clock.advance(0.5)
    assert await rig.store.overdue() == ["job-3"]
    rig.clock.advance(TTL - GRACE)
    assert await rig.store.overdue() == ["job-1", "job-3"]
    for job_id in await rig.store.overdue():
        await rig.change(job_id, expire)
    assert await rig.store.overdue() == []


async def test_locks_of_a_revoked_lease_stand_until_it_would_have_run_out(rig: StoreRig) -> None:
    """Nobody runs on the key before; then it is free, once."""
    await rig.running(ALONE)
    await rig.create(ALONE, policy=ConflictPolicy.QUEUE)
    await rig.cancel("job-1")
    rig.clock.advance(GRACE)
    await rig.end_grace("job-1")
    assert not await rig.store.free_locks()
    assert await rig.claimed() == []
    rig.clock.advance(TTL - GRACE)
    assert await rig.store.free_locks()
    assert not await rig.store.free_locks()
    assert await rig.claimed() == ["job-2"]


async def test_leases_begin_anew_where_nobody_looked_after_them(rig: StoreRig) -> None:
    """Every lease, every grace, and every lock of a revoked lease gets its whole time from then on."""
    assert not await watched(rig)
    held = [await rig.running() for _ in range(2)] + [await rig.running(ALONE)]
    for job_id in ("job-2", "job-3"):
        await rig.cancel(job_id)
    await rig.report(held[0], progress=Progress(processed=5, successful=5))
    assert not await watched(rig)
    rig.clock.advance(4.0)
    assert not await watched(rig)
    rig.clock.advance(GRACE - 4.0)
    assert await watched(rig, math.inf) is False
    await rig.end_grace("job-3")
    rig.clock.advance(4.5)
    assert await watched(rig)
    assert not await watched(rig)
    steady = rig.now().steady
    first, second = await rig.store.get("job-1"), await rig.store.get("job-2")
    assert first.lease == replace(held[0].lease, deadline=steady + TTL, claimed=steady, report_sequence=1)
    assert first.pace is not None
    assert (first.pace.base_processed, first.pace.base_time, first.pace.last_time) == (5, steady, steady)
    assert second.cancel_deadline == steady + GRACE
    rig.clock.advance(TTL - 0.5)
    assert not await rig.store.free_locks()
    rig.clock.advance(0.5)
    assert await rig.store.free_locks()


async def test_a_quiet_time_is_no_absence(rig: StoreRig) -> None:
    """While there is nothing to look after, nobody need look; locks of a revoked lease are something."""
    held = await rig.running()
    assert not await watched(rig)
    await rig.complete(held)
    rig.clock.advance(2)
    assert not await watched(rig)
    rig.clock.advance(100)
    await rig.running(ALONE)
    assert not await watched(rig)
    await rig.cancel("job-2")
    rig.clock.advance(GRACE)
    assert not await rig.store.watch_leases(GRACE, math.inf)
    await rig.end_grace("job-2")
    rig.clock.advance(5)
    assert await watched(rig)
    rig.clock.advance(TTL - 1)
    assert not await rig.store.free_locks()


async def test_a_clock_that_is_set_back_takes_no_lease(rig: StoreRig) -> None:
    """A little back is let pass; more, and leases begin anew."""
    await rig.running()
    assert not await watched(rig)
    rig.clock.advance(-0.9)
    assert not await watched(rig)
    rig.clock.advance(-100.0)
    assert await watched(rig)
    job = await rig.store.get("job-1")
    assert job.lease is not None
    assert job.lease.deadline == rig.now().steady + TTL


async def test_a_start_begins_leases_anew_where_nobody_looked_after_them(rig: StoreRig) -> None:
    """Before anybody is served, so that no worker loses its lease to a time in which it could not renew it."""
    await rig.running()
    rig.clock.advance(10)
    await rig.store.begin_watching_leases(GRACE, 4.0)
    lease = (await rig.store.get("job-1")).lease
    assert lease is not None
    assert lease.deadline == rig.now().steady + TTL


async def test_retention_removes_what_ended_long_ago(rig: StoreRig) -> None:
    """By state, the oldest end first, at most so many; what is active or still holds a lock stays."""
    for _ in range(3):
        await rig.complete(await rig.running())
        rig.clock.advance(1)
    await rig.create()
    await rig.cancel("job-4")
    await rig.create()
    await rig.running(ALONE)
    await rig.cancel("job-6")
    rig.clock.advance(GRACE)
    await rig.end_grace("job-6")
    keep = {State.COMPLETED: GRACE, State.CANCELLED: DAY}
    assert await rig.store.remove_ended({}, 9) == {}
    assert await rig.store.remove_ended(keep, 2) == {State.COMPLETED: 2}
    assert await rig.store.remove_ended(keep, 2) == {State.COMPLETED: 1}
    assert await rig.store.remove_ended(keep, 2) == {}
    assert await rig.store.remove_ended({State.CANCELLED: 1.0, State.PENDING: 0.0}, 9) == {State.CANCELLED: 1}
    left = await rig.store.list_jobs(ALL, newest_first=False, after=None, limit=9)
    assert [job.job_id for job in left] == ["job-5", "job-6"]


async def test_old_requests_and_silent_workers_are_forgotten(rig: StoreRig) -> None:
    """A creation while its job is gone; a worker while it holds nothing."""
    request = rig.request()
    await rig.create(request="kept")
    await rig.create(request="gone")
    await rig.store.claim(request, rig.tokens)
    await rig.cancel("job-2")
    await rig.store.delete("job-2")
    for worker in ("w1", "w2"):
        await rig.store.note_worker(worker, types=("T",), listening=False)

    async def forget() -> None:
        await rig.store.forget(claims_after=10, creations_after=10, workers_after=10)

    rig.clock.advance(10)
    await forget()
    with pytest.raises(JobDeletedError):
        await rig.create(request="gone")
    assert await rig.store.any_claimable(request)
    rig.clock.advance(1)
    await forget()
    assert not await rig.store.any_claimable(request)
    assert (await rig.create(request="gone")).created
    assert not (await rig.create(request="kept")).created
    assert [one.worker_id for one in await rig.store.workers("", 9, 1.0)] == ["w1"]


async def test_workers_are_noted_from_their_calls(rig: StoreRig) -> None:
    """Types stay until others are told; one listens while its stream gave a sign of life; pages go by name."""
    await rig.running(worker="b")
    await rig.running(worker="b")
    first = rig.now().wall
    await rig.store.note_worker("b", types=("T", "U"), listening=True)
    await rig.store.note_worker("a", types=None, listening=False)
    rig.clock.advance(3)
    await rig.store.note_worker("b", types=None, listening=False)
    last = rig.now().wall
    a = Worker("a", (), first, first, False)
    b = Worker("b", ("T", "U"), first, last, True, ("job-1", "job-2"))
    assert await rig.store.workers("", 9, 3.5) == [a, b]
    assert await rig.store.workers("", 1, 3.0) == [a]
    assert await rig.store.workers("a", 1, 3.0) == [replace(b, listening=False)]


async def test_a_limited_caller_notes_no_worker_of_others(rig: StoreRig) -> None:
    """What somebody else noted stays as it is; who is not limited may note any, and keeps it."""

    async def note(worker: str, told: str, limited_to: str) -> dict[str, tuple[str, ...]]:
        await rig.store.note_worker(worker, types=(told,), listening=False, limited_to=limited_to)
        return {one.worker_id: one.types for one in await rig.store.workers("", 9, 1.0)}

    assert await note("w", "A", "") == {"w": ("A",)}
    assert await note("w", "B", "hanoi") == {"w": ("A",)}
    assert await note("v", "C", "hanoi") == {"v": ("C",), "w": ("A",)}
    assert await note("v", "D", "danang") == {"v": ("C",), "w": ("A",)}
    assert await note("v", "E", "hanoi") == {"v": ("E",), "w": ("A",)}
    assert await note("v", "F", "") == {"v": ("F",), "w": ("A",)}
    assert await note("v", "G", "hanoi") == {"v": ("F",), "w": ("A",)}


async def test_types_are_registered_paused_and_resumed(rig: StoreRig) -> None:
    """Registering again replaces all but the pause; the first pause stands; nobody pauses what nobody registered."""
    await rig.store.register_types([JobType("U", "You"), JobType("T", "Tee", ("A", "B"), True)])
    pause = TypePause("somebody", "why", rig.now().wall)
    assert await rig.store.pause_type("T", "somebody", "why", Asked.DRAIN) == (
        JobType("T", "Tee", ("A", "B"), True, pause),
        [],
    )
    rig.clock.advance(1)
    assert (await rig.store.pause_type("T", "another", "no", Asked.DRAIN))[0].pause == pause
    again = await rig.store.register_types([JobType("T", "Tea")])
    assert again == [JobType("T", "Tea", pause=pause)]
    assert await rig.store.resume_type("T") == (JobType("T", "Tea"), [])
    assert await rig.store.resume_type("T") == (JobType("T", "Tea"), [])
    assert await rig.store.types() == [JobType("T", "Tea"), JobType("U", "You")]
    for refused in (rig.store.pause_type("X", "", "", Asked.DRAIN), rig.store.resume_type("X")):
        with pytest.raises(JobTypeNotRegisteredError):
            await refused


async def test_too_many_types_are_refused_together(rig: StoreRig) -> None:
    """Nothing of a refused registration is stored."""
    many = [JobType(f"T{number}", "T") for number in range(MOST_TYPES)]
    await rig.store.register_types(many)
    with pytest.raises(InvalidFieldsError):
        await rig.store.register_types([JobType("T0", "Other"), JobType("U", "U")])
    assert await rig.store.types() == sorted(many, key=lambda one: one.type)


async def test_who_holds_a_job_of_a_paused_type_is_asked(rig: StoreRig) -> None:
    """The changes come with the pause, one for each who holds a job, changed or not; CANCELLING is asked nothing more."""
    await rig.store.register_types([JobType("T", "T"), JobType("U", "U")])
    for job_type in ("T", "T", "U"):
        await rig.running(type=job_type)
    await rig.cancel("job-2")
    _, changes = await rig.store.pause_type("T", "operator", "why", Asked.RELEASE)
    assert [(one.job.job_id, one.job.asked, one.changed) for one in changes] == [
        ("job-1", Asked.RELEASE, True),
        ("job-2", Asked.NOTHING, False),
    ]
    assert changes[0].job == await rig.store.get("job-1")
    assert [(job.job_id, why) for job, why in await rig.store.asked_of(["w1"])] == [("job-1", "why"), ("job-2", "why")]
    _, changes = await rig.store.resume_type("T")
    assert [one.job.asked for one in changes] == [Asked.NOTHING, Asked.NOTHING]


async def test_the_store_tells_the_time(rig: StoreRig) -> None:
    """By the clock that jobs are dated with."""
    assert await rig.store.now() == rig.now()


async def test_what_is_held_asked_and_retried_is_found(rig: StoreRig) -> None:
    """By worker, and by those who repeat."""
    for worker in ("w1", "w1", "w1", "w2"):
        await rig.running(worker=worker)
    await rig.create(type="U", retry_of_job_id="job-1")
    await rig.create(retry_of_job_id="job-2")
    await rig.cancel("job-1")
    await rig.change("job-2", lambda job, now: moves.pause(job, "", "operator", now))
    await rig.change("job-4", lambda job, _now: moves.ask(job, Asked.DRAIN))
    assert [job.job_id for job, _ in await rig.store.asked_of(["w1", "w3"])] == ["job-1", "job-2"]
    assert [(job.asked, why) for job, why in await rig.store.asked_of(["w2"])] == [(Asked.DRAIN, "")]
    assert await rig.store.asked_of([]) == []
    assert await rig.store.retried(["job-1", "job-3", ""]) == {"job-1"}


async def test_lists_go_by_time_of_creation_in_pages(rig: StoreRig) -> None:
    """Either way round, after a place; jobs of one moment by their ids."""
    for seconds in (0, 0, 1, 1):
        rig.clock.advance(seconds)
        await rig.create()
    for newest, expected in (
        (False, ["job-1", "job-2", "job-3", "job-4"]),
        (True, ["job-4", "job-3", "job-2", "job-1"]),
    ):
        got: list[Job] = []
        while len(got) < 9:
            after = JobKey(got[-1].create_time, got[-1].job_id) if got else None
            page = await rig.store.list_jobs(ALL, newest_first=newest, after=after, limit=2)
            if not page:
                break
            got += page
        assert [job.job_id for job in got] == expected


SEARCHES = [
    (Filter(store_ids=("s1", "s2")), ["job-1", "job-2"]),
    (Filter(types=("U",)), ["job-2"]),
    (Filter(states=(State.RUNNING, State.CANCELLING)), ["job-3"]),
    (Filter(created_from=1_000_000), ["job-2", "job-3"]),
    (Filter(created_before=1_000_000), ["job-1"]),
    (Filter(store_ids=("s1",), types=("U",)), []),
    (Filter(text="ĐỒNG BỘ"), ["job-1"]),
    (Filter(text="đồng"), ["job-1"]),
    (Filter(text="ƯU"), ["job-2"]),
    (Filter(text="nửa đường"), ["job-3"]),
    (Filter(text="100%"), ["job-3"]),
    (Filter(text="1%0"), []),
    (Filter(text="_"), []),
    (Filter(text="OB-2"), ["job-2"]),
]


async def test_a_filter_selects_where_every_condition_holds(rig: StoreRig) -> None:
    """Text is looked for in id, label, messages and creator, in either case of Vietnamese letters; % and _ mean themselves."""
    start = rig.now().wall
    await rig.create(store_id="s1", display_name="Đồng bộ hàng")
    rig.clock.advance(1)
    await rig.create(store_id="s2", type="U", created_by="Lê Văn Lưu")
    held = await rig.running()
    await rig.report(held, progress=Progress(message="Nửa Đường, 100%"))
    for relative, expected in SEARCHES:
        times = {
            name: start + value
            for name in ("created_from", "created_before")
            if (value := getattr(relative, name)) is not None
        }
        wanted = replace(relative, **times)
        found = await rig.store.list_jobs(wanted, newest_first=False, after=None, limit=9)
        assert [job.job_id for job in found] == expected, relative
        assert await rig.store.count_selected(wanted, None) == len(expected)
        later = [name for name in expected if name > "job-1"]
        assert await rig.store.count_selected(wanted, JobKey(start, "job-1")) == len(later)
        named = await rig.store.matching(["job-3", "job-1", "nobody"], wanted)
        assert [job.job_id for job in named] == [name for name in expected if name != "job-2"]


async def test_events_are_read_by_place_and_with_their_job(rig: StoreRig) -> None:
    """After a revision and an ordinal; `see` gives the job with what came after a revision."""
    await rig.create()
    await rig.cancel("job-1")
    placed = await rig.store.events("job-1", after=None, limit=9)
    assert [(one.event.revision, one.ordinal, one.event.kind) for one in placed] == [
        (1, 0, "CREATED"),
        (2, 0, "CANCEL_REQUESTED"),
        (2, 1, "ENDED"),
    ]
    assert await rig.store.events("job-1", after=(2, 0), limit=9) == placed[2:]
    assert await rig.store.events("job-1", after=None, limit=1) == placed[:1]
    seen = await rig.store.see("job-1", 1)
    assert seen.job == await rig.store.get("job-1")
    assert list(seen.events) == [one.event for one in placed[1:]]
    assert (await rig.store.see("job-1", 2)).events == ()


async def test_positions_tell_what_moved_since(rig: StoreRig) -> None:
    """Whatever happens after a position was read lies at or after it, when the clock is set back, too."""
    await rig.create()
    await rig.create()
    await rig.cancel("job-2")
    await rig.create()
    since = await rig.store.position()
    rig.clock.advance(-3_600)
    await rig.cancel("job-1")
    moved = await rig.store.moved(since)
    assert moved.revisions["job-1"] == 2
    # On PostgreSQL another transaction that is under way may hold the position back: then more than moved is told.
    assert "job-2" not in moved.revisions or rig.kind == "postgresql"
    assert moved.position >= since
    listed = await rig.store.list_moving(ALL, since, None, 9)
    by_id = {seen.job.job_id: [event.kind.value for event in seen.events] for seen in listed}
    assert by_id["job-1"][-2:] == ["CANCEL_REQUESTED", "ENDED"]
    assert by_id.keys() - {"job-2"} == {"job-1", "job-3"}
    assert [(seen.job.job_id, seen.events) for seen in await rig.store.list_moving(ALL, None, None, 9)] == [
        ("job-3", ())
    ]
    page = await rig.store.list_moving(ALL, 0, None, 2)
    last = page[-1].job
    rest = await rig.store.list_moving(ALL, 0, JobKey(last.create_time, last.job_id), 2)
    assert len({seen.job.job_id for seen in (*page, *rest)}) == 3


async def test_a_glimpse_tells_whether_a_job_has_changed(rig: StoreRig) -> None:
    """Progress raises the revision alone; whatever else happens changes the standing, too."""
    held = await rig.running()
    (before,) = await rig.store.glimpse(["job-1", "nobody"])
    await rig.report(held, progress=Progress(processed=1, successful=1))
    (after,) = await rig.store.glimpse(["job-1"])
    assert (after.standing, after.revision) == (before.standing, before.revision + 1)
    await rig.change("job-1", lambda job, now: moves.pause(job, "", "operator", now))
    (paused,) = await rig.store.glimpse(["job-1"])
    assert paused.standing != after.standing
    await rig.complete(held)
    await rig.create()
    rig.clock.advance(5)
    assert [one.job_id for one in await rig.store.glimpse_moving(4)] == ["job-2"]
    assert sorted(one.job_id for one in await rig.store.glimpse_moving(5)) == ["job-1", "job-2"]


async def test_item_failures_are_kept_by_item_and_stage(rig: StoreRig) -> None:
    """A later report of the same replaces all but the first time; pages go by item and stage, byte by byte."""
    held = await rig.running()
    first = rig.now().wall
    await rig.report(held, 1, failures=(failure("b"), failure("a", "MATCH"), failure("a")))
    rig.clock.advance(1)
    change = await rig.report(held, 2, failures=(failure("b", code="WORSE"), failure("B"), failure("B")))
    assert change.job.item_failure_count == 4
    stored = await rig.store.failures("job-1", codes=(), after=None, limit=9)
    assert [(one.item_key, one.stage) for one in stored] == [
        ("B", "PUSH"),
        ("a", "MATCH"),
        ("a", "PUSH"),
        ("b", "PUSH"),
    ]
    assert (stored[3].code, stored[3].first_time, stored[3].last_time) == ("WORSE", first, first + 1_000_000)
    assert await rig.store.failures("job-1", codes=(), after=("a", "MATCH"), limit=1) == stored[2:3]
    assert await rig.store.failures("job-1", codes=("WORSE", "X"), after=None, limit=9) == stored[3:]
    assert change.job == await rig.store.get("job-1")


async def test_item_failures_beyond_the_bound_are_counted(rig: StoreRig) -> None:
    """The first so many are kept, and can still be replaced; the rest only count."""
    held = await rig.running()
    many = tuple(failure(f"item-{number:05}") for number in range(STORED_FAILURES_PER_JOB - 1))
    for start in range(0, len(many), 2_500):
        await rig.report(held, start + 1, failures=many[start : start + 2_500])
    more = (failure("x"), failure("y"), failure("item-00000", code="WORSE"))
    change = await rig.report(held, STORED_FAILURES_PER_JOB, failures=more)
    assert change.job.item_failure_count == STORED_FAILURES_PER_JOB + 1
    stored = await rig.store.failures("job-1", codes=(), after=("item-09997", ""), limit=9)
    assert [one.item_key for one in stored] == ["item-09997", "item-09998", "x"]
    assert (await rig.store.failures("job-1", codes=("WORSE",), after=None, limit=9))[0].item_key == "item-00000"


async def test_stats_count_by_type_variant_and_state(rig: StoreRig) -> None:
    """Counts are over the window; what runs and waits is counted as it is now, of the shops alone."""
    start = rig.now().wall
    assert await rig.store.stats((), None, None) == Stats({}, 0, 0, None)
    await rig.create(store_id="s1")
    rig.clock.advance(1)
    await rig.complete(await rig.running(variant="V", store_id="s1"))
    await rig.running(store_id="s1", priority=9)
    await rig.create(store_id="s2")
    counts = {("T", "V", State.COMPLETED): 1, ("T", "", State.RUNNING): 1}
    assert await rig.store.stats(("s1",), start + 1, None) == Stats(counts, 1, 1, start)
    pending = {("T", "", State.PENDING): 1}
    assert await rig.store.stats((), None, start + 1) == Stats(pending, 1, 2, start)
