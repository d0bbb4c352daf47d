"""The states of a job and every legal move between them, in one table.

The guards of the server, the picture in docs/job-states.md and the property tests are all read off `MOVES`.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a job is in its life."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    PARTIALLY_COMPLETED = "PARTIALLY_COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Trigger(StrEnum):
    """What moves a job."""

    CREATE = "CreateJob"
    CLAIM = "ClaimJobs"
    CANCEL = "CancelJob"
    COMPLETE = "CompleteJob"
    FAIL = "FailJob"
    RELEASE = "ReleaseJob"
    LEASE_EXPIRED = "lease expired"
    GRACE_OVER = "grace over"


FINAL = frozenset({State.COMPLETED, State.PARTIALLY_COMPLETED, State.FAILED, State.CANCELLED})
"""No job ever leaves these."""

HELD = frozenset({State.RUNNING, State.CANCELLING})
"""A worker holds the job under a lease."""

PAUSABLE = frozenset({State.PENDING, State.RUNNING})
"""A job in these can be paused and resumed. That is a flag, not a state: it moves nothing."""

_BY_COUNTS = frozenset({State.COMPLETED, State.PARTIALLY_COMPLETED, State.FAILED})

MOVES: dict[tuple[State | None, Trigger], frozenset[State]] = {
    (None, Trigger.CREATE): frozenset({State.PENDING}),
    (State.PENDING, Trigger.CLAIM): frozenset({State.RUNNING}),
    (State.PENDING, Trigger.CANCEL): frozenset({State.CANCELLED}),
    (State.RUNNING, Trigger.COMPLETE): _BY_COUNTS,
    (State.RUNNING, Trigger.FAIL): frozenset({State.PENDING, State.FAILED}),
    (State.RUNNING, Trigger.RELEASE): frozenset({State.PENDING}),
    (State.RUNNING, Trigger.LEASE_EXPIRED): frozenset({State.PENDING, State.FAILED}),
    (State.RUNNING, Trigger.CANCEL): frozenset({State.CANCELLING}),
    (State.CANCELLING, Trigger.COMPLETE): _BY_COUNTS,
    (State.CANCELLING, Trigger.FAIL): frozenset({State.CANCELLED}),
    (State.CANCELLING, Trigger.RELEASE): frozenset({State.CANCELLED}),
    (State.CANCELLING, Trigger.LEASE_EXPIRED): frozenset({State.CANCELLED}),
    (State.CANCELLING, Trigger.GRACE_OVER): frozenset({State.CANCELLED}),
}
"""From a state (None before creation), by a trigger, to one of these; everything else is refused."""


def allows(state: State, trigger: Trigger) -> bool:
    """Whether a job in this state can be moved so at all."""
    return (state, trigger) in MOVES
