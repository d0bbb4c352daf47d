"""How much a retry does again, over the wire."""

from typing import Any

import grpc
import pytest
from nhanhsync.jobs.v1 import error_reason_pb2, job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import TYPE, Rig, refusal

Code = grpc.StatusCode
ALL, FAILED_ITEMS = job_pb2.RETRY_SCOPE_ALL, job_pb2.RETRY_SCOPE_FAILED_ITEMS


async def register(rig: Rig, *, able: bool) -> None:
    """Register the type, whose workers say whether they can do failed items again."""
    types = [job_pb2.JobType(type=TYPE, retries_failed_items=able)]
    await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types))


async def partly_done(rig: Rig, *items: str) -> str:
    """Make a job that could not do some items; those that it names are on record."""
    failures = [
        job_pb2.ItemFailure(item_key=key, code="C", message="m", origin=job_pb2.ITEM_FAILURE_ORIGIN_SHOPIFY)
        for key in items
    ]
    progress = pb.ProgressReport(processed=2, successful=1, failed=1)
    job = await rig.complete(await rig.running(), progress=progress, item_failures=failures)
    assert job.state == job_pb2.JOB_STATE_PARTIALLY_COMPLETED
    return job.job_id


async def retry(rig: Rig, job_id: str, **fields: Any) -> job_pb2.Job:
    """Retry a job."""
    job: job_pb2.Job = (await rig.stub.RetryJob(pb.RetryJobRequest(job_id=job_id, **fields))).job
    return job


@pytest.mark.parametrize(
    ("asked", "stored"), [({}, ALL), ({"scope": ALL}, ALL), ({"scope": FAILED_ITEMS}, FAILED_ITEMS)]
)
async def test_the_new_job_says_how_much_it_does_again(rig: Rig, asked: dict[str, Any], stored: int) -> None:
    """Unset is all of it; a worker finds the scope, and the job whose failed items are meant, in the job that it claims."""
    await register(rig, able=True)
    old = await partly_done(rig, "nhanh:1")
    job = await retry(rig, old, **asked)
    assert (job.retry_of_job_id, job.retry_scope) == (old, stored)
    (claimed,) = await rig.claim()
    assert (claimed.job.job_id, claimed.job.retry_scope) == (job.job_id, stored)
    assert (await rig.get(old)).retry_scope == job_pb2.RETRY_SCOPE_UNSPECIFIED


@pytest.mark.parametrize("registered", [False, True])
async def test_failed_items_of_a_type_that_does_not_know_how_are_refused(rig: Rig, registered: bool) -> None:
    """Nobody has said that the type's workers can; all of the job can still be done again."""
    if registered:
        await register(rig, able=False)
    old = await partly_done(rig, "nhanh:1")
    seen = await refusal(retry(rig, old, scope=FAILED_ITEMS))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "RETRY_SCOPE_UNSUPPORTED")
    assert seen.metadata == {"job_id": old, "type": TYPE}
    assert (await retry(rig, old)).retry_scope == ALL


async def test_failed_items_that_are_not_on_record_are_refused(rig: Rig) -> None:
    """The job counted a failure and named no item: there is nothing to begin with."""
    await register(rig, able=True)
    old = await partly_done(rig)
    seen = await refusal(retry(rig, old, scope=FAILED_ITEMS))
    assert (seen.reason, seen.metadata["job_id"]) == ("RETRY_SCOPE_UNSUPPORTED", old)
    assert len((await rig.stub.ListJobs(pb.ListJobsRequest())).jobs) == 1


async def test_the_scope_is_part_of_the_request(rig: Rig) -> None:
    """The same request_id with another scope is another request."""
    await register(rig, able=True)
    old = await partly_done(rig, "nhanh:1")
    job = await retry(rig, old, scope=FAILED_ITEMS, request_id="r-1")
    assert await retry(rig, old, scope=FAILED_ITEMS, request_id="r-1") == job
    assert (await refusal(retry(rig, old, request_id="r-1"))).reason == "REQUEST_ID_REUSED"


async def test_many_jobs_are_retried_by_their_failed_items(rig: Rig) -> None:
    """Those that have none on record are refused alone."""
    await register(rig, able=True)
    good, without = await partly_done(rig, "nhanh:1"), await partly_done(rig)
    dry = (await rig.stub.RetryJobs(pb.RetryJobsRequest(scope=FAILED_ITEMS, dry_run=True))).outcome
    request = pb.RetryJobsRequest(scope=FAILED_ITEMS, confirm_token=dry.confirm_token)
    response = await rig.stub.RetryJobs(request)
    assert list(response.outcome.job_ids) == [good]
    (created,) = response.created_job_ids
    assert (await rig.get(created)).retry_scope == FAILED_ITEMS
    (refused,) = response.outcome.refusals
    assert (refused.job_id, refused.reason) == (without, error_reason_pb2.ERROR_REASON_RETRY_SCOPE_UNSUPPORTED)


async def test_nobody_takes_the_request_ids_of_bulk_retries(rig: Rig) -> None:
    """Else RetryJobs would find the job retried, by a job of somebody else's."""
    await register(rig, able=True)
    old = await partly_done(rig, "nhanh:1")
    taken = f"bulk-retry/{old}"
    expected = ("INVALID_FIELD", {"request_id": "must not begin with bulk-retry/"})
    for call in (
        rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE, request_id=taken)),
        rig.stub.RetryJob(pb.RetryJobRequest(job_id=old, request_id=taken)),
    ):
        seen = await refusal(call)
        assert (seen.reason, seen.fields) == expected
    dry = (await rig.stub.RetryJobs(pb.RetryJobsRequest(dry_run=True))).outcome
    assert list((await rig.stub.RetryJobs(pb.RetryJobsRequest(confirm_token=dry.confirm_token))).outcome.job_ids) == [
        old
    ]


@pytest.mark.parametrize("scope", [9, -1])
async def test_a_scope_that_does_not_exist_is_refused(rig: Rig, scope: int) -> None:
    """A newer client's scope is not taken for all of the job."""
    done = await rig.complete(await rig.running())
    seen = await refusal(retry(rig, done.job_id, scope=scope))
    assert (seen.reason, seen.fields) == ("INVALID_FIELD", {"scope": f"has no value {scope}"})
