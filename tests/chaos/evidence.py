"""What is known after a trial: what people and workers were told, and what JobTracker and the outside store hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nhanhsync.jobs.v1 import job_pb2

from tests.chaos.outside import Write

FINAL = frozenset({"COMPLETED", "PARTIALLY_COMPLETED", "FAILED", "CANCELLED"})
REQUEST_LABEL = "request"
"""The label under which a job carries the request id that made it."""


def state_of(job: job_pb2.Job) -> str:
    """Name a job's state as the table of moves does."""
    return job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that said how a job stood: by which call, in which state, at which revision."""

    call: str
    job_id: str
    state: str
    revision: int


@dataclass(slots=True)
class Watched:
    """What one watcher of one job was given, in order, through every resume; `ended` when the stream ended as it should."""

    job_id: str
    events: list[job_pb2.JobEvent] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)
    ended: bool = False


@dataclass(slots=True)
class Evidence:
    """Everything that the checker judges by."""

    jobs: Mapping[str, job_pb2.Job]
    events: Mapping[str, Sequence[job_pb2.JobEvent]]
    locks: Sequence[tuple[str, str]]
    """Key and job of every row that stands."""
    told: Sequence[Told]
    created: Sequence[tuple[str, str]]
    """Request id and job of every answer to a creation or a retry."""
    watched: Sequence[Watched]
    journals: Sequence[Sequence[Mapping[str, Any]]]
    """What each worker process wrote down."""
    writes: Sequence[Write]
    paused_on_purpose: frozenset[str] = frozenset()
