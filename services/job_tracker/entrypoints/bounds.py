"""The bounds of every field, in one table; the contract's comments say the same."""

import math
import re
from collections.abc import Sized
from dataclasses import dataclass

from job_tracker.application.bulk import BULK_RETRY

KIB = 1024
NUL = "\0"
"""PostgreSQL's text holds any character but this one."""

NO_NUL = "must hold no NUL character"


@dataclass(frozen=True, slots=True)
class Text:
    """A string's length in characters, and its form.

    `optional` lets it be empty whatever the form; what begins with `reserved` is not for callers.
    """

    longest: int | None = None
    shortest: int = 0
    pattern: str = ""
    optional: bool = False
    reserved: str = ""

    def fault(self, value: str) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if not value:
            return "is missing" if (self.shortest or self.pattern) and not self.optional else None
        if self.longest is not None and len(value) > self.longest:
            return f"must have at most {self.longest:,} characters, has {len(value):,}"
        if NUL in value:
            return NO_NUL
        if self.pattern and re.fullmatch(self.pattern, value) is None:
            return f"must match {self.pattern}"
        if self.reserved and value.startswith(self.reserved):
            return f"must not begin with {self.reserved}"
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number's range."""

    lowest: int
    highest: int | None = None

    def fault(self, value: int) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if value >= self.lowest and (self.highest is None or value <= self.highest):
            return None
        if self.highest is None:
            return f"must be at least {self.lowest}, is {value}"
        return f"must be from {self.lowest} to {self.highest}, is {value}"


@dataclass(frozen=True, slots=True)
class Count:
    """How many elements a list or a map holds."""

    most: int
    least: int = 0

    def fault(self, value: Sized) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if len(value) < self.least:
            return "is missing"
        if len(value) > self.most:
            return f"must hold at most {self.most}, holds {len(value):,}"
        return None


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration's range in seconds, and what it is when it is unset."""

    shortest: float
    longest: float
    unset: float | None = None

    def fault(self, value: float) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if math.isfinite(value) and self.shortest <= value <= self.longest:
            return None
        return f"must be from {self.shortest:g} to {self.longest:,g} seconds, is {value:g}"


@dataclass(frozen=True, slots=True)
class Size:
    """How many bytes a value takes; that of a Struct is its size as JSON."""

    most: int

    def fault(self, value: Sized) -> str | None:
        """Say what is wrong with a value, None when nothing is."""
        if len(value) <= self.most:
            return None
        return f"must take at most {self.most // KIB} KiB, takes {len(value):,} bytes"


NAME = r"^[A-Z][A-Z0-9_]{0,63}$"
JOB_ID = Text(longest=128, shortest=1)
REQUEST_ID = Text(longest=128, optional=True, reserved=BULK_RETRY)
WORKER_ID = Text(longest=128, shortest=1)
WHO = Text(longest=128)
VALUE = Text(longest=64)
PAGE_SIZE = Number(0, 500)
PAGE_TOKEN = Text(longest=4 * KIB)
LEASE_TTL = Seconds(5, 300, unset=30)
MIN_INTERVAL = Seconds(0, 60, unset=0.1)
JSON_SIZE = Size(64 * KIB)
FAILURES = Count(500)
SENTENCE = Text(longest=500)
LEASE_TOKEN = Text(longest=128, shortest=1)

STRUCT_DEPTH = 32
"""How deep a Struct's objects and lists are nested, itself included: a client parses messages 100 deep, and an object takes 3."""

DEFAULT_PAGE_SIZE = 50
DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_MAX_JOBS = 1

Bound = Text | Number | Count | Seconds | Size

