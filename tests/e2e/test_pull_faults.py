"""Every fault of the sandbox's plan in every pull, with both services for real: right rows and right state, or the right failure.

All of it runs side by side in one stack: each case has calls of its own that are hit, so that none sees another's fault.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.faults import FaultKind, Rule
from sandbox.world import StoreWorld

from tests.e2e.fault_cases import Call, Case, Ending, Round, cases
from tests.e2e.later_pull_faults import GRANT, LATER_CALLS, PHASES, WINDOWS
from tests.e2e.pull_faults import FIRST_CALLS
from tests.fakes.mirrors import Rows, catalog_rows, check_levels
from tests.fakes.pulls import AUTO_PULLS, BULK_PULLS, NHANH_PULLS, PULLS, Pull
from tests.fakes.vendor_changes import REMOVED, change_everywhere
from tests.fakes.whole_stack import WholeStack, whole_stack, without_static_token

CALLS = (*FIRST_CALLS, *LATER_CALLS)
CHANGED = {Round.CHANGES: 252, Round.AGAIN: 130}
"""Rows of each list: what has changed has two pages at both vendors, or two at Nhanh while others are in windows of time."""

UNHARMED = "unharmed"
"""A store whose pulls nothing hits: it tells how many calls a pull in windows makes."""

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


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_kind_of_fault_stands_in_one_table_of_every_call(call: Call) -> None:
    """A new kind has to be played at each call of a pull, or needs a reason why it is not."""
    assert sorted(call.kinds()) == sorted(FaultKind)


def test_every_call_of_every_pull_has_its_tables() -> None:
    """No pull is left out, neither when it is a shop's first nor when it reads what has changed."""
    planned = Counter(
        (call.round, pull.name, name) for call in CALLS for pull in call.pulls for name in {*call.names} & {*pull.calls}
    )
    first = [(Round.FIRST, pull.name, name) for pull in (*PULLS, *GRANT.pulls) for name in pull.calls]
    changes = [(Round.CHANGES, pull.name, pull.calls[0]) for pull in (*NHANH_PULLS, *AUTO_PULLS)]
    assert set(planned) == {*first, *changes, (Round.AGAIN, "nhanh_customers", "customer/list")}
    assert set(planned.values()) == {1}


@dataclass
class Trial:
    """One case: its pull, run as often as the case asks for.

    `before` are the rows that an earlier pull has brought; `told` is what the pull under the fault has to read.
    """

    case: Case
    stack: WholeStack
    client: Client
    before: Rows
    unharmed: int

    def __post_init__(self) -> None:
        true = self.case.pull.mirror.true_rows(self.world)
        changes = self.case.call.round is Round.CHANGES
        self.told = {one: row for one, row in true.items() if not changes or row != self.before.get(one)}
        self.kept = self.before | true
        """As it should be while rows that are gone are not marked: an INCREMENTAL pull knows nothing of them."""
        self.wanted = self.kept if changes else true
        self.item = max(self.told)
        """The row that may be spoiled."""
        self.rules: list[Rule] = []

    @property
    def world(self) -> StoreWorld:
        """What is true at the vendors."""
        return self.stack.sandbox.world.stores[self.case.store_id]

    def harm(self) -> None:
        """Begin the fault."""
        self.rules = self.case.rules(self.case.pull.mirror.item(self.item), self.unharmed)
        self.stack.sandbox.world.plan.rules += self.rules

    def heal(self) -> None:
        """End the fault."""
        for rule in self.rules:
            rule.times = 0

    async def stored(self) -> Rows:
        """Read the mirror."""
        return await self.case.pull.mirror.stored_rows(self.stack.catalog_url, self.case.store_id)

    async def all_is_right(self) -> None:
        """Compare the mirror row by row."""
        wrong = self.case.pull.mirror.differing(await self.stored(), self.wanted)
        assert not wrong, f"{len(wrong)} of {len(self.wanted)} rows: {dict(list(wrong.items())[:3])}"
        if self.case.pull is BULK_PULLS[0]:
            await check_levels(self.world, self.stack.catalog_url)

    def operations(self) -> int:
        """Count the bulk operations that were started."""
        return len(self.world.shop.bulk.known) if self.case.pull.by_bulk else self.case.fault.operations

    async def pulled(self) -> job_pb2.Job:
        """Pull to the end."""
        mode = pb.PULL_MODE_INCREMENTAL if self.case.call.round is Round.CHANGES else pb.PULL_MODE_UNSPECIFIED
        job = await self.case.pull.start(self.client, self.case.store_id, mode)
        return await self.client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)

    async def failures(self, job: job_pb2.Job) -> list[str]:
        """Give the codes of the attempts that failed."""
        events = (await self.client.jobs.ListJobEvents(jobs_pb.ListJobEventsRequest(job_id=job.job_id))).events
        failed = (job_pb2.JOB_EVENT_KIND_ATTEMPT_FAILED, job_pb2.JOB_EVENT_KIND_LEASE_LOST)
        return [event.reason for event in events if event.kind in failed]

    async def run(self) -> None:
        """See the case to its end."""
        fault = self.case.fault
        self.harm()
        match fault.ends:
            case Ending.SURVIVED | Ending.WARNED | Ending.LATER:
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
            assert counts.processed == len(self.told)
            assert counts.metrics["created"] == len(self.told.keys() - self.before.keys())
        assert counts.metrics["gone"] == len(self.kept) - len(self.wanted)
        if self.case.pull.vendor == "nhanh" and self.case.call.round is not Round.CHANGES:
            warned = self.case.fault.ends is Ending.WARNED
            assert ("could not be asked" in job.state_message) is warned, job
            assert ("nhanh_token_days_left" in job.result) is not warned, job
        hits = self.world.calls.faulted[f"{self.case.pull.vendor} {self.case.name}"]
        assert hits
        assert not any(rule.times > 0 for rule in self.rules), f"{hits} hits"
        assert self.operations() == self.case.fault.operations
        await self.all_is_right()

    async def fails(self, attempts: int) -> None:
        """What was read is kept; with the fault over all is pulled; with the fault back nothing of that is lost."""
        await self.failed(attempts)
        assert self.operations() == self.case.fault.operations
        missed = self.case.pull.mirror.differing(await self.stored(), self.kept)
        assert all(row == self.before.get(one) for one, (row, _) in missed.items()), "nothing is wrong or gone"
        assert len(missed) < len(self.told) or self.case.pull.by_bulk, "the first page was read"
        if self.case.call.round is Round.AGAIN:
            assert await self.phase() == PHASES[self.case.fault.at[0]]
        self.heal()
        await asyncio.sleep(self.case.fault.kept)
        job = await self.pulled()
        assert (job.state, job.attempt) == (COMPLETED, 1), job
        assert job.result["resumed"] or self.case.pull.by_bulk, "it goes on where the failed one stopped"
        await self.all_is_right()
        if self.case.call.round is Round.AGAIN:
            return  # with nothing more to confirm, a pull makes fewer calls
        self.world.shop.app.expires_at.clear()
        self.harm()
        await self.failed(attempts)
        await self.all_is_right()

    async def phase(self) -> str:
        """Say how far a list was read that is read in windows of time."""
        query = "SELECT cursor FROM pull_runs WHERE store_id = $1"
        (place,) = await catalog_rows(self.stack.catalog_url, query, self.case.store_id)
        return str(json.loads(place["cursor"])["phase"])

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
        missed = {self.item: (self.before.get(self.item), self.told[self.item])}
        assert pull.mirror.differing(await self.stored(), self.wanted) == missed
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


