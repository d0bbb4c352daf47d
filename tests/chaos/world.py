"""A trial's real processes: JobTracker, its database, workers; and the doors between them."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.chaos.calling import Caller
from tests.chaos.database import SqliteFile, TrialDatabase
from tests.chaos.journal import read_journal
from tests.chaos.outside import OutsideStore
from tests.chaos.plan import CALLS, DatabaseKind, Fault, FaultKind, Plan
from tests.chaos.proxy import House

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(str(ROOT / place) for place in ("", "services", "clients"))
"""The processes are those of this checkout, wherever another is installed."""
START_SECONDS = 60.0
STOP_SECONDS = 20.0
TRIES_TO_START = 5


class World:
    """One trial's world. What fails in it fails by `do`; `heal` makes it whole again."""

    def __init__(self, plan: Plan, folder: Path, database: TrialDatabase) -> None:
        self.folder, self.database = folder, database
        self._plan = plan
        self.houses = [House() for _ in range(plan.replicas)]
        self.done: Counter[FaultKind] = Counter()
        self._trackers: list[Process | None] = [None] * plan.replicas
        self._workers: list[Process | None] = [None] * plan.workers
        self._clock = folder / "clock"
        self._started = 0

    async def start(self) -> None:
        """Start everything."""
        self.folder.mkdir(parents=True)
        self._clock.write_text("0")
        for house in self.houses:
            await house.open(CALLS)
        await self.database.start()
        await asyncio.gather(*(self._start_tracker(number) for number in range(len(self.houses))))
        await asyncio.gather(*(self._start_worker(number) for number in range(len(self._workers))))

    async def stop(self) -> None:
        """End everything, by force: what is to be kept was kept before."""
        for process in (*self._workers, *self._trackers):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
        for house in self.houses:
            await house.close()
        await self.database.stop()

    def targets(self) -> dict[str, str]:
        """Name, for each kind of call, the doors of all replicas."""
        return {
            kind: "ipv4:" + ",".join(f"127.0.0.1:{house.doors[kind].port}" for house in self.houses) for kind in CALLS
        }

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Caller]:
        """Be a participant in this process."""
        caller = Caller(self.targets())
        try:
            yield caller
        finally:
            await caller.close()

    async def do(self, fault: Fault) -> None:
        """Make something fail, and let it come back after its time."""
        deeds: dict[FaultKind, Callable[[Fault], Coroutine[Any, Any, None]]] = {
            FaultKind.KILL_WORKER: self._end_worker,
            FaultKind.STOP_WORKER: self._end_worker,
            FaultKind.SUSPEND_WORKER: self._suspend_worker,
            FaultKind.KILL_TRACKER: self._end_tracker,
            FaultKind.STOP_TRACKER: self._end_tracker,
            FaultKind.KILL_POSTGRES: self._kill_database,
            FaultKind.SET_CLOCK: self._set_clock,
            FaultKind.CUT: self._cut,
            FaultKind.STALL: self._stall,
            FaultKind.REFUSE: self._refuse,
        }
        self.done[fault.kind] += 1
        await deeds[fault.kind](fault)

    def heal(self) -> None:
        """Let everything run and everything pass. Faults must have come to their end."""
        for house in self.houses:
            house.heal()
        for number, tracker in enumerate(self._trackers):
            assert tracker is not None
            if tracker.returncode is not None:
                raise AssertionError(f"JobTracker {number} ended by itself with {tracker.returncode}")

    def journals(self) -> list[list[dict[str, Any]]]:
        """Read what each worker wrote down."""
        return [read_journal(path) for path in sorted(self.folder.glob("worker-*.jsonl"))]

    def outside(self) -> OutsideStore:
        """Open the outside store."""
        return OutsideStore(self.folder / "outside.db")

    async def _end_worker(self, fault: Fault) -> None:
        worker = self._workers[fault.target]
        if worker is None:
            self.done[fault.kind] -= 1  # an earlier fault has it
            return
        self._workers[fault.target] = None
        await _ended(worker, signal.SIGKILL if fault.kind is FaultKind.KILL_WORKER else signal.SIGTERM)
        await asyncio.sleep(fault.seconds)
        await self._start_worker(fault.target)

    async def _suspend_worker(self, fault: Fault) -> None:
        worker = self._workers[fault.target]
        if worker is None:
            self.done[fault.kind] -= 1
            return
        self._workers[fault.target] = None
        worker.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            worker.send_signal(signal.SIGCONT)
            self._workers[fault.target] = worker

    async def _end_tracker(self, fault: Fault) -> None:
        tracker = self._trackers[fault.target]
        if tracker is None:
            self.done[fault.kind] -= 1
            return
        self._trackers[fault.target] = None
        self.houses[fault.target].upstream = None  # its port may be anybody's from now on
        await _ended(tracker, signal.SIGKILL if fault.kind is FaultKind.KILL_TRACKER else signal.SIGTERM)
        await asyncio.sleep(fault.seconds)
        await self._start_tracker(fault.target)

    async def _kill_database(self, fault: Fault) -> None:
        await self.database.kill()
        await asyncio.sleep(fault.seconds)
        await self.database.start()

    async def _set_clock(self, fault: Fault) -> None:
        offset = float(self._clock.read_text()) + fault.seconds
        self._set(offset)

    def _set(self, offset: float) -> None:
        written = self._clock.with_suffix(".new")
        written.write_text(str(offset))
        written.replace(self._clock)

    async def _cut(self, fault: Fault) -> None:
        for house in self.houses:
            house.doors[fault.call].armed = fault.cut

    async def _stall(self, fault: Fault) -> None:
        house = self.houses[fault.target]
        house.flowing.clear()
        await asyncio.sleep(fault.seconds)
        house.flowing.set()

    async def _refuse(self, fault: Fault) -> None:
        house = self.houses[fault.target]
        house.refusing = True
        house.break_connections()
        await asyncio.sleep(fault.seconds)
        house.refusing = False

    async def _start_tracker(self, number: int) -> None:
        """Start a replica. It takes any free port: one that it had may be another's by now; its doors stay where they are."""
        for left in reversed(range(TRIES_TO_START)):
            words = ["tests.chaos.tracker", "--database-url", self.database.url, "--clock", str(self._clock)]
            process = await self._spawn("tracker", words)
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            if line:
                break
            # While PostgreSQL is down a JobTracker cannot start; whoever supervises it tries again.
            await process.wait()
            if not left or self._plan.database is DatabaseKind.SQLITE:
                raise AssertionError(f"JobTracker did not start ({process.returncode}), see {self.folder}")
            await asyncio.sleep(1.0)
        host, _, port = json.loads(line)["address"].rpartition(":")
        self.houses[number].upstream = (host, int(port))
        self._trackers[number] = process

    async def _start_worker(self, number: int) -> None:
        words = ["tests.chaos.worker", "--targets", json.dumps(self.targets()), "--capacity", str(self._plan.capacity)]
        words += ["--store", str(self.folder / "outside.db")]
        words += ["--journal", str(self.folder / f"worker-{self._started:02}.jsonl")]
        self._workers[number] = await self._spawn("worker", words)

    async def _spawn(self, name: str, words: list[str]) -> Process:
        log = self.folder / f"{name}-{self._started:02}.log"
        self._started += 1
        with log.open("ab") as sink:
            stdout = PIPE if name == "tracker" else sink
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", *words, stdout=stdout, stderr=sink, env=os.environ | {"PYTHONPATH": PYTHONPATH}
            )


async def _ended(process: Process, number: signal.Signals) -> None:
    """End a process, by force if it does not obey in time."""
    if process.returncode is None:
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def database_for(kind: DatabaseKind, folder: Path) -> TrialDatabase:
    """Make a trial's database."""
    if kind is DatabaseKind.SQLITE:
        return SqliteFile(folder)
    from tests.chaos.postgres import PostgresOfATrial

    return PostgresOfATrial(folder)