BOUNDS: dict[str, Bound] = {
    "CreateJobRequest.request_id": REQUEST_ID,
    "CreateJobRequest.type": Text(pattern=NAME),
    "CreateJobRequest.variant": Text(pattern=NAME, optional=True),
    "CreateJobRequest.store_id": Text(longest=64, pattern=r"^[a-z0-9_-]+$", optional=True),
    "CreateJobRequest.params": JSON_SIZE,
    "CreateJobRequest.labels": Count(32),
    "CreateJobRequest.labels key": Text(pattern=r"^[a-z][a-z0-9_.-]{0,62}$"),
    "CreateJobRequest.labels value": Text(longest=256),
    "CreateJobRequest.priority": Number(-100, 100),
    "CreateJobRequest.locks": Count(16),
    "CreateJobRequest.max_attempts": Number(0, 100),
    "CreateJobRequest.parent_job_id": Text(longest=128, optional=True),
    "CreateJobRequest.created_by": WHO,
    "ClaimOnCreate.worker_id": WORKER_ID,
    "ClaimOnCreate.lease_ttl": LEASE_TTL,
    "Lock.key": Text(longest=200, shortest=1),
    "GetJobRequest.job_id": JOB_ID,
    "JobFilter.store_ids": Count(100),
    "JobFilter.store_ids value": VALUE,
    "JobFilter.types": Count(100),
    "JobFilter.types value": VALUE,
    "JobFilter.states": Count(100),
    "JobFilter.text": Text(longest=200),
    "ListJobsRequest.page_size": PAGE_SIZE,
    "ListJobsRequest.page_token": PAGE_TOKEN,
    "WaitJobRequest.job_id": JOB_ID,
    "WaitJobRequest.timeout": Seconds(0, 300, unset=30),
    "WatchJobRequest.job_id": JOB_ID,
    "WatchJobRequest.min_interval": MIN_INTERVAL,
    "WatchJobsRequest.resume_token": PAGE_TOKEN,
    "WatchJobsRequest.min_interval": MIN_INTERVAL,
    "CancelJobRequest.job_id": JOB_ID,
    "CancelJobRequest.reason": SENTENCE,
    "CancelJobRequest.requested_by": WHO,
    "RetryJobRequest.job_id": JOB_ID,
    "RetryJobRequest.request_id": REQUEST_ID,
    "RetryJobRequest.created_by": WHO,
    "PauseJobRequest.job_id": JOB_ID,
    "PauseJobRequest.reason": SENTENCE,
    "PauseJobRequest.requested_by": WHO,
    "ResumeJobRequest.job_id": JOB_ID,
    "ResumeJobRequest.requested_by": WHO,
    "PauseJobTypeRequest.type": Text(pattern=NAME),
    "PauseJobTypeRequest.reason": SENTENCE,
    "PauseJobTypeRequest.requested_by": WHO,
    "ResumeJobTypeRequest.type": Text(pattern=NAME),
    "ResumeJobTypeRequest.requested_by": WHO,
    "CancelJobsRequest.confirm_token": PAGE_TOKEN,
    "CancelJobsRequest.reason": SENTENCE,
    "CancelJobsRequest.requested_by": WHO,
    "RetryJobsRequest.confirm_token": PAGE_TOKEN,
    "RetryJobsRequest.created_by": WHO,
    "DeleteJobRequest.job_id": JOB_ID,
    "ListWorkersRequest.page_size": PAGE_SIZE,
    "ListWorkersRequest.page_token": PAGE_TOKEN,
    "BatchUpdateProgressRequest.reports": Count(500, least=1),
    "ListJobEventsRequest.job_id": JOB_ID,
    "ListJobEventsRequest.page_size": PAGE_SIZE,
    "ListJobEventsRequest.page_token": PAGE_TOKEN,
    "ListItemFailuresRequest.job_id": JOB_ID,
    "ListItemFailuresRequest.page_size": PAGE_SIZE,
    "ListItemFailuresRequest.page_token": PAGE_TOKEN,
    "ListItemFailuresRequest.codes": Count(100),
    "ListItemFailuresRequest.codes value": VALUE,
    "GetJobStatsRequest.store_ids": Count(100),
    "GetJobStatsRequest.store_ids value": VALUE,
    "RegisterJobTypesRequest.job_types": Count(100),
    "JobType.type": Text(pattern=NAME),
    "JobType.display_name": Text(longest=100),
    "JobType.variants": Count(100),
    "JobType.variants value": Text(pattern=NAME),
    "ClaimJobsRequest.request_id": Text(longest=128, shortest=1),
    "ClaimJobsRequest.worker_id": WORKER_ID,
    "ClaimJobsRequest.types": Count(100, least=1),
    "ClaimJobsRequest.types value": VALUE,
    "ClaimJobsRequest.max_jobs": Number(0, 100),
    "ClaimJobsRequest.lease_ttl": LEASE_TTL,
    "ClaimJobsRequest.wait": Seconds(0, 60, unset=0),
    "ProgressReport.phase": Text(longest=64),
    "ProgressReport.message": SENTENCE,
    "ProgressReport.metrics": Count(64),
    "ProgressReport.metrics key": Text(pattern=r"^[a-z][a-z0-9_]{0,62}$"),
    "UpdateProgressRequest.job_id": JOB_ID,
    "UpdateProgressRequest.lease_token": LEASE_TOKEN,
    "UpdateProgressRequest.report_sequence": Number(1),
    "UpdateProgressRequest.checkpoint": JSON_SIZE,
    "UpdateProgressRequest.item_failures": FAILURES,
    "ItemFailure.item_key": Text(longest=200, shortest=1),
    "ItemFailure.stage": Text(longest=200),
    "ItemFailure.code": Text(pattern=NAME),
    "ItemFailure.message": Text(longest=2_000),
    "ItemFailure.attempts": Number(0),
    "CompleteJobRequest.job_id": JOB_ID,
    "CompleteJobRequest.lease_token": LEASE_TOKEN,
    "CompleteJobRequest.result": JSON_SIZE,
    "CompleteJobRequest.message": SENTENCE,
    "CompleteJobRequest.item_failures": FAILURES,
    "FailJobRequest.job_id": JOB_ID,
    "FailJobRequest.lease_token": LEASE_TOKEN,
    "FailJobRequest.code": Text(pattern=NAME),
    "FailJobRequest.message": Text(longest=2_000, shortest=1),
    "FailJobRequest.retry_after": Seconds(0, 86_400),
    "FailJobRequest.checkpoint": JSON_SIZE,
    "FailJobRequest.item_failures": FAILURES,
    "ReleaseJobRequest.job_id": JOB_ID,
    "ReleaseJobRequest.lease_token": LEASE_TOKEN,
    "ReleaseJobRequest.checkpoint": JSON_SIZE,
    "ReleaseJobRequest.reason": SENTENCE,
    "ReleaseJobRequest.item_failures": FAILURES,
    "WatchDirectivesRequest.worker_id": WORKER_ID,
}
"""By message and field; `key` and `value` are those of a map or a list."""
