"""CreateJob and RetryJob, over the wire."""

import math
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2, struct_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import TYPE, Rig, exclusive, refusal, shared

Code = grpc.StatusCode


def struct(**values: Any) -> struct_pb2.Struct:
    """A Struct."""
    made = struct_pb2.Struct()
    made.update(values)
    return made


async def test_a_created_job_is_stored_as_it_was_asked_for(rig: Rig) -> None:
    """What a creator says is what everybody reads, and nothing has happened to the job but its creation."""
    params = struct(store="hanoi", pages=[1, 2.5, None, True, {"deep": "sâu"}])
    created = await rig.create(
        variant="SQL",
        store_id="hanoi",
        params=params,
        labels={"source": "webhook"},
        priority=-3,
        locks=[exclusive("b"), shared("a")],
        max_attempts=7,
        created_by="phương",
    )
    job = await rig.get(created.job_id)
    assert job == created
    assert (job.type, job.variant, job.store_id, job.priority, job.max_attempts) == (TYPE, "SQL", "hanoi", -3, 7)
    assert job.params == params
    assert dict(job.labels) == {"source": "webhook"}
    assert list(job.locks) == [exclusive("b"), shared("a")]
    assert job.display_name == "Pull Nhanh Products"
    assert (job.state, job.revision, job.attempt, job.created_by) == (job_pb2.JOB_STATE_PENDING, 1, 0, "phương")
    assert not job.HasField("start_time")
    assert not job.HasField("end_time")
    assert not job.HasField("result")
    assert await rig.kinds(job.job_id) == ["CREATED"]


async def test_a_registered_label_is_the_jobs_name(rig: Rig) -> None:
    """People read the label that a worker registered."""
    await rig.stub.RegisterJobTypes(
        pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type=TYPE, display_name="Kéo hàng Nhanh")])
    )
    assert (await rig.create()).display_name == "Kéo hàng Nhanh"


async def test_the_same_request_makes_one_job(rig: Rig) -> None:
    """A call that is repeated with its request_id answers with the job that the first one made."""
    request = pb.CreateJobRequest(request_id="r-1", type=TYPE, params=struct(b=1, a=2), locks=[exclusive("k")])
    first = await rig.stub.CreateJob(request)
    again = await rig.stub.CreateJob(request)
    assert (first.created, again.created) == (True, False)
    assert again.job == first.job
    assert len((await rig.stub.ListJobs(pb.ListJobsRequest())).jobs) == 1


async def test_a_request_id_with_other_content_is_refused(rig: Rig) -> None:
    """One request_id stands for one content."""
    first = await rig.create(request_id="r-1")
    seen = await refusal(rig.stub.CreateJob(pb.CreateJobRequest(request_id="r-1", type=TYPE, priority=1)))
    assert (seen.code, seen.reason, seen.domain) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED", "jobs.nhanhsync")
    assert seen.metadata == {"request_id": "r-1", "job_id": first.job_id}
    assert seen.resource == first.job_id


async def test_a_job_in_the_way_is_named(rig: Rig) -> None:
    """By default a job is refused while an earlier one stands on its lock."""
    standing = await rig.create(locks=[exclusive("hanoi/products")])
    seen = await refusal(rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE, locks=[shared("hanoi/products")])))
    assert (seen.code, seen.reason) == (Code.ABORTED, "CONFLICTING_JOB_ACTIVE")
    assert seen.metadata == {"job_id": standing.job_id, "lock_key": "hanoi/products"}
    assert seen.resource == standing.job_id


async def test_shared_locks_do_not_conflict(rig: Rig) -> None:
    """Any number of jobs share a name that nobody wants alone."""
    await rig.create(locks=[shared("k")])
    await rig.create(locks=[shared("k")])
    assert len(await rig.claim(max_jobs=5)) == 2


async def test_queued_jobs_take_their_turn(rig: Rig) -> None:
    """Jobs that queue for a lock run one after the other, in order of creation, whatever their priority."""
    queued = job_pb2.CONFLICT_POLICY_QUEUE
    names = [
        (await rig.create(locks=[exclusive("k")], conflict_policy=queued, priority=priority)).job_id
        for priority in (0, 1, 2)
    ]
    ran = []
    for _ in names:
        (claimed,) = await rig.claim(max_jobs=5)
        assert await rig.claim(max_jobs=5) == []
        ran.append(claimed.job.job_id)
        await rig.complete(claimed)
    assert ran == names


async def test_create_and_claim_in_one_call(rig: Rig) -> None:
    """A job that is created with `claim` runs at once, and a repeated call gets the same lease."""
    request = pb.CreateJobRequest(
        request_id="r-1",
        type=TYPE,
        claim=pb.ClaimOnCreate(worker_id="me", lease_ttl=duration_pb2.Duration(seconds=60)),
    )
    first = await rig.stub.CreateJob(request)
    assert first.job.state == job_pb2.JOB_STATE_RUNNING
    assert first.claimed.job == first.job
    assert first.claimed.lease.ttl.seconds == 60
    assert first.claimed.lease.renew_after.seconds == 20
    again = await rig.stub.CreateJob(request)
    assert again.created is False
    assert again.claimed == first.claimed


