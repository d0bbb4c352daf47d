"""The runner claims what it can do, obeys at once, survives JobTracker, and gives back what it cannot finish."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.ports.work_queue import Directive
from sync_worker.application.runner.registration import register_until_done
from sync_worker.application.runner.runner import Runner
from sync_worker.domain.operations import SPECS, Operation
from sync_worker.domain.progress import Progress

from tests.fakes.job_tracker import FakeWorkQueue, refusal
from tests.fakes.stepped_clock import SteppedClock
from tests.fakes.workshop import Work, a_workshop

TYPE = Operation.PULL_NHANH_PRODUCTS
RESULT = OperationResult(Progress(total=1, successful=1), {})


@dataclass
class Works:
    """Operations that run until they are let go, and how many run at once."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    running: set[str] = field(default_factory=set)
    most: int = 0

    async def __call__(self, job: JobContext, _vendors: Vendors) -> OperationResult:
        """Run until released."""
        self.running.add(job.job_id)
        self.most = max(self.most, len(self.running))
        try:
            while not self.release.is_set():
                await self.release.wait()
                job.check()
        finally:
            self.running.discard(job.job_id)
        return RESULT


@dataclass
class Rig:
    """A runner at work."""

    clock: SteppedClock
    queue: FakeWorkQueue
    runner: Runner


def a_rig(work: Work, *, concurrency: int = 4) -> Rig:
    """A runner that does not work yet."""
    clock = SteppedClock()
    queue = FakeWorkQueue(clock)
    ids = itertools.count(1)
    runner = Runner(
        a_workshop(queue, clock, work),
        worker_id="worker-1",
        types=list(SPECS),
        concurrency=concurrency,
        lease_seconds=30.0,
        new_id=lambda: f"claim-{next(ids)}",
    )
    return Rig(clock, queue, runner)


@asynccontextmanager
async def working(rig: Rig, drain_seconds: float = 8.0) -> AsyncIterator[None]:
    """Let a runner work; when the context ends, time passes until it has drained."""
    stop = asyncio.Event()

    async def work() -> None:
        async with rig.runner.working(drain_seconds):
            await stop.wait()

    task = asyncio.create_task(work())
    await rig.clock.settle()
    try:
        yield
    finally:
        stop.set()
        await rig.clock.until(task.done)
        task.result()


def calls(rig: Rig) -> list[str]:
    """The final calls so far."""
    return [ended.call for ended in rig.queue.ended]


async def test_it_claims_for_its_types_and_runs_to_the_end() -> None:
    """A job that is put in is claimed by the long poll and completed."""
    works = Works()
    works.release.set()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        assert calls(rig) == ["complete"]
    claim = rig.queue.claims[0]
    assert (claim.worker_id, claim.types, claim.max_jobs) == ("worker-1", tuple(SPECS), 4)
    assert claim.lease_seconds == 30.0


async def test_it_runs_no_more_than_its_concurrency() -> None:
    """The fifth job is claimed when a slot is free."""
    works = Works()
    rig = a_rig(works, concurrency=2)
    for number in range(5):
        rig.queue.put(f"job-{number}", TYPE)
    async with working(rig):
        assert works.most == 2
        works.release.set()
        await rig.clock.settle()
        assert calls(rig) == ["complete"] * 5
    assert works.most == 2


async def test_every_claim_has_a_request_id_of_its_own() -> None:
    """A new question is never answered with old leases."""
    works = Works()
    works.release.set()
    rig = a_rig(works)
    async with working(rig):
        for number in range(3):
            rig.queue.put(f"job-{number}", TYPE)
            await rig.clock.settle()
    ids = [claim.request_id for claim in rig.queue.claims[:3]]
    assert ids == ["claim-1", "claim-2", "claim-3"]


async def test_a_cancel_stops_its_job_alone_and_at_once() -> None:
    """The directive reaches the one operation without time passing."""
    works = Works()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        rig.queue.put("job-2", TYPE)
        await rig.clock.settle()
        rig.queue.cancel("job-1")
        await rig.clock.settle()
        assert (works.running, calls(rig)) == ({"job-2"}, ["release"])
        assert rig.clock.elapsed == 0.0
        assert rig.queue.ended[0].message == "not wanted"


async def test_a_cancel_while_the_stream_is_broken_comes_with_a_report() -> None:
    """Reports are the backstop."""
    rig = a_rig(Works())
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.cancel("job-1", tell=False)
        await rig.clock.until(lambda: calls(rig) == ["release"], within=11.0)


async def test_a_lost_lease_is_obeyed() -> None:
    """The operation stops and no final call is made."""
    works = Works()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.lose("job-1")
        await rig.clock.settle()
        assert (works.running, calls(rig)) == (set(), [])


