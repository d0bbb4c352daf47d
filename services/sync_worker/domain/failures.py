"""What can go wrong, by what the runner does about it.

SyncFailure
├── OperationFailure          the attempt ends: FailJob with code, message and retryable
│   ├── VendorFailure         one of the vendors
│   │   ├── AccessRefused     bad credentials: never retried
│   │   ├── VendorRefusal     the vendor understood and said no: never retried
│   │   ├── VendorUnavailable 5xx, time-outs, lost connections after the bounded retries: retried later
│   │   └── MalformedAnswer   an answer that cannot be trusted: nothing is made of it
│   ├── GuardTripped          a mass guard or a rule stopped the run before its first write
│   └── CatalogUnavailable    our own database
└── WorkStopped               the attempt ends without a failure
    ├── JobCancelled          somebody asked
    ├── JobPaused             somebody asked; a later attempt goes on
    ├── LeaseLost             another worker may hold the job: write nothing more
    └── Draining              this process is stopping
"""

from dataclasses import dataclass
from enum import StrEnum


class SyncFailure(Exception):
    """The root of everything that ends an attempt."""


class OperationFailure(SyncFailure):
    """The attempt failed: `code` for machines, the message for people, `retryable` when time alone may heal it.

    `retry_after`: trying again makes no sense for so many seconds, where somebody has said so.
    """

    def __init__(self, code: str, message: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


class VendorFailure(OperationFailure):
    """A vendor did not do what was asked."""

    def __init__(
        self, vendor: str, code: str, message: str, *, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(code, message, retryable=retryable, retry_after=retry_after)
        self.vendor = vendor


class AccessRefused(VendorFailure):
    """Credentials that the vendor does not take; says what to fix."""

    def __init__(self, vendor: str, code: str, message: str) -> None:
        super().__init__(vendor, code, message, retryable=False)


class VendorRefusal(VendorFailure):
    """A request that the vendor understood and refuses: trying again without a change cannot help."""

    def __init__(self, vendor: str, code: str, message: str) -> None:
        super().__init__(vendor, code, message, retryable=False)


class VendorUnavailable(VendorFailure):
    """The vendor could not be reached, or answered with a fault of its own, after the bounded retries.

    `outcome_unknown` is True when a write may have been applied although no answer came: settle it by reading back.
    """

    def __init__(
        self,
        vendor: str,
        code: str,
        message: str,
        *,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(vendor, code, message, retryable=True, retry_after=retry_after)
        self.outcome_unknown = outcome_unknown


class MalformedAnswer(VendorFailure):
    """An answer with a missing id, an unreadable price, a repeated cursor: nothing is made of it."""

    def __init__(self, vendor: str, message: str) -> None:
        super().__init__(vendor, "MALFORMED_ANSWER", message, retryable=False)


class GuardTripped(OperationFailure):
    """A guard stopped the run before its first write: MASS_ZERO_GUARD, MASS_GONE_GUARD, DEPOT_NOT_GRANTED …."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, retryable=False)


class CatalogUnavailable(OperationFailure):
    """SyncWorker's own database could not be read or written."""

    def __init__(self, message: str) -> None:
        super().__init__("CATALOG_UNAVAILABLE", message, retryable=True)


class WorkStopped(SyncFailure):
    """The attempt stops at a safe place without a failure."""


class JobCancelled(WorkStopped):
    """Somebody asked for the job to be cancelled."""


class JobPaused(WorkStopped):
    """Somebody paused the job, or its type: it goes back, and a later attempt goes on where it was."""

    def __init__(self) -> None:
        super().__init__("paused")


class LeaseLost(WorkStopped):
    """The lease, or the fence in the catalog, belongs to somebody else: write nothing more."""


class Draining(WorkStopped):
    """This process is stopping; the job goes back to be claimed again."""


class Origin(StrEnum):
    """Who refused an item."""

    NHANH = "NHANH"
    SHOPIFY = "SHOPIFY"
    WORKER = "WORKER"
    RULE = "RULE"


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One product or customer that a job could not do; keyed by item and stage within the job."""

    item_key: str
    stage: str
    origin: Origin
    code: str
    message: str
    retryable: bool
    attempts: int = 1
