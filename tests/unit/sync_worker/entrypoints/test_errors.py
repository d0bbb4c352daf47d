"""The table of refusals is complete."""

import re
from pathlib import Path

import grpc
import pytest
from chassis.auth import PermissionDeniedError, PermissionsChangedError, UnauthenticatedError
from chassis.database import DatabaseUnavailableError
from chassis.interceptors import refusal_for, status_of
from chassis.limits import QuotaExceededError
from google.rpc import error_details_pb2
from nhanhsync.sync.v1 import error_reason_pb2
from sync_worker.application import refusals
from sync_worker.entrypoints.errors import DOMAIN, ERRORS, INTERNAL_REASON

REASONS = Path(__file__).resolve().parents[4] / "protos" / "nhanhsync" / "sync" / "v1" / "error_reason.proto"
PASSED_ON = refusals.TrackerRefusal(
    refusals.RefusalDetails(
        "ABORTED",
        "ERROR_REASON_CONFLICTING_JOB_ACTIVE",
        "jobs.nhanhsync",
        "job 1 is in the way",
        {"job_id": "1", "lock_key": "hanoi/nhanh/products"},
        resource=("nhanhsync.jobs.v1.Job", "1"),
    )
)
OWN: list[Exception] = [
    refusals.InvalidFields([("limit", "must be from 0 to 10000, is 20000")]),
    refusals.PageTokenInvalid("belongs to another filter"),
    refusals.StoreNotFound("hue"),
    refusals.PullRunning("job-1"),
    refusals.TrackerUnavailable(),
    DatabaseUnavailableError("away"),
    UnauthenticatedError("this server asks for a bearer token"),
    PermissionDeniedError("CancelJob", "dashboard"),
    PermissionsChangedError(),
    QuotaExceededError("dashboard", "streams", 10, 5.0),
]


def leaves(cls: type[Exception]) -> set[type[Exception]]:
    """A class of error and all that derive from it."""
    return {cls} | {leaf for derived in cls.__subclasses__() for leaf in leaves(derived)}


def test_every_refusal_has_a_row() -> None:
    """Nothing that SyncWorker says turns into INTERNAL."""
    assert leaves(refusals.Refused) - {refusals.Refused} <= set(ERRORS)
    assert {type(example) for example in [*OWN, PASSED_ON]} == set(ERRORS)


def test_every_reason_of_the_contract_is_used() -> None:
    """The contract names no reason that is never sent, and the code sends none that it does not name."""
    sent = {refusal.reason for example in OWN if (refusal := refusal_for(ERRORS, example))} | {INTERNAL_REASON}
    assert sent == set(error_reason_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


@pytest.mark.parametrize("example", OWN, ids=lambda example: type(example).__name__)
def test_the_code_is_the_one_that_the_contract_says(example: Exception) -> None:
    """Each reason's comment in the contract begins with its gRPC code."""
    refusal = refusal_for(ERRORS, example)
    assert refusal is not None
    comment = re.search(rf"((?: +//.*\n)+) +{refusal.reason} = ", REASONS.read_text())
    assert comment is not None
    assert comment[1].lstrip().startswith(f"// {refusal.code.name}: ")
    assert (refusal.retry_seconds is not None) == (
        refusal.code is grpc.StatusCode.UNAVAILABLE or refusal.reason == "ERROR_REASON_QUOTA_EXCEEDED"
    )


def test_jobtrackers_refusal_is_passed_on_as_it_came() -> None:
    """Code, reason, domain, sentence, metadata and resource are JobTracker's."""
    refusal = refusal_for(ERRORS, PASSED_ON)
    assert refusal is not None
    status = status_of(refusal, DOMAIN)
    assert (status.code, status.message) == (grpc.StatusCode.ABORTED.value[0], "job 1 is in the way")
    info, resource = error_details_pb2.ErrorInfo(), error_details_pb2.ResourceInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(resource)
    assert (info.reason, info.domain) == ("ERROR_REASON_CONFLICTING_JOB_ACTIVE", "jobs.nhanhsync")
    assert dict(info.metadata) == {"job_id": "1", "lock_key": "hanoi/nhanh/products"}
    assert (resource.resource_type, resource.resource_name) == ("nhanhsync.jobs.v1.Job", "1")
