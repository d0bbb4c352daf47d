"""ClaimJobs, UpdateProgress, CompleteJob, FailJob and ReleaseJob, over the wire."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig, exclusive, held, refusal

Code = grpc.StatusCode

WORKER_CALLS: dict[str, dict[str, Any]] = {
    "UpdateProgress": {"report_sequence": 1},
    "CompleteJob": {},
    "FailJob": {"code": "BROKEN", "message": "it broke"},
    "ReleaseJob": {},
}


def call(rig: Rig, name: str, **lease: str) -> Any:
    """Make a worker's call under some lease."""
    request = getattr(pb, f"{name}Request")(**WORKER_CALLS[name], **lease)
    return getattr(rig.stub, name)(request)


def item(key: str, **fields: Any) -> job_pb2.ItemFailure:
    """An item that failed."""
    usual = {"origin": job_pb2.ITEM_FAILURE_ORIGIN_SHOPIFY, "code": "NOT_FOUND", "message": "gone", "attempts": 1}
    return job_pb2.ItemFailure(item_key=key, **(usual | fields))


async def test_a_claim_starts_an_attempt(rig: Rig) -> None:
    """A claimed job runs under a lease, and says who has it."""
    claimed = await rig.running("worker-7")
    assert claimed.job.state == job_pb2.JOB_STATE_RUNNING
    assert (claimed.job.attempt, claimed.job.attempts_used, claimed.job.worker_id) == (1, 0, "worker-7")
    assert claimed.job.HasField("start_time")
    assert claimed.lease.lease_token
    assert claimed.lease.ttl.seconds == 30
    assert claimed.lease.renew_after.seconds == 10
    assert claimed.checkpoint == b""
    assert await rig.kinds(claimed.job.job_id) == ["CREATED", "CLAIMED"]


async def test_jobs_are_claimed_by_priority_then_age(rig: Rig) -> None:
    """The most urgent goes first, the oldest of the equally urgent before the others, and no type that was not asked for."""
    wanted = [(await rig.create(priority=priority)).job_id for priority in (0, 5, 0, 5)]
    await rig.create(type="OTHER", priority=100)
    claimed = await rig.claim(max_jobs=10)
    assert [one.job.job_id for one in claimed] == [wanted[1], wanted[3], wanted[0], wanted[2]]


async def test_the_fence_rises_with_every_claim(rig: Rig) -> None:
    """A later claim of any job has a higher fence, and it begins at the wall clock's milliseconds."""
    for _ in range(3):
        await rig.create()
    fences = [one.lease.fence for one in await rig.claim(max_jobs=3)]
    assert fences == sorted(set(fences))
    assert fences[0] >= rig.clock.wall_micros // 1_000


async def test_a_repeated_claim_gives_the_same_leases(rig: Rig) -> None:
    """A claim whose answer was lost is asked again, and nothing else is claimed for it."""
    await rig.create()
    await rig.create()
    first = await rig.claim(request_id="c-1")
    assert await rig.claim(request_id="c-1") == first
    assert len(await rig.claim(max_jobs=5)) == 1


async def test_a_claim_of_another_is_not_handed_out(rig: Rig) -> None:
    """A request_id does not give one worker the leases of another."""
    await rig.create()
    await rig.claim("worker-1", request_id="c-1")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await rig.claim("worker-2", request_id="c-1")
    assert raised.value.code() == Code.INVALID_ARGUMENT
    assert "was used before for another claim" in str(raised.value.details())


async def test_a_waiting_claim_wakes_when_a_job_is_created(rig: Rig) -> None:
    """A long poll is answered as soon as there is work."""
    waiting = asyncio.ensure_future(rig.claim(wait=duration_pb2.Duration(seconds=60)))
    assert await rig.claim() == []
    job = await rig.create()
    (claimed,) = await asyncio.wait_for(waiting, 10)
    assert claimed.job.job_id == job.job_id


async def test_a_waiting_claim_wakes_when_a_lock_is_freed(rig: Rig) -> None:
    """A long poll is answered as soon as the job in the way has ended."""
    first = await rig.running(locks=[exclusive("k")])
    second = await rig.create(locks=[exclusive("k")], conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE)
    waiting = asyncio.ensure_future(rig.claim(wait=duration_pb2.Duration(seconds=60)))
    assert await rig.claim() == []
    await rig.complete(first)
    (claimed,) = await asyncio.wait_for(waiting, 10)
    assert claimed.job.job_id == second.job_id


@pytest.mark.parametrize("name", WORKER_CALLS)
async def test_a_missing_token_is_refused(rig: Rig, name: str) -> None:
    """No call of a worker works without its lease token."""
    claimed = await rig.running()
    seen = await refusal(call(rig, name, job_id=claimed.job.job_id))
    assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert seen.fields == {"lease_token": "is missing"}
    assert (await rig.get(claimed.job.job_id)).state == job_pb2.JOB_STATE_RUNNING


