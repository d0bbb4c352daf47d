"""What each error of SyncWorker is refused with."""

import grpc
from chassis.auth import PermissionsChangedError
from chassis.database import DatabaseUnavailableError
from chassis.interceptors import AT_THE_DOOR, ErrorTable, Refusal

from sync_worker.application import refusals

DOMAIN = "sync.nhanhsync"
INTERNAL_REASON = "ERROR_REASON_INTERNAL"
STORE = "nhanhsync.sync.v1.Store"
JOB = "nhanhsync.jobs.v1.Job"
RETRY_SECONDS = 0.5

Code = grpc.StatusCode


def _invalid(reason: str, error: refusals.InvalidFields) -> Refusal:
    return Refusal(Code.INVALID_ARGUMENT, reason, str(error), violations=error.violations)


def _store_not_found(error: refusals.StoreNotFound) -> Refusal:
    metadata = {"store_id": error.store_id}
    reason = "ERROR_REASON_STORE_NOT_FOUND"
    return Refusal(Code.NOT_FOUND, reason, str(error), metadata, resource=(STORE, error.store_id))


def _pull_running(error: refusals.PullRunning) -> Refusal:
    metadata = {"job_id": error.job_id}
    reason = "ERROR_REASON_PULL_RUNNING"
    return Refusal(Code.FAILED_PRECONDITION, reason, str(error), metadata, resource=(JOB, error.job_id))


def _unavailable(error: Exception) -> Refusal:
    return Refusal(Code.UNAVAILABLE, "ERROR_REASON_UNAVAILABLE", str(error), retry_seconds=RETRY_SECONDS)


def _passed_on(error: refusals.TrackerRefusal) -> Refusal:
    """Pass JobTracker's refusal on as it came, domain included: callers read its reasons, not ours."""
    details = error.details
    return Refusal(
        grpc.StatusCode[details.code],
        details.reason,
        details.message,
        details.metadata,
        details.violations,
        details.resource,
        details.retry_seconds,
        details.domain,
    )


ERRORS: ErrorTable = {
    **AT_THE_DOOR,
    PermissionsChangedError: _unavailable,
    refusals.InvalidFields: lambda error: _invalid("ERROR_REASON_INVALID_FIELD", error),
    refusals.PageTokenInvalid: lambda error: _invalid("ERROR_REASON_PAGE_TOKEN_INVALID", error),
    refusals.StoreNotFound: _store_not_found,
    refusals.PullRunning: _pull_running,
    refusals.TrackerUnavailable: _unavailable,
    refusals.TrackerRefusal: _passed_on,
    DatabaseUnavailableError: _unavailable,
}
