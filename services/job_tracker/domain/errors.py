"""Why JobTracker says no.

TrackerError
├── JobNotFoundError
├── RequestIdReusedError
├── ConflictingJobError
├── JobDeletedError
├── JobTypeNotRegisteredError
├── RetryScopeUnsupportedError
├── IllegalTransitionError
├── TotalNotReachedError
├── LeaseLostError
├── InvalidFieldsError
│   ├── ProgressInvalidError
│   ├── PageTokenInvalidError
│   ├── ConfirmTokenInvalidError
│   └── ResumeTokenInvalidError
└── StoppingError
"""

from collections.abc import Sequence


class TrackerError(Exception):
    """The root of every refusal."""


class JobNotFoundError(TrackerError):
    """There is no such job."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id}")
        self.job_id = job_id


class RequestIdReusedError(TrackerError):
    """A request id was used before with other content."""

    def __init__(self, request_id: str, job_id: str) -> None:
        super().__init__(f"request id {request_id} was used before with other content; it made job {job_id}")
        self.request_id = request_id
        self.job_id = job_id


class JobDeletedError(TrackerError):
    """A request id was used before, and the job that it made has been deleted since."""

    def __init__(self, request_id: str, job_id: str) -> None:
        super().__init__(f"request id {request_id} made job {job_id}, which has been deleted; use a new request id")
        self.request_id = request_id
        self.job_id = job_id


class JobTypeNotRegisteredError(TrackerError):
    """Nobody has registered the type."""

    def __init__(self, job_type: str) -> None:
        super().__init__(f"nobody has registered the type {job_type}; ListJobTypes tells those that are")
        self.type = job_type


class RetryScopeUnsupportedError(TrackerError):
    """The failed items alone cannot be done again."""

    def __init__(self, job_id: str, job_type: str, why: str) -> None:
        super().__init__(f"the failed items of job {job_id} alone cannot be done again: {why}; retry all of it")
        self.job_id = job_id
        self.type = job_type


class ConflictingJobError(TrackerError):
    """An earlier job stands on an incompatible lock."""

    def __init__(self, job_id: str, lock_key: str, store_id: str = "") -> None:
        super().__init__(f"job {job_id} is in the way: it holds {lock_key}; wait for it, or queue behind it")
        self.job_id = job_id
        self.store_id = store_id
        self.lock_key = lock_key


class IllegalTransitionError(TrackerError):
    """The job's state does not allow the call."""

    def __init__(self, job_id: str, state: str, call: str, why: str = "") -> None:
        super().__init__(f"job {job_id} is {state}, which {call} does not allow" + (f": {why}" if why else ""))
        self.job_id = job_id
        self.state = state
        self.call = call


class TotalNotReachedError(TrackerError):
    """The work is said to be done before its total is."""

    def __init__(self, processed: int, total: int) -> None:
        super().__init__(f"{processed} of {total} items are processed; correct the total or fail the job")
        self.processed = processed
        self.total = total


class LeaseLostError(TrackerError):
    """The lease is no longer the caller's."""

    def __init__(self, job_id: str, attempt: int) -> None:
        super().__init__(
            f"the lease on job {job_id} is no longer yours (it is at attempt {attempt}); stop, write nothing more"
        )
        self.job_id = job_id
        self.attempt = attempt


class InvalidFieldsError(TrackerError):
    """One or more fields are missing or out of bounds: (field, description) pairs, all of them."""

    def __init__(self, violations: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field} {description}" for field, description in violations))
        self.violations = tuple(violations)


class ProgressInvalidError(InvalidFieldsError):
    """The counts contradict each other, the total, or an earlier report."""


class PageTokenInvalidError(InvalidFieldsError):
    """The page token was not made by this call with this filter."""

    def __init__(self, description: str) -> None:
        super().__init__([("page_token", description)])


class ConfirmTokenInvalidError(InvalidFieldsError):
    """The confirm token was not made by a dry run of this call with this content, or is too old."""

    def __init__(self, description: str) -> None:
        super().__init__([("confirm_token", description)])


class ResumeTokenInvalidError(InvalidFieldsError):
    """The resume token was not made by WatchJobs."""

    def __init__(self) -> None:
        super().__init__([("resume_token", "is not a resume token")])


class StoppingError(TrackerError):
    """JobTracker is stopping."""

    def __init__(self) -> None:
        super().__init__("JobTracker is stopping; try again")
