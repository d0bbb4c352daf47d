"""One trial: a world is started, lives through its faults, settles, and is judged."""

import asyncio
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.chaos.calling import Caller
from tests.chaos.checker import Violation, check
from tests.chaos.evidence import FINAL, Evidence, state_of
from tests.chaos.journal import Journal
from tests.chaos.people import People
from tests.chaos.plan import Fault, Plan
from tests.chaos.proxy import Cut
from tests.chaos.world import World, database_for

SETTLE_SECONDS = 150.0
"""Seconds are enough on a free machine; a machine that is busy with other things is not to be taken for a stuck job."""
LOOK_AGAIN_SECONDS = 1.0
LAST_WORDS_SECONDS = 10.0
"""So long watchers may take to hear of the end, and the reaper to free the locks of a lease that was revoked."""
PAGE = 500
TRIAL_SECONDS = 300.0
"""No trial may take longer, whatever happens in it."""


@dataclass(slots=True)
class Outcome:
    """What came of a trial."""

    plan: Plan
    folder: Path
    violations: list[Violation] = field(default_factory=list)
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return "\n".join(
            [str(self.plan), f"  logs in {self.folder}", *(f"  VIOLATION {violation}" for violation in self.violations)]
        )


async def run_trial(plan: Plan, folder: Path, most_seconds: float = TRIAL_SECONDS) -> Outcome:
    """Run a trial in a folder of its own, which must not exist. A fault of the trial itself counts as a violation."""
    began, outcome = time.monotonic(), Outcome(plan, folder)
    world = World(plan, folder, database_for(plan.database, folder))
    try:
        async with asyncio.timeout(most_seconds):
            await world.start()
            async with world.caller() as caller:
                evidence = await _live(plan, world, caller, outcome)
        outcome.violations = check(evidence)
    except Exception:  # whatever it is, it is told with the seed
        outcome.violations.append(Violation("trial failed", traceback.format_exc()))
    finally:
        await world.stop()
        outcome.seconds = time.monotonic() - began
    return outcome


async def _live(plan: Plan, world: World, caller: Caller, outcome: Outcome) -> Evidence:
    people = People(caller, Journal(world.folder / "people.jsonl"))
    living = [asyncio.create_task(people.live(job)) for job in plan.jobs]
    faults = [asyncio.create_task(_at(world, fault)) for fault in plan.faults]
    try:
        await asyncio.gather(*faults)
        world.heal()
        until = time.monotonic() + SETTLE_SECONDS
        await asyncio.wait(living, timeout=SETTLE_SECONDS)
        jobs = await _settled(caller, people, until)
        await people.watched_to_the_end(LAST_WORDS_SECONDS)
        locks = await _locks(world, jobs)
        jobs = await _jobs(caller)  # as they are after all that anybody was told
        for task in living:
            if task.done():
                task.result()
    finally:
        for task in (*living, *faults):
            task.cancel()
        await asyncio.gather(*living, *faults, return_exceptions=True)
        await people.watched_to_the_end(0)
    store = world.outside()
    try:
        writes = store.writes()
    finally:
        store.close()
    evidence = Evidence(
        jobs=jobs,
        events={job_id: await _events(caller, job_id) for job_id in jobs},
        locks=locks,
        told=people.told,
        created=people.created,
        watched=people.watched,
        journals=world.journals(),
        writes=writes,
        paused_on_purpose=frozenset(people.paused_on_purpose),
    )
    _count(outcome, evidence, world, caller)
    return evidence


async def _at(world: World, fault: Fault) -> None:
    await asyncio.sleep(fault.at)
    await world.do(fault)


async def _settled(caller: Caller, people: People, until: float) -> dict[str, job_pb2.Job]:
    """Give the workers time until every job has ended, or rests because somebody paused it; the jobs as they are then."""
    while True:
        jobs = await _jobs(caller)
        going_on = [
            job
            for job in jobs.values()
            if state_of(job) not in FINAL
            and not (job.paused and job.job_id in people.paused_on_purpose and state_of(job) == "PENDING")
        ]
        if not going_on or time.monotonic() > until:
            return jobs
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _locks(world: World, jobs: dict[str, job_pb2.Job]) -> list[tuple[str, str]]:
    """Read the locks once those of ended jobs are gone, or should be."""
    until = time.monotonic() + LAST_WORDS_SECONDS
    while True:
        locks = await world.database.locks()
        left = [job_id for _, job_id in locks if job_id not in jobs or state_of(jobs[job_id]) in FINAL]
        if not left or time.monotonic() > until:
            return locks
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _jobs(caller: Caller) -> dict[str, job_pb2.Job]:
    found: dict[str, job_pb2.Job] = {}
    request = pb.ListJobsRequest(page_size=PAGE)
    while True:
        page = (await caller.call("ListJobs", request)).response
        found |= {job.job_id: job for job in page.jobs}
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def _events(caller: Caller, job_id: str) -> list[job_pb2.JobEvent]:
    found: list[job_pb2.JobEvent] = []
    request = pb.ListJobEventsRequest(job_id=job_id, page_size=PAGE)
    while True:
        page = (await caller.call("ListJobEvents", request)).response
        found += page.events
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _count(outcome: Outcome, evidence: Evidence, world: World, caller: Caller) -> None:
    lines = [line for journal in evidence.journals for line in journal]
    counts = outcome.counts
    counts["jobs"] = len(evidence.jobs)
    counts["attempts"] = sum(job.attempt for job in evidence.jobs.values())
    kinds = [event.kind for events in evidence.events.values() for event in events]
    counts["lease losses"] = kinds.count(job_pb2.JOB_EVENT_KIND_LEASE_LOST)
    counts["leases found lost by their holder"] = sum(line["what"] == "lost" for line in lines)
    counts["outside writes"] = sum(write.accepted for write in evidence.writes)
    counts["outside writes refused"] = sum(not write.accepted for write in evidence.writes)
    cuts = sum((house.cuts for house in world.houses), Counter[Cut]())
    counts["calls cut before they arrived"] = cuts[Cut.REQUEST_LOST] + cuts[Cut.REQUEST_TORN]
    counts["calls abandoned in the middle"] = cuts[Cut.ABANDONED]
    counts["answers lost after the commit"] = cuts[Cut.ANSWER_LOST]
    counts["watchers"] = len(evidence.watched)
    counts["calls of people repeated"] = sum(caller.unanswered.values())
    for kind, count in world.done.items():
        counts[f"fault: {kind}"] = count
