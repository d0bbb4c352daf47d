"""BatchUpdateProgress, over the wire."""

from typing import Any

import grpc
import pytest
from nhanhsync.jobs.v1 import error_reason_pb2, job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import TYPE, Rig, held, refusal

Code = grpc.StatusCode
CONTINUE = job_pb2.DIRECTIVE_CONTINUE


def said(claimed: job_pb2.ClaimedJob, sequence: int = 1, processed: int = 1, **fields: Any) -> pb.UpdateProgressRequest:
    """A report on one job."""
    progress = pb.ProgressReport(processed=processed, successful=processed)
    usual = {**held(claimed), "report_sequence": sequence, "progress": progress}
    return pb.UpdateProgressRequest(**(usual | fields))


async def batch(rig: Rig, *reports: pb.UpdateProgressRequest) -> list[pb.ReportOutcome]:
    """Report on many jobs."""
    return list((await rig.stub.BatchUpdateProgress(pb.BatchUpdateProgressRequest(reports=reports))).outcomes)


async def test_each_report_is_taken_as_if_it_came_alone(rig: Rig) -> None:
    """Counts, checkpoints and failures are stored, leases renewed, and the outcomes stand in the order of the reports."""
    first, second, third = [await rig.running(f"worker-{number}") for number in (1, 2, 3)]
    failure = job_pb2.ItemFailure(item_key="a", code="C", message="m", origin=job_pb2.ITEM_FAILURE_ORIGIN_RULE)
    rig.clock.advance(20)
    reports = [
        said(third, checkpoint=b"page 3"),
        said(first, processed=7, item_failures=[failure]),
        pb.UpdateProgressRequest(**held(second), report_sequence=1),
    ]
    outcomes = await batch(rig, *reports)
    assert [one.job_id for one in outcomes] == [third.job.job_id, first.job.job_id, second.job.job_id]
    assert [(one.reason, one.message, one.response.applied, one.response.directive) for one in outcomes] == [
        (error_reason_pb2.ERROR_REASON_UNSPECIFIED, "", True, CONTINUE)
    ] * 3
    for one in outcomes:
        assert one.response.revision == (await rig.get(one.job_id)).revision
    assert [(await rig.get(one.job.job_id)).progress.processed for one in (first, second, third)] == [7, 0, 1]
    assert (await rig.get(first.job.job_id)).item_failure_count == 1
    rig.clock.advance(20)
    again = await batch(rig, *(said(one, 2, 7) for one in (first, second, third)))
    assert all(one.HasField("response") for one in again)
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(third)))
    assert (await rig.claim())[0].checkpoint == b"page 3"


async def test_one_that_is_refused_is_refused_alone(rig: Rig) -> None:
    """A lost lease, an unknown job and counts that contradict each other cost the others nothing."""
    good, lost, wrong = await rig.running(), await rig.running(), await rig.running()
    await rig.report(wrong, 1, progress={"total": 5, "processed": 3, "successful": 3})
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(lost)))
    unknown = pb.UpdateProgressRequest(job_id="nobody", lease_token="t", report_sequence=1)
    contradicting = said(wrong, 2, progress=pb.ProgressReport(total=1, processed=2, successful=1))
    before = [await rig.get(one.job.job_id) for one in (lost, wrong)]
    outcomes = await batch(rig, said(lost), unknown, contradicting, said(good))
    assert [one.job_id for one in outcomes] == [lost.job.job_id, "nobody", wrong.job.job_id, good.job.job_id]
    assert [one.reason for one in outcomes] == [
        error_reason_pb2.ERROR_REASON_LEASE_LOST,
        error_reason_pb2.ERROR_REASON_JOB_NOT_FOUND,
        error_reason_pb2.ERROR_REASON_PROGRESS_INVALID,
        error_reason_pb2.ERROR_REASON_UNSPECIFIED,
    ]
    assert [one.HasField("response") for one in outcomes] == [False, False, False, True]
    assert "no longer yours" in outcomes[0].message
    for wrong_count in ("must not fall within an attempt: was 3, is 2", "over the total of 1", "must be successful"):
        assert wrong_count in outcomes[2].message
    assert [await rig.get(one.job.job_id) for one in (lost, wrong)] == before
    assert (await rig.get(good.job.job_id)).progress.processed == 1