@pytest.mark.parametrize("name", WORKER_CALLS)
async def test_a_stale_token_is_refused(rig: Rig, name: str) -> None:
    """A worker that lost its lease to another can neither report on the job nor end it."""
    lost = await rig.running("worker-1")
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(lost), reason="restart"))
    (taken,) = await rig.claim("worker-2")
    before = await rig.get(taken.job.job_id)
    made_up = {"job_id": lost.job.job_id, "lease_token": "a-token-that-nobody-has"}
    for stale in (held(lost), made_up):
        seen = await refusal(call(rig, name, **stale))
        assert (seen.code, seen.reason) == (Code.ABORTED, "LEASE_LOST")
        assert seen.metadata == {"job_id": lost.job.job_id, "attempt": "2"}
    assert await rig.get(taken.job.job_id) == before


@pytest.mark.parametrize("name", WORKER_CALLS)
async def test_the_token_of_an_expired_lease_is_refused(rig: Rig, name: str) -> None:
    """Once a lease was taken back, its token is worth nothing."""
    lost = await rig.running("worker-1")
    rig.clock.advance(31)
    (taken,) = await rig.claim("worker-2", wait=duration_pb2.Duration(seconds=60))
    seen = await refusal(call(rig, name, **held(lost)))
    assert (seen.code, seen.reason) == (Code.ABORTED, "LEASE_LOST")
    assert (await rig.get(taken.job.job_id)).worker_id == "worker-2"


@pytest.mark.parametrize("name", WORKER_CALLS)
async def test_an_unknown_job_is_refused(rig: Rig, name: str) -> None:
    """A worker is told when there is no such job."""
    seen = await refusal(call(rig, name, job_id="nobody", lease_token="t"))
    assert (seen.code, seen.reason, seen.resource) == (Code.NOT_FOUND, "JOB_NOT_FOUND", "nobody")


async def test_a_report_is_what_everybody_sees(rig: Rig) -> None:
    """Counts are shown as reported, with percent, and with rate and eta once they can be known."""
    claimed = await rig.running()
    first = await rig.report(claimed, 1, progress={"total": 100, "processed": 10, "successful": 10})
    assert (first.applied, first.directive) == (True, job_pb2.DIRECTIVE_CONTINUE)
    progress = (await rig.get(claimed.job.job_id)).progress
    assert progress.percent == 10
    assert not progress.HasField("rate_per_second")
    rig.clock.advance(2)
    counts = {"total": 100, "processed": 30, "successful": 28, "failed": 1, "skipped": 1}
    second = await rig.report(claimed, 2, progress=counts | {"phase": "fetch", "metrics": {"pages": 3}})
    job = await rig.get(claimed.job.job_id)
    assert job.revision == second.revision == first.revision + 1
    assert {name: getattr(job.progress, name) for name in counts} == counts
    assert (job.progress.phase, dict(job.progress.metrics)) == ("fetch", {"pages": 3.0})
    assert job.progress.rate_per_second == pytest.approx(10)
    assert job.progress.eta.seconds == 7


async def test_an_older_report_is_not_applied(rig: Rig) -> None:
    """Reports that overtake each other on the way do not turn the counts back."""
    claimed = await rig.running()
    await rig.report(claimed, 2, progress={"processed": 2, "successful": 2})
    late = await rig.report(claimed, 1, progress={"processed": 1, "successful": 1})
    assert late.applied is False
    assert (await rig.get(claimed.job.job_id)).progress.processed == 2


@pytest.mark.parametrize(
    ("counts", "field"),
    [
        ({"total": 1, "processed": 2, "successful": 2}, "progress.processed"),
        ({"processed": 2, "successful": 1}, "progress.processed"),
        ({"processed": 0, "successful": 1, "failed": -1}, "progress.failed"),
        ({"total": -1}, "progress.total"),
        ({"processed": 1, "skipped": 1}, "progress.successful"),
    ],
)
async def test_contradicting_counts_are_refused(rig: Rig, counts: dict[str, int], field: str) -> None:
    """Counts over the total, off their sum, negative or falling are refused, and change nothing."""
    claimed = await rig.running()
    await rig.report(claimed, 1, progress={"processed": 1, "successful": 1})
    before = await rig.get(claimed.job.job_id)
    seen = await refusal(rig.report(claimed, 2, progress=counts))
    assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "PROGRESS_INVALID")
    assert field in seen.fields
    assert await rig.get(claimed.job.job_id) == before