@dataclass
class Grounds:
    """The stores of all cases, each made ready once: by pulls that nothing hits, and by changes behind them."""

    stack: WholeStack
    client: Client
    cases: Sequence[Case]

    def __post_init__(self) -> None:
        pulls: dict[tuple[str, Round], set[Pull]] = {(UNHARMED, Round.AGAIN): set(WINDOWS.pulls)}
        for case in self.cases:
            if case.call.round is not Round.FIRST:
                pulls.setdefault((case.store_id, case.call.round), set()).add(case.pull)
        self._ready = {
            store_id: asyncio.create_task(self._prepared(store_id, some, CHANGED[which]))
            for (store_id, which), some in pulls.items()
        }
        self._unharmed = asyncio.create_task(self._calls_of_windows())

    async def trial(self, case: Case) -> Trial:
        """Make a case ready."""
        before: Rows = {}
        if case.call.round is not Round.FIRST:
            before = (await self._ready[case.store_id])[case.pull.mirror.table]
        unharmed = await self._unharmed if case.call.round is Round.AGAIN else 0
        return Trial(case, self.stack, self.client, before, unharmed)

    async def run(self, case: Case) -> None:
        """See a case to its end."""
        await (await self.trial(case)).run()

    async def _prepared(self, store_id: str, pulls: Iterable[Pull], changed: int) -> dict[str, Rows]:
        world = self.stack.sandbox.world.stores[store_id]
        await asyncio.gather(*(self._pull(pull, store_id) for pull in pulls))
        before = {pull.mirror.table: pull.mirror.true_rows(world) for pull in pulls}
        change_everywhere(world, Random(0), changed)
        return before

    async def _calls_of_windows(self) -> int:
        """Count the calls of a pull in windows of time."""
        await self._ready[UNHARMED]
        calls = self.stack.sandbox.world.stores[UNHARMED].calls.answered
        (pull,), (name,) = WINDOWS.pulls, WINDOWS.names
        before = calls[f"nhanh {name}"]
        result = (await self._pull(pull, UNHARMED)).result
        assert "windows of time" in result["way"]
        assert result["gone"] == REMOVED
        return calls[f"nhanh {name}"] - before

    async def _pull(self, pull: Pull, store_id: str) -> job_pb2.Job:
        job = await pull.start(self.client, store_id)
        ended = await self.client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)
        assert ended.state == COMPLETED, ended
        return ended


async def test_every_fault_of_every_pull_ends_as_its_table_says(tmp_path: Path) -> None:
    """Completed, each row of the mirror is as the vendor has it; failed, the failure has its type and nothing is lost."""
    wanted = sorted(
        (case for call in CALLS for case in cases(call)), key=lambda case: case.fault.ends.value, reverse=True
    )
    stores = tuple(dict.fromkeys([UNHARMED, *(case.store_id for case in wanted)]))
    async with whole_stack(tmp_path, products=125, customers=300, stores=stores, lease_seconds=LEASE_SECONDS) as stack:
        for store_id in {case.store_id for case in wanted if case.call is GRANT}:
            without_static_token(stack, store_id)
        await stack.tracker()
        grounds = Grounds(stack, await stack.client(await stack.worker(concurrency=AT_ONCE)), wanted)
        ends = await asyncio.gather(*(grounds.run(case) for case in wanted), return_exceptions=True)
        wrong = {str(case): end for case, end in zip(wanted, ends, strict=True) if end is not None}
        assert not wrong, f"{len(wrong)} of {len(wanted)}: " + "\n".join(
            f"{case}: {end!r}" for case, end in wrong.items()
        )