@pytest.mark.parametrize(
    ("bad", "fields"),
    [
        ({"lease_token": ""}, {"reports[1].lease_token": "is missing"}),
        ({"report_sequence": 0}, {"reports[1].report_sequence": "must be at least 1, is 0"}),
        (
            {"job_id": "", "checkpoint": b"x" * (64 * 1024 + 1)},
            {
                "reports[1].job_id": "is missing",
                "reports[1].checkpoint": "must take at most 64 KiB, takes 65,537 bytes",
            },
        ),
        (
            {"progress": pb.ProgressReport(metrics={"Bad": 1})},
            {"reports[1].progress.metrics[Bad]": "must match ^[a-z][a-z0-9_]{0,62}$"},
        ),
    ],
)
async def test_a_malformed_report_refuses_all(rig: Rig, bad: dict[str, Any], fields: dict[str, str]) -> None:
    """The whole call is refused with every bad field at its place, and nothing of it is stored."""
    good, other = await rig.running(), await rig.running()
    seen = await refusal(batch(rig, said(good), said(other, **bad)))
    assert (seen.code, seen.reason, seen.fields) == (Code.INVALID_ARGUMENT, "INVALID_FIELD", fields)
    assert await rig.get(good.job.job_id) == good.job


async def test_a_job_is_named_once(rig: Rig) -> None:
    """Two reports on one job in one call have no order that a worker could rely on."""
    claimed = await rig.running()
    seen = await refusal(batch(rig, said(claimed), said(claimed, 2, 2)))
    assert seen.fields == {"reports[1].job_id": "is named twice"}
    assert await rig.get(claimed.job.job_id) == claimed.job


async def test_the_answers_carry_directives(rig: Rig) -> None:
    """A batch is the backstop for what the stream did not bring, and an older report is told apart."""
    cancelled, paused, drained, late = [await rig.running() for _ in range(4)]
    await rig.report(late, 5)
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=cancelled.job.job_id))
    await rig.stub.PauseJob(pb.PauseJobRequest(job_id=paused.job.job_id))
    await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type=TYPE)]))
    await rig.stub.PauseJobType(pb.PauseJobTypeRequest(type=TYPE))
    outcomes = await batch(rig, said(cancelled), said(paused), said(drained), said(late, 4))
    assert [(one.response.applied, one.response.directive) for one in outcomes] == [
        (True, job_pb2.DIRECTIVE_CANCEL),
        (True, job_pb2.DIRECTIVE_PAUSE),
        (True, job_pb2.DIRECTIVE_DRAIN),
        (False, job_pb2.DIRECTIVE_DRAIN),
    ]


async def test_five_hundred_reports_are_taken_and_no_more(rig: Rig) -> None:
    """The bound is on the whole call; none and one too many are refused."""
    for _ in range(501):
        await rig.create()
    claimed = [one for _ in range(6) for one in await rig.claim(max_jobs=100)]
    assert len(claimed) == 501
    outcomes = await batch(rig, *(said(one, processed=3) for one in claimed[:500]))
    assert [one.response.applied for one in outcomes] == [True] * 500
    assert (await rig.get(claimed[499].job.job_id)).progress.processed == 3
    seen = await refusal(batch(rig, *(said(one, 2, 4) for one in claimed)))
    assert seen.fields == {"reports": "must hold at most 500, holds 501"}
    assert (await refusal(batch(rig))).fields == {"reports": "is missing"}
    assert (await rig.get(claimed[0].job.job_id)).progress.processed == 3


async def test_watchers_hear_of_batched_reports(rig: Rig) -> None:
    """A report is shown whichever way it came."""
    claimed = await rig.running()
    watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id))
    assert (await watch.read()).job == claimed.job
    await batch(rig, said(claimed, processed=3))
    assert (await watch.read()).job.progress.processed == 3
    watch.cancel()