async def test_the_bounds_of_a_report_are_held(rig: Rig) -> None:
    """Oversize strings, odd metrics and a sequence of 0 are refused together."""
    claimed = await rig.running()
    progress = {"phase": "x" * 65, "message": "x" * 501, "metrics": {"Bad": 1.0, "endless": float("inf")}}
    seen = await refusal(rig.report(claimed, 0, progress=progress, checkpoint=b"x" * 65_537))
    assert set(seen.fields) == {
        "report_sequence",
        "checkpoint",
        "progress.phase",
        "progress.message",
        "progress.metrics[Bad]",
        "progress.metrics[endless]",
    }


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({}, "COMPLETED"),
        ({"processed": 2, "successful": 1, "skipped": 1}, "COMPLETED"),
        ({"processed": 2, "successful": 1, "failed": 1}, "PARTIALLY_COMPLETED"),
        ({"processed": 2, "failed": 2}, "FAILED"),
    ],
)
async def test_the_counts_decide_how_a_job_ends(rig: Rig, counts: dict[str, int], state: str) -> None:
    """No failure is COMPLETED, an empty run too; some PARTIALLY_COMPLETED; failures and nothing else FAILED."""
    claimed = await rig.running()
    job = await rig.complete(claimed, progress=pb.ProgressReport(**counts), message="done")
    assert job_pb2.JobState.Name(job.state) == f"JOB_STATE_{state}"
    assert job.HasField("end_time")
    assert job.HasField("error") == (state == "FAILED")
    assert (await rig.kinds(job.job_id))[-1] == "ENDED"


async def test_a_job_is_not_done_before_its_total(rig: Rig) -> None:
    """CompleteJob before the total was reached is a contradiction."""
    claimed = await rig.running()
    progress = pb.ProgressReport(total=10, processed=9, successful=9)
    seen = await refusal(rig.complete(claimed, progress=progress))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "TOTAL_NOT_REACHED")
    assert seen.metadata == {"processed": "9", "total": "10"}
    assert (await rig.get(claimed.job.job_id)).progress.processed == 0