async def test_a_lost_lease_is_obeyed_where_no_report_gets_through() -> None:
    """The directive names the very lease that the job is held by: nobody needs to be asked."""
    works = Works()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.away = True
        rig.queue.lose("job-1")
        await rig.clock.settle()
        assert (works.running, calls(rig), rig.clock.elapsed) == (set(), [], 0.0)
        rig.queue.come_back()


async def test_a_lost_lease_without_its_fence_is_found_out_by_a_report() -> None:
    """An old JobTracker does not say which lease it means; it is asked at once, and says so."""
    works = Works()
    rig = a_rig(works)
    rig.queue.names_leases = False
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        updates = rig.queue.calls.count("update")
        rig.queue.lose("job-1")
        await rig.clock.settle()
        assert (works.running, calls(rig), rig.clock.elapsed) == (set(), [], 0.0)
        assert rig.queue.calls.count("update") == updates + 1


@pytest.mark.parametrize("directive", list(Directive))
async def test_a_directive_for_an_earlier_lease_is_passed_over(directive: Directive) -> None:
    """The job was given back and claimed again: what comes late was meant for the attempt before."""
    works = Works()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        updates = rig.queue.calls.count("update")
        rig.queue.tell_of_earlier_lease("job-1", directive)
        await rig.clock.settle()
        assert (works.running, calls(rig)) == ({"job-1"}, [])
        assert rig.queue.calls.count("update") == updates


@pytest.mark.parametrize("names_leases", [True, False])
async def test_a_pause_gives_its_job_back_at_once_and_alone(names_leases: bool) -> None:
    """It is not claimed while it is paused; resumed, it is the same job's next attempt."""
    works = Works()
    rig = a_rig(works)
    rig.queue.names_leases = names_leases
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        rig.queue.put("job-2", TYPE)
        await rig.clock.settle()
        rig.queue.pause("job-1")
        await rig.clock.settle()
        assert (works.running, calls(rig), rig.clock.elapsed) == ({"job-2"}, ["release"], 0.0)
        assert (rig.queue.ended[0].job_id, rig.queue.ended[0].message) == ("job-1", "paused")
        await rig.clock.pass_time(60.0)
        assert works.running == {"job-2"}
        rig.queue.resume("job-1")
        await rig.clock.settle()
        assert works.running == {"job-1", "job-2"}
        works.release.set()
        await rig.clock.settle()
        assert sorted(calls(rig)) == ["complete", "complete", "release"]


async def test_a_pause_while_the_stream_is_broken_comes_with_a_report() -> None:
    """Reports are the backstop here too."""
    rig = a_rig(Works())
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.pause("job-1", tell=False)
        await rig.clock.until(lambda: calls(rig) == ["release"], within=11.0)
    assert rig.queue.ended[0].message == "paused"


async def test_a_drained_type_lets_its_job_go_on() -> None:
    """Neither the directive nor the answers of reports stop what runs."""
    works = Works()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.drain("job-1")
        reports = len(rig.queue.reports)
        await rig.clock.pass_time(60.0)
        assert (works.running, calls(rig)) == ({"job-1"}, [])
        assert len(rig.queue.reports) > reports
        works.release.set()
        await rig.clock.settle()
        assert calls(rig) == ["complete"]


async def test_it_survives_that_jobtracker_is_away() -> None:
    """Claims and the stream of directives are tried again for as long as it takes; then work goes on as before."""
    works = Works()
    works.release.set()
    rig = a_rig(works)
    rig.queue.go_away()
    async with working(rig):
        await rig.clock.pass_time(3_600.0)
        assert rig.queue.claims == []
        rig.queue.come_back()
        rig.queue.put("job-1", TYPE)
        await rig.clock.until(lambda: calls(rig) == ["complete"], within=3.0)
        await rig.clock.until(lambda: rig.queue.watchers == 1, within=3.0)


async def test_it_reconnects_to_directives() -> None:
    """After JobTracker was away for a while, a cancel is heard at once again."""
    works = Works()
    rig = a_rig(works)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.go_away()
        await rig.clock.pass_time(5.0)
        rig.queue.come_back()
        await rig.clock.until(lambda: rig.queue.watchers == 1, within=3.0)
        rig.queue.cancel("job-1")
        await rig.clock.settle()
        assert calls(rig) == ["release"]


