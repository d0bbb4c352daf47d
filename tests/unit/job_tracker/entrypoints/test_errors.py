"""The table of refusals is complete."""

import re
from pathlib import Path

import grpc
import pytest
from chassis.auth import PermissionDeniedError, PermissionsChangedError, UnauthenticatedError
from chassis.database import DatabaseUnavailableError
from chassis.interceptors import ReaderTooSlowError, refusal_for, status_of
from chassis.limits import QuotaExceededError
from job_tracker.domain import errors
from job_tracker.entrypoints.errors import DOMAIN, ERRORS, INTERNAL_REASON
from nhanhsync.jobs.v1 import error_reason_pb2, job_tracker_service_pb2

REASONS = Path(__file__).resolve().parents[4] / "protos" / "nhanhsync" / "jobs" / "v1" / "error_reason.proto"

EXAMPLES: list[Exception] = [
    errors.JobNotFoundError("job"),
    errors.RequestIdReusedError("request", "job"),
    errors.JobDeletedError("request", "job"),
    errors.JobTypeNotRegisteredError("T"),
    errors.RetryScopeUnsupportedError("job", "T", "it has none on record"),
    errors.ConfirmTokenInvalidError("belongs to another filter"),
    errors.ConflictingJobError("job", "key"),
    errors.IllegalTransitionError("job", "COMPLETED", "CancelJob"),
    errors.TotalNotReachedError(9, 10),
    errors.LeaseLostError("job", 2),
    errors.InvalidFieldsError([("field", "is missing")]),
    errors.ProgressInvalidError([("progress.processed", "is 11, over the total of 10")]),
    errors.PageTokenInvalidError("belongs to another filter"),
    errors.ResumeTokenInvalidError(),
    errors.StoppingError(),
    DatabaseUnavailableError("away"),
    UnauthenticatedError("this server asks for a bearer token"),
    PermissionDeniedError("CancelJob", "dashboard"),
    PermissionsChangedError(),
    QuotaExceededError("dashboard", "streams", 10, 5.0),
    ReaderTooSlowError(job_tracker_service_pb2.WatchJobRequest(job_id="job"), 30.0),
]


def leaves(cls: type[Exception]) -> set[type[Exception]]:
    """A class of error and all that derive from it."""
    return {cls} | {leaf for derived in cls.__subclasses__() for leaf in leaves(derived)}


def test_every_error_of_the_domain_has_a_row() -> None:
    """Nothing that the domain says turns into INTERNAL."""
    assert leaves(errors.TrackerError) - {errors.TrackerError} <= set(ERRORS)
    assert {type(example) for example in EXAMPLES} == set(ERRORS)


def test_every_reason_of_the_contract_is_used() -> None:
    """The contract names no reason that is never sent, and the code sends none that it does not name."""
    sent = {refusal.reason for example in EXAMPLES if (refusal := refusal_for(ERRORS, example))} | {INTERNAL_REASON}
    assert sent == set(error_reason_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_the_code_is_the_one_that_the_contract_says(example: Exception) -> None:
    """Each reason's comment in the contract begins with its gRPC code."""
    refusal = refusal_for(ERRORS, example)
    assert refusal is not None
    comment = re.search(rf"((?: +//.*\n)+) +{refusal.reason} = ", REASONS.read_text())
    assert comment is not None
    assert comment[1].lstrip().startswith(f"// {refusal.code.name}: ")
    assert status_of(refusal, DOMAIN).code == refusal.code.value[0]


def test_only_unavailable_asks_to_try_again() -> None:
    """UNAVAILABLE is the only code that clients repeat by themselves, and it says when; so does a quota, for people."""
    for example in EXAMPLES:
        refusal = refusal_for(ERRORS, example)
        assert refusal is not None
        assert (refusal.retry_seconds is not None) == (
            refusal.code is grpc.StatusCode.UNAVAILABLE or refusal.reason == "ERROR_REASON_QUOTA_EXCEEDED"
        )
