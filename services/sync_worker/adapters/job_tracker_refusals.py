"""What a failed call to JobTracker means."""

from typing import Any

from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_status import rpc_status

from sync_worker.application.refusals import RefusalDetails, TrackerRefusal, TrackerUnavailable
from sync_worker.domain.failures import LeaseLost

UNANSWERED = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        # A server that stops, or a proxy in between, ends calls with these; a fault of JobTracker's own is INTERNAL.
        StatusCode.CANCELLED,
        StatusCode.UNKNOWN,
        StatusCode.INTERNAL,
    }
)
"""Codes after which it is not known whether the call took effect. See https://grpc.io/docs/guides/status-codes/."""

LEASE_GONE = frozenset({"ERROR_REASON_LEASE_LOST", "ERROR_REASON_JOB_NOT_FOUND", "ERROR_REASON_PERMISSION_DENIED"})
"""A worker limited to stores is not told that a job is gone, but that it may not have it."""

OUR_OWN = frozenset({"ERROR_REASON_UNAUTHENTICATED", "ERROR_REASON_QUOTA_EXCEEDED"})
"""These are about SyncWorker's own token and calls, not its caller's: they pass once somebody sees to it, and so does time."""


def meaning_of(error: AioRpcError, *, leased: bool = False) -> TrackerRefusal | TrackerUnavailable | LeaseLost:
    """Make a failed call an exception that the application knows; `leased` for calls under a lease."""
    if error.code() in UNANSWERED:
        return TrackerUnavailable(f"JobTracker cannot be reached ({error.code().name}: {error.details()}); try again")
    details = details_of(error)
    if details.reason in OUR_OWN:
        return TrackerUnavailable(f"JobTracker does not take SyncWorker's calls now ({details.message}); try again")
    if leased and details.reason in LEASE_GONE:
        return LeaseLost(details.message)
    return TrackerRefusal(details)


def details_of(error: AioRpcError) -> RefusalDetails:
    """Read all that a refusal says."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    resource, retry = error_details_pb2.ResourceInfo(), error_details_pb2.RetryInfo()
    named, delayed = False, False
    call: Any = error  # the stubs know only the synchronous kind of call
    status = rpc_status.from_call(call)
    for detail in status.details if status is not None else ():
        detail.Unpack(info)
        detail.Unpack(bad)
        named = detail.Unpack(resource) or named
        delayed = detail.Unpack(retry) or delayed
    return RefusalDetails(
        code=error.code().name,
        reason=info.reason,
        domain=info.domain,
        message=error.details() or error.code().name,
        metadata=dict(info.metadata),
        violations=tuple((violation.field, violation.description) for violation in bad.field_violations),
        resource=(resource.resource_type, resource.resource_name) if named else None,
        retry_seconds=retry.retry_delay.ToNanoseconds() / 1e9 if delayed else None,
    )