async def test_a_claim_whose_answer_was_lost_is_asked_again() -> None:
    """The same question gets the same leases: no job waits for a lease that nobody knows of."""
    works = Works()
    works.release.set()
    rig = a_rig(works)
    rig.queue.lose_answers = 1
    rig.queue.put("job-1", TYPE)
    async with working(rig):
        await rig.clock.until(lambda: calls(rig) == ["complete"], within=3.0)
    assert rig.queue.claims[0] == rig.queue.claims[1]


async def test_a_refused_claim_does_not_end_the_worker() -> None:
    """It is logged and asked on."""
    works = Works()
    works.release.set()
    rig = a_rig(works)
    rig.queue.refuse["claim"] = refusal("INVALID_FIELD")
    async with working(rig):
        await rig.clock.pass_time(10.0)
        del rig.queue.refuse["claim"]
        rig.queue.put("job-1", TYPE)
        await rig.clock.until(lambda: calls(rig) == ["complete"], within=3.0)


async def test_a_drain_gives_jobs_back_at_their_next_safe_place() -> None:
    """Jobs that come to one in time are released, not completed and not lost."""
    works = Works()
    rig = a_rig(works)
    async with working(rig, drain_seconds=8.0):
        rig.queue.put("job-1", TYPE)
        rig.queue.put("job-2", TYPE)
        await rig.clock.settle()
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(_later(rig, works)))
    assert calls(rig) == ["release", "release"]
    assert rig.clock.elapsed == 1.0


async def _later(rig: Rig, works: Works) -> None:
    await rig.clock.sleep(1.0)
    works.release.set()


async def test_a_drain_cuts_what_comes_to_no_safe_place() -> None:
    """After half of the grace, waits are cut, and the jobs are released all the same."""
    rig = a_rig(Works())
    async with working(rig, drain_seconds=8.0):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
    assert (calls(rig), rig.clock.elapsed) == (["release"], 4.0)


async def test_a_drain_ends_when_its_time_is_over() -> None:
    """An operation that does not stop, and a JobTracker that is away, are left to the lease."""

    async def stubborn(_job: JobContext, _vendors: Vendors) -> OperationResult:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        return RESULT

    rig = a_rig(stubborn)
    async with working(rig, drain_seconds=8.0):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        rig.queue.go_away()
    assert (calls(rig), rig.clock.elapsed) == ([], 8.0)


async def test_an_idle_worker_stops_at_once() -> None:
    """There is nothing to wait for; the claim under way is broken off."""
    rig = a_rig(Works())
    async with working(rig):
        await rig.clock.pass_time(5.0)
    assert (calls(rig), rig.clock.elapsed) == ([], 5.0)


async def test_a_claim_that_was_granted_while_it_was_broken_off_is_given_back() -> None:
    """Asked again without waiting, JobTracker names the leases that it granted, and they are released."""
    rig = a_rig(Works())
    rig.queue.put("job-1", TYPE)
    rig.queue.lose_answers = 1
    async with working(rig):
        assert rig.queue.live == {"token-1": "job-1"}
    assert (calls(rig), rig.queue.live) == (["release"], {})


async def test_a_claim_that_was_answered_is_not_asked_again() -> None:
    """A worker whose slots are all taken has no claim under way: its drain gives back what runs, once."""
    works = Works()
    rig = a_rig(works, concurrency=1)
    async with working(rig):
        rig.queue.put("job-1", TYPE)
        await rig.clock.settle()
        assert works.running == {"job-1"}
        asked = rig.queue.calls.count("claim")
    assert rig.queue.calls.count("claim") == asked
    assert rig.queue.calls.count("release") == 1


async def test_a_stream_that_lived_is_connected_again_without_delay() -> None:
    """However often it breaks: only a JobTracker that is away is waited for longer and longer."""
    rig = a_rig(Works())
    async with working(rig):
        for _ in range(10):
            rig.queue.go_away()
            rig.queue.come_back()
            await rig.clock.settle()
            await rig.clock.until(lambda: rig.queue.watchers == 1, within=0.11)


async def test_types_are_registered_when_jobtracker_comes() -> None:
    """Nine types with their labels and variants, however long JobTracker is away."""
    clock = SteppedClock()
    queue = FakeWorkQueue(clock)
    queue.go_away()
    task = asyncio.create_task(register_until_done(queue, clock, lambda _low, high: high))
    await clock.pass_time(600.0)
    assert not task.done()
    queue.come_back()
    await clock.until(task.done, within=3.0)
    assert [spec.operation for spec in queue.registered] == list(SPECS)
    assert sum(max(1, len(spec.variants)) for spec in queue.registered) == 11
    heal = {spec.operation for spec in queue.registered if spec.retries_failed_items}
    assert heal == {Operation.PRODUCT_SYNC, Operation.CUSTOMER_SYNC}