async def test_a_final_call_is_safe_to_repeat(rig: Rig) -> None:
    """The same final call is answered the same; another final call is refused."""
    claimed = await rig.running()
    done = await rig.complete(claimed, message="done")
    assert await rig.complete(claimed, message="done") == done
    seen = await refusal(rig.complete(claimed, message="really done"))
    assert (seen.code, seen.reason) == (Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
    assert seen.metadata["state"] == "COMPLETED"
    other = await refusal(call(rig, "ReleaseJob", **held(claimed)))
    assert other.reason == "ILLEGAL_TRANSITION"


async def test_a_failed_attempt_is_tried_again_after_its_time(rig: Rig) -> None:
    """A retryable failure uses up an attempt and waits; the next attempt gets the checkpoint and counts anew."""
    claimed = await rig.running()
    await rig.report(claimed, 1, progress={"processed": 5, "successful": 5}, checkpoint=b"page 5")
    failed = await rig.stub.FailJob(
        pb.FailJobRequest(
            **held(claimed),
            code="VENDOR_DOWN",
            message="Shopify answers 503",
            retryable=True,
            retry_after=duration_pb2.Duration(seconds=20),
        )
    )
    job = failed.job
    assert (job.state, job.attempts_used) == (job_pb2.JOB_STATE_PENDING, 1)
    assert (job.error.code, job.error.retryable, job.error.attempt) == ("VENDOR_DOWN", True, 1)
    assert job.not_before_time.ToMicroseconds() == rig.clock.now_micros() + 20_000_000
    assert await rig.claim() == []
    rig.clock.advance(20)
    (again,) = await rig.claim()
    assert (again.job.attempt, again.checkpoint, again.job.progress.processed) == (2, b"page 5", 0)
    assert again.lease.fence > claimed.lease.fence
    assert await rig.kinds(job.job_id) == ["CREATED", "CLAIMED", "ATTEMPT_FAILED", "CLAIMED"]


async def test_a_failure_that_is_not_retryable_is_final(rig: Rig) -> None:
    """What trying again cannot help ends the job, and the events say why and that it ended."""
    claimed = await rig.running()
    job = (await call(rig, "FailJob", **held(claimed))).job
    assert (job.state, job.error.code) == (job_pb2.JOB_STATE_FAILED, "BROKEN")
    assert await rig.kinds(job.job_id) == ["CREATED", "CLAIMED", "ATTEMPT_FAILED", "ENDED"]


async def test_attempts_run_out(rig: Rig) -> None:
    """After max_attempts failures the job is FAILED, retryable or not."""
    await rig.create(max_attempts=2)
    for expected in (job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_FAILED):
        (claimed,) = await rig.claim(wait=duration_pb2.Duration(seconds=60))
        failed = pb.FailJobRequest(**held(claimed), code="C", message="m", retryable=True)
        failed.retry_after.FromSeconds(0)
        assert (await rig.stub.FailJob(failed)).job.state == expected


async def test_a_release_uses_up_no_attempt(rig: Rig) -> None:
    """A worker that shuts down gives its job back, with counts and checkpoint, for the next to take at once."""
    claimed = await rig.running(max_attempts=1)
    request = pb.ReleaseJobRequest(**held(claimed), checkpoint=b"here", reason="shutdown")
    request.progress.CopyFrom(pb.ProgressReport(processed=1, successful=1))
    released = (await rig.stub.ReleaseJob(request)).job
    assert (released.state, released.attempts_used) == (job_pb2.JOB_STATE_PENDING, 0)
    assert (released.progress.processed, released.state_message) == (1, "shutdown")
    assert (await rig.stub.ReleaseJob(request)).job == released
    (again,) = await rig.claim("worker-2")
    assert (again.job.attempt, again.checkpoint) == (2, b"here")


async def test_a_lost_worker_is_noticed(rig: Rig) -> None:
    """A job whose worker is silent for its lease goes to another, at once the first time."""
    claimed = await rig.running("worker-1", max_attempts=2)
    rig.clock.advance(29)
    await rig.report(claimed, 1)
    rig.clock.advance(29)
    assert await rig.claim("worker-2") == []
    rig.clock.advance(2)
    (taken,) = await rig.claim("worker-2", wait=duration_pb2.Duration(seconds=60))
    assert (taken.job.attempt, taken.job.attempts_used, taken.job.error.code) == (2, 1, "WORKER_LOST")
    assert await rig.kinds(taken.job.job_id) == ["CREATED", "CLAIMED", "LEASE_LOST", "CLAIMED"]
    rig.clock.advance(31)
    waited = pb.WaitJobRequest(job_id=taken.job.job_id, timeout=duration_pb2.Duration(seconds=60))
    job = (await rig.stub.WaitJob(waited)).job
    assert (job.state, job.error.code) == (job_pb2.JOB_STATE_FAILED, "WORKER_LOST")
    assert (await rig.kinds(job.job_id))[-2:] == ["LEASE_LOST", "ENDED"]


async def test_item_failures_are_kept_one_per_item_and_stage(rig: Rig) -> None:
    """A failure that is reported again replaces the earlier one and keeps its first time."""
    claimed = await rig.running()
    await rig.report(claimed, 1, item_failures=[item("b"), item("a", stage="price"), item("a", stage="stock")])
    rig.clock.advance(5)
    await rig.report(claimed, 2, item_failures=[item("b", message="still gone", attempts=2), item("c", code="OTHER")])
    listed = await rig.stub.ListItemFailures(pb.ListItemFailuresRequest(job_id=claimed.job.job_id))
    assert [(one.item_key, one.stage) for one in listed.item_failures] == [
        ("a", "price"),
        ("a", "stock"),
        ("b", ""),
        ("c", ""),
    ]
    again = listed.item_failures[2]
    assert (again.message, again.attempts) == ("still gone", 2)
    assert again.last_time.ToMicroseconds() - again.first_time.ToMicroseconds() == 5_000_000
    assert listed.total_count == 4
    assert (await rig.get(claimed.job.job_id)).item_failure_count == 4
    only = pb.ListItemFailuresRequest(job_id=claimed.job.job_id, codes=["OTHER"])
    assert [one.item_key for one in (await rig.stub.ListItemFailures(only)).item_failures] == ["c"]


@pytest.mark.parametrize("name", ["CompleteJob", "FailJob", "ReleaseJob"])
async def test_final_calls_carry_the_last_failures(rig: Rig, name: str) -> None:
    """What failed since the last report is not lost with the end of the attempt."""
    claimed = await rig.running()
    request = getattr(pb, f"{name}Request")(**WORKER_CALLS[name], **held(claimed), item_failures=[item("x")])
    assert (await getattr(rig.stub, name)(request)).job.item_failure_count == 1


async def test_a_claim_needs_types(rig: Rig) -> None:
    """A worker says what it can do, who it is, and under which request."""
    seen = await refusal(rig.stub.ClaimJobs(pb.ClaimJobsRequest(max_jobs=101)))
    assert set(seen.fields) == {"request_id", "worker_id", "types", "max_jobs"}


async def test_two_workers_never_get_the_same_job(rig: Rig) -> None:
    """Claims that come at once share out the jobs."""
    for _ in range(20):
        await rig.create()
    claims = await asyncio.gather(*(rig.claim(f"worker-{n}", max_jobs=3) for n in range(10)))
    ids = [one.job.job_id for claimed in claims for one in claimed]
    assert len(ids) == len(set(ids)) == 20
