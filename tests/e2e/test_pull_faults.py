"""Every fault of the sandbox's plan in every pull, with both services for real: right rows and right state, or the right failure.

All of it runs side by side in one stack: each case has calls of its own that are hit, so that none sees another's fault.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from sandbox.faults import FaultKind, Rule
from sandbox.world import StoreWorld

from tests.e2e.pull_faults import CALLS, Call, Case, Ending, cases
from tests.fakes.mirrors import Rows
from tests.fakes.pulls import PULLS
from tests.fakes.whole_stack import WholeStack, whole_stack

AT_ONCE = 64
LEASE_SECONDS = 10.0
"""A call is given up after half of it: so much later than anything on a busy machine takes, and no later than it has to be."""

PATIENCE_SECONDS = 90.0
COMPLETED, PARTIALLY, FAILED, CANCELLED = (
    job_pb2.JOB_STATE_COMPLETED,
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.names[0])
def test_every_kind_of_fault_stands_in_one_table_of_every_call(call: Call) -> None:
    """A new kind has to be played at each call of a pull, or needs a reason why it is not."""
    assert sorted(call.kinds()) == sorted(FaultKind)


def test_every_call_of_every_pull_has_its_tables() -> None:
    """No pull is left out."""
    assert Counter((pull, name) for pull in PULLS for name in pull.calls) == Counter(
        (pull, name) for call in CALLS for pull in call.pulls for name in set(call.names) & set(pull.calls)
    )


@dataclass
class Trial:
    """One case: its pull, run as often as the case asks for."""

    case: Case
    stack: WholeStack
    client: Client
    item: int
    rules: Sequence[Rule]

    @property
    def world(self) -> StoreWorld:
        """What is true at the vendors."""
        return self.stack.sandbox.world.stores[self.case.store_id]

    def heal(self) -> None:
        """End the fault."""
        for rule in self.rules:
            rule.times = 0

    async def stored(self) -> Rows:
        """Read the mirror."""
        return await self.case.pull.mirror.stored_rows(self.stack.catalog_url, self.case.store_id)

    async def all_is_right(self) -> None:
        """Compare the mirror row by row."""
        await self.case.pull.mirror.check(self.world, self.stack.catalog_url)

    def operations(self) -> int:
        """Count the bulk operations that were started."""
        return len(self.world.shop.bulk.known) if self.case.pull.by_bulk else self.case.fault.operations

    async def pulled(self) -> job_pb2.Job:
        """Pull to the end."""
        job = await self.case.pull.start(self.client, self.case.store_id)
        return await self.client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)

    async def failures(self, job: job_pb2.Job) -> list[str]:
        """Give the codes of the attempts that failed."""
        events = (await self.client.jobs.ListJobEvents(jobs_pb.ListJobEventsRequest(job_id=job.job_id))).events
        failed = (job_pb2.JOB_EVENT_KIND_ATTEMPT_FAILED, job_pb2.JOB_EVENT_KIND_LEASE_LOST)
        return [event.reason for event in events if event.kind in failed]

    async def run(self) -> None:
        """See the case to its end."""
        fault = self.case.fault
        match fault.ends:
            case Ending.SURVIVED | Ending.LATER:
                await self.completes([fault.code] if fault.ends is Ending.LATER else [])
            case Ending.REFUSED | Ending.GIVEN_UP:
                await self.fails(1 if fault.ends is Ending.REFUSED else 3)
            case Ending.ONE_ROW:
                await self.lacks_one()
            case Ending.WAITING:
                await self.waits()

    async def completes(self, failures: list[str]) -> None:
        """After so many failed attempts; each hit of the fault was one, and no row was counted twice."""
        job = await self.pulled()
        assert (job.state, job.attempt) == (COMPLETED, 1 + len(failures)), job
        assert await self.failures(job) == failures
        counts = job.progress
        assert counts.processed == sum(counts.metrics[name] for name in ("created", "updated", "unchanged")), job
        if not failures:
            assert counts.processed == counts.metrics["created"] == len(self.case.pull.mirror.true_rows(self.world))
        hits = self.case.fault.rule.get("times", 1) + len(self.case.fault.after)
        assert self.world.calls.faulted[f"{self.case.pull.vendor} {self.case.call}"] == hits
        assert self.operations() == self.case.fault.operations
        await self.all_is_right()

    async def fails(self, attempts: int) -> None:
        """What was read is kept; with the fault over all is pulled; with the fault back nothing of that is lost."""
        await self.failed(attempts)
        assert self.operations() == self.case.fault.operations
        stored, true = await self.stored(), self.case.pull.mirror.true_rows(self.world)
        wrong = self.case.pull.mirror.differing(stored, {one: true[one] for one in stored})
        assert not wrong
        assert stored or self.case.pull.by_bulk, "the first page was read"
        lasting = [rule.times for rule in self.rules]
        self.heal()
        job = await self.pulled()
        assert (job.state, job.attempt) == (COMPLETED, 1), job
        assert job.result["resumed"] or self.case.pull.by_bulk, "it goes on where the failed one stopped"
        await self.all_is_right()
        for rule, times in zip(self.rules, lasting, strict=True):
            rule.times, rule.skip = times, self.case.passing
        await self.failed(attempts)
        await self.all_is_right()

    async def failed(self, attempts: int) -> None:
        """Pull, and see it fail."""
        job = await self.pulled()
        assert (job.state, job.attempt, job.error.code) == (FAILED, attempts, self.case.fault.code), job
        assert await self.failures(job) == [self.case.fault.code] * attempts

    async def lacks_one(self) -> None:
        """The row is named, with the reason, and every other is there; mended at the vendor, it comes."""
        pull = self.case.pull
        job = await self.pulled()
        assert (job.state, job.attempt, job.progress.failed) == (PARTIALLY, 1, 1), job
        failures = await self.client.jobs.ListItemFailures(jobs_pb.ListItemFailuresRequest(job_id=job.job_id))
        (failure,) = failures.item_failures
        assert (failure.item_key, failure.code) == (f"{pull.vendor}:{self.item}", self.case.fault.code)
        true = pull.mirror.true_rows(self.world)
        assert pull.mirror.differing(await self.stored(), true) == {self.item: (None, true[self.item])}
        self.heal()
        assert (await self.pulled()).state == COMPLETED
        await self.all_is_right()

    async def waits(self) -> None:
        """Cancelled, it has its operation cancelled too."""
        job = await self.case.pull.start(self.client, self.case.store_id)
        async with aclosing(self.client.watch_job(job.job_id, min_interval=0.0)) as updates:
            async for update in updates:
                if "gathered" in update.job.progress.message:
                    break
        await self.client.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=job.job_id, requested_by="operator"))
        assert (await self.client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)).state == CANCELLED
        (operation,) = self.world.shop.bulk.known.values()
        assert operation.canceled_at is not None
        assert not await self.stored()
        assert (await self.pulled()).state == COMPLETED
        await self.all_is_right()


def trial_of(case: Case, stack: WholeStack, client: Client) -> Trial:
    """Make a case ready; a row of its own, the last of the list, is the one that may be spoiled."""
    item = max(case.pull.mirror.true_rows(stack.sandbox.world.stores[case.store_id]))
    return Trial(case, stack, client, item, case.rules(case.pull.mirror.item(item)))


async def test_every_fault_of_every_pull_ends_as_its_table_says(tmp_path: Path) -> None:
    """Completed, each row of the mirror is as the vendor has it; failed, the failure has its type and nothing is lost."""
    wanted = sorted(cases(), key=lambda case: case.fault.ends.value, reverse=True)
    stores = tuple(dict.fromkeys(case.store_id for case in wanted))
    async with whole_stack(tmp_path, products=120, customers=300, stores=stores, lease_seconds=LEASE_SECONDS) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker(concurrency=AT_ONCE))
        trials = [trial_of(case, stack, client) for case in wanted]
        stack.plan(*(rule for trial in trials for rule in trial.rules))
        ends = await asyncio.gather(*(trial.run() for trial in trials), return_exceptions=True)
        wrong = {str(case): end for case, end in zip(wanted, ends, strict=True) if end is not None}
        assert not wrong, f"{len(wrong)} of {len(wanted)}: " + "\n".join(
            f"{case}: {end}" for case, end in wrong.items()
        )
