"""A failed call to JobTracker is told apart: not answered, said no, lease gone."""

import grpc
import pytest
from chassis.interceptors import Refusal, status_of
from grpc.aio import AioRpcError, Metadata
from grpc_status import rpc_status
from sync_worker.adapters.job_tracker_refusals import UNANSWERED, meaning_of
from sync_worker.application.refusals import RefusalDetails, TrackerRefusal, TrackerUnavailable
from sync_worker.domain.failures import LeaseLost

Code = grpc.StatusCode


def bare(code: grpc.StatusCode) -> AioRpcError:
    """A failed call that none of our services answered."""
    return AioRpcError(code, Metadata(), Metadata(), "details")


def refused(refusal: Refusal) -> AioRpcError:
    """A call that JobTracker refused."""
    status = status_of(refusal, "jobs.nhanhsync")
    trailing = Metadata(*(rpc_status.to_status(status).trailing_metadata or ()))
    return AioRpcError(refusal.code, Metadata(), trailing, status.message)


@pytest.mark.parametrize("code", sorted(UNANSWERED, key=lambda code: code.name))
@pytest.mark.parametrize("leased", [False, True])
def test_without_an_answer_nothing_is_known(code: grpc.StatusCode, leased: bool) -> None:
    """Not even that a lease is lost."""
    assert isinstance(meaning_of(bare(code), leased=leased), TrackerUnavailable)


@pytest.mark.parametrize("reason", ["LEASE_LOST", "JOB_NOT_FOUND"])
def test_a_lease_is_gone_only_where_there_was_one(reason: str) -> None:
    """A worker stops; a caller that asks for a job learns what JobTracker said."""
    error = refused(Refusal(Code.ABORTED, f"ERROR_REASON_{reason}", "no longer yours"))
    assert isinstance(meaning_of(error, leased=True), LeaseLost)
    assert isinstance(meaning_of(error), TrackerRefusal)


@pytest.mark.parametrize("code", [Code.ABORTED, Code.NOT_FOUND])
def test_a_code_alone_takes_no_lease_away(code: grpc.StatusCode) -> None:
    """Only JobTracker's own reason does: a proxy may say ABORTED as well."""
    assert isinstance(meaning_of(bare(code), leased=True), TrackerRefusal)


def test_a_refusal_is_read_whole() -> None:
    """All that JobTracker says can be passed on."""
    refusal = Refusal(
        Code.INVALID_ARGUMENT,
        "ERROR_REASON_INVALID_FIELD",
        "type is missing",
        {"a": "b"},
        [("type", "is missing"), ("priority", "must be from -100 to 100, is 101")],
        ("nhanhsync.jobs.v1.Job", "job-1"),
        0.5,
    )
    meaning = meaning_of(refused(refusal))
    assert isinstance(meaning, TrackerRefusal)
    assert meaning.details == RefusalDetails(
        "INVALID_ARGUMENT",
        "ERROR_REASON_INVALID_FIELD",
        "jobs.nhanhsync",
        "type is missing",
        {"a": "b"},
        (("type", "is missing"), ("priority", "must be from -100 to 100, is 101")),
        ("nhanhsync.jobs.v1.Job", "job-1"),
        0.5,
    )


def test_a_refusal_without_details_is_still_one() -> None:
    """Its code says what there is to say."""
    meaning = meaning_of(bare(Code.PERMISSION_DENIED))
    assert isinstance(meaning, TrackerRefusal)
    assert meaning.details == RefusalDetails("PERMISSION_DENIED", "", "", "details")
