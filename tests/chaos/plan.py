"""What a trial will do, all of it drawn from one seed: its world, its jobs and its faults."""

import random
from dataclasses import dataclass, field
from enum import StrEnum

from tests.chaos.proxy import Cut

HOUR = 3600.0
LOCK_KEYS = ("shop/products", "shop/customers", "shop/stock")
WORKER_CALLS = (
    "RegisterJobTypes",
    "ClaimJobs",
    "UpdateProgress",
    "CompleteJob",
    "FailJob",
    "ReleaseJob",
    "WatchDirectives",
)
PEOPLE_CALLS = (
    "CreateJob",
    "GetJob",
    "ListJobs",
    "WaitJob",
    "WatchJob",
    "CancelJob",
    "RetryJob",
    "PauseJob",
    "ResumeJob",
    "ListJobEvents",
)
CALLS = (*WORKER_CALLS, *PEOPLE_CALLS)


class DatabaseKind(StrEnum):
    """What JobTracker keeps its jobs in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class FaultKind(StrEnum):
    """What goes wrong."""

    KILL_WORKER = "kill -9 worker"
    STOP_WORKER = "SIGTERM worker"
    SUSPEND_WORKER = "suspend worker"
    KILL_TRACKER = "kill -9 JobTracker"
    STOP_TRACKER = "SIGTERM JobTracker"
    KILL_POSTGRES = "kill -9 PostgreSQL"
    SET_CLOCK = "set clock"
    CUT = "cut call"
    STALL = "stall"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, seconds after the start: to which worker or replica, for how long, or by how much."""

    at: float
    kind: FaultKind
    target: int = 0
    seconds: float = 0.0
    call: str = ""
    cut: Cut | None = None

    def __str__(self) -> str:
        what = f"{self.call} {self.cut}" if self.cut else f"#{self.target} {self.seconds:+.2f} s"
        return f"{self.at:5.2f} s  {self.kind}  {what}"


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job that somebody asks for, and what is done to it."""

    at: float
    items: int
    pace: float
    fail_every: int
    ending: str
    locks: tuple[tuple[str, bool], ...]
    policy: str
    max_attempts: int
    repeat_after: float | None
    cancel_after: float | None
    pause_after: float | None
    resume_after: float | None
    retry: bool
    wait: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole trial."""

    seed: int
    database: DatabaseKind
    replicas: int
    workers: int
    capacity: int
    seconds: float
    jobs: tuple[JobPlan, ...]
    faults: tuple[Fault, ...] = field(default=())

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}, {self.database}: {self.replicas} JobTracker, {self.workers} workers of {self.capacity} jobs, "
            f"{len(self.jobs)} jobs, faults for {self.seconds:.1f} s"
        )
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


WEIGHTS = {
    FaultKind.KILL_WORKER: 4,
    FaultKind.STOP_WORKER: 2,
    FaultKind.SUSPEND_WORKER: 3,
    FaultKind.KILL_TRACKER: 4,
    FaultKind.STOP_TRACKER: 1,
    FaultKind.KILL_POSTGRES: 2,
    FaultKind.SET_CLOCK: 2,
    FaultKind.CUT: 16,
    FaultKind.STALL: 2,
    FaultKind.REFUSE: 2,
}
FOR_POSTGRESQL = frozenset({FaultKind.KILL_POSTGRES})
FOR_SQLITE = frozenset({FaultKind.SET_CLOCK})
"""PostgreSQL's own clock decides there, and it is the machine's."""


def draw(seed: int, database: DatabaseKind) -> Plan:
    """Draw a trial."""
    chance = random.Random(seed)
    replicas = chance.choice((1, 2, 3)) if database is DatabaseKind.POSTGRESQL else 1
    workers = chance.choice((2, 3))
    seconds = chance.uniform(6.0, 9.0)
    jobs = tuple(sorted((_job(chance, seconds) for _ in range(chance.randint(6, 10))), key=lambda job: job.at))
    kinds = [
        kind for kind in WEIGHTS if kind not in (FOR_SQLITE if database is DatabaseKind.POSTGRESQL else FOR_POSTGRESQL)
    ]
    drawn = chance.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=chance.randint(5, 11))
    faults = sorted((_fault(chance, kind, seconds, replicas, workers) for kind in drawn), key=lambda fault: fault.at)
    return Plan(seed, database, replicas, workers, chance.choice((2, 3)), seconds, jobs, tuple(faults))


def _job(chance: random.Random, seconds: float) -> JobPlan:
    locks = tuple((key, chance.random() < 0.6) for key in LOCK_KEYS if chance.random() < 0.3)
    # Drawn in any case, so that a seed stays what it is when JobTracker learns to pause.
    pause_after, resume_after = chance.uniform(0.0, 2.0), chance.uniform(0.2, 2.0)
    paused, for_good = chance.random() < 0.2, chance.random() < 0.3
    for_good = for_good and not locks  # one that stands on a lock would hold up the others
    return JobPlan(
        at=chance.uniform(0.0, seconds * 0.6),
        items=chance.choice((0, 3, 6, 10, 15)),
        pace=chance.uniform(0.05, 0.3),
        fail_every=chance.choice((0, 0, 0, 1, 3)),
        ending=chance.choice(
            ("complete", "complete", "complete", "complete", "fail_retryable", "fail_for_good", "release")
        ),
        locks=locks,
        policy=chance.choice(("FAIL", "QUEUE", "QUEUE", "QUEUE")),
        max_attempts=chance.choice((1, 3, 3, 6)),
        repeat_after=chance.uniform(0.0, 3.0) if chance.random() < 0.3 else None,
        cancel_after=chance.uniform(0.0, 3.0) if chance.random() < 0.25 else None,
        pause_after=pause_after if paused else None,
        resume_after=resume_after if paused and not for_good else None,
        retry=chance.random() < 0.4,
        wait=chance.random() < 0.3,
    )


def _fault(chance: random.Random, kind: FaultKind, seconds: float, replicas: int, workers: int) -> Fault:
    at = chance.uniform(0.3, seconds)
    if kind is FaultKind.CUT:
        return Fault(at, kind, call=chance.choice(CALLS), cut=chance.choice(tuple(Cut)))
    if kind is FaultKind.SET_CLOCK:
        return Fault(at, kind, seconds=chance.choice((-1, 1)) * chance.uniform(0.5, 30.0) * HOUR)
    if kind is FaultKind.SUSPEND_WORKER:  # beyond its lease, until another has taken over
        return Fault(at, kind, chance.randrange(workers), chance.uniform(5.5, 7.5))
    if kind in (FaultKind.KILL_WORKER, FaultKind.STOP_WORKER):
        return Fault(at, kind, chance.randrange(workers), chance.uniform(0.1, 1.5))
    return Fault(at, kind, chance.randrange(replicas), chance.uniform(0.1, 2.0))
