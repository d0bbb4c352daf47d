"""Why SyncWorker says no to a caller.

Refused
├── InvalidFields         one or more fields are missing or out of bounds
│   └── PageTokenInvalid
├── StoreNotFound
├── PullRunning           a pull's place cannot be cleared under it
├── TrackerRefusal        JobTracker said no; passed on as it came
└── TrackerUnavailable    JobTracker cannot be reached
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class Refused(Exception):
    """The root of every refusal."""


class InvalidFields(Refused):
    """One or more fields are missing or out of bounds: (field, description) pairs, all of them."""

    def __init__(self, violations: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name} {description}" for name, description in violations))
        self.violations = tuple(violations)


class PageTokenInvalid(InvalidFields):
    """The page token was not made by this call with this filter."""

    def __init__(self, description: str) -> None:
        super().__init__([("page_token", description)])


class StoreNotFound(Refused):
    """The store is not in the stores file."""

    def __init__(self, store_id: str) -> None:
        super().__init__(f"there is no store {store_id!r} in the stores file")
        self.store_id = store_id


class PullRunning(Refused):
    """A pull of this operation and store is active, so its place cannot be cleared."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} pulls right now; cancel it, or wait for its end, before its place is cleared")
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class RefusalDetails:
    """A refusal as JobTracker wrote it: the gRPC code's name, the reason and its domain, and what else came along."""

    code: str
    reason: str
    domain: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str]] = ()
    resource: tuple[str, str] | None = None
    retry_seconds: float | None = None


class TrackerRefusal(Refused):
    """JobTracker understood and said no: asking again without a change cannot help."""

    def __init__(self, details: RefusalDetails) -> None:
        super().__init__(details.message)
        self.details = details


class TrackerUnavailable(Refused):
    """No answer came from JobTracker; whether the call took effect is unknown."""

    def __init__(self, message: str = "JobTracker cannot be reached; try again") -> None:
        super().__init__(message)