async def test_create_and_claim_waits_behind_a_lock(rig: Rig) -> None:
    """A lock in the way leaves the job PENDING, without a lease."""
    await rig.create(locks=[exclusive("k")])
    made = await rig.stub.CreateJob(
        pb.CreateJobRequest(
            type=TYPE,
            locks=[exclusive("k")],
            conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE,
            claim=pb.ClaimOnCreate(worker_id="me"),
        )
    )
    assert made.job.state == job_pb2.JOB_STATE_PENDING
    assert not made.HasField("claimed")


async def test_a_parent_must_exist(rig: Rig) -> None:
    """A job cannot stand behind one that is not there."""
    seen = await refusal(rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE, parent_job_id="nobody")))
    assert (seen.code, seen.reason) == (Code.NOT_FOUND, "JOB_NOT_FOUND")
    parent = await rig.create()
    assert (await rig.create(parent_job_id=parent.job_id)).parent_job_id == parent.job_id


async def test_all_bad_fields_are_named_in_one_refusal(rig: Rig) -> None:
    """A caller corrects a request once, not once a field."""
    seen = await refusal(
        rig.stub.CreateJob(
            pb.CreateJobRequest(
                request_id="r" * 129,
                type="pull",
                variant="no way",
                store_id="Hà Nội",
                params=struct(text="x" * 70_000),
                labels={"Bad": "x" * 257},
                priority=101,
                locks=[job_pb2.Lock(key="k", mode=1), job_pb2.Lock(key="k"), job_pb2.Lock(mode=9)],
                conflict_policy=9,
                max_attempts=-1,
                created_by="x" * 129,
                claim=pb.ClaimOnCreate(lease_ttl=duration_pb2.Duration(seconds=4)),
            )
        )
    )
    assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert set(seen.fields) == {
        "request_id",
        "type",
        "variant",
        "store_id",
        "params",
        "labels[Bad]",
        "priority",
        "locks[1].key",
        "locks[1].mode",
        "locks[2].key",
        "locks[2].mode",
        "conflict_policy",
        "max_attempts",
        "created_by",
        "claim.worker_id",
        "claim.lease_ttl",
    }
    assert seen.fields["priority"] == "must be from -100 to 100, is 101"
    assert (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs == []


async def test_a_refusal_of_hundreds_of_fields_reaches_the_caller(rig: Rig) -> None:
    """What does not fit into the trailing metadata is counted; the refusal itself arrives."""
    claimed = await rig.running()
    failures = [job_pb2.ItemFailure(item_key="", code="x" * 70, message="m" * 3_000) for _ in range(500)]
    seen = await refusal(rig.report(claimed, 1, item_failures=failures))
    assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "item_failures[0].item_key" in seen.fields
    assert seen.fields[""].startswith("and ")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
async def test_params_hold_finite_numbers(rig: Rig, number: float) -> None:
    """NaN and infinity are no JSON."""
    seen = await refusal(rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE, params=struct(deep=[{"n": number}]))))
    assert seen.fields == {"params": "must hold no NaN and no infinity"}


async def test_params_hold_no_value_without_a_kind(rig: Rig) -> None:
    """A Struct's value that is nothing at all, not even null, is malformed."""
    params = struct_pb2.Struct(fields={"nothing": struct_pb2.Value()})
    seen = await refusal(rig.stub.CreateJob(pb.CreateJobRequest(type=TYPE, params=params)))
    assert seen.fields == {"params": "must hold no value without a kind"}


async def test_a_retry_is_a_new_job(rig: Rig) -> None:
    """A job that has ended stays as it is; its retry has its type, params and locks, and names it."""
    claimed = await rig.running(params=struct(a="1"), locks=[exclusive("k")], variant="SQL")
    old = await rig.complete(claimed)
    request = pb.RetryJobRequest(job_id=old.job_id, request_id="again", created_by="me")
    made = await rig.stub.RetryJob(request)
    assert (made.created, made.job.retry_of_job_id, made.job.created_by) == (True, old.job_id, "me")
    assert (made.job.params, made.job.variant, list(made.job.locks)) == (old.params, "SQL", [exclusive("k")])
    assert made.job.state == job_pb2.JOB_STATE_PENDING
    assert await rig.get(old.job_id) == old
    repeated = await rig.stub.RetryJob(request)
    assert (repeated.created, repeated.job) == (False, made.job)
    clash = await refusal(rig.stub.RetryJob(pb.RetryJobRequest(job_id=old.job_id, request_id="again")))
    assert clash.reason == "REQUEST_ID_REUSED"
    standing = await refusal(rig.stub.RetryJob(pb.RetryJobRequest(job_id=old.job_id)))
    assert (standing.reason, standing.metadata["job_id"]) == ("CONFLICTING_JOB_ACTIVE", made.job.job_id)


async def test_a_job_that_has_not_ended_is_not_retried(rig: Rig) -> None:
    """Only what has ended can be repeated."""
    job = await rig.create()
    seen = await refusal(rig.stub.RetryJob(pb.RetryJobRequest(job_id=job.job_id)))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
    assert seen.metadata == {"job_id": job.job_id, "state": "PENDING", "call": "RetryJob"}
