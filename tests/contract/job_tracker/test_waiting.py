"""WaitJob: the end of a job for those who want nothing else of it."""

import asyncio

import grpc
import pytest
from google.protobuf import duration_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig, refusal


async def test_any_number_of_waiters_are_answered_by_the_end(rig: Rig) -> None:
    """Three hundred who wait for one job all get it as it ended, and not before."""
    claimed = await rig.running()
    request = pb.WaitJobRequest(job_id=claimed.job.job_id, timeout=duration_pb2.Duration(seconds=300))
    waiting = [asyncio.ensure_future(rig.stub.WaitJob(request)) for _ in range(300)]
    for sequence in range(1, 4):
        await rig.report(claimed, sequence, progress={"processed": sequence, "successful": sequence})
    assert not any(one.done() for one in waiting)
    done = await rig.complete(claimed)
    answers = await asyncio.wait_for(asyncio.gather(*waiting), 30)
    assert {answer.job.revision for answer in answers} == {done.revision}
    assert all(answer.job.state == job_pb2.JOB_STATE_COMPLETED for answer in answers)


async def test_when_the_time_is_over_the_job_is_answered_as_it_is(rig: Rig) -> None:
    """Neither an error nor an end: whoever asked looks at the state, and asks again."""
    claimed = await rig.running()
    request = pb.WaitJobRequest(job_id=claimed.job.job_id, timeout=duration_pb2.Duration(nanos=50_000_000))
    waiting = asyncio.ensure_future(rig.stub.WaitJob(request))
    await rig.report(claimed, 1, progress={"processed": 1, "successful": 1})
    rig.clock.advance(1)
    answer = await asyncio.wait_for(waiting, 10)
    assert answer.job.state == job_pb2.JOB_STATE_RUNNING


async def test_a_job_that_has_ended_is_not_waited_for(rig: Rig) -> None:
    """Who comes after the end is answered at once, however long he would wait."""
    done = await rig.complete(await rig.running())
    request = pb.WaitJobRequest(job_id=done.job_id, timeout=duration_pb2.Duration(seconds=300))
    assert (await asyncio.wait_for(rig.stub.WaitJob(request), 10)).job == done


@pytest.mark.parametrize("span", [duration_pb2.Duration(seconds=301), duration_pb2.Duration(seconds=-1)])
async def test_a_time_out_of_bounds_is_refused(rig: Rig, span: duration_pb2.Duration) -> None:
    """From nothing to five minutes."""
    seen = await refusal(rig.stub.WaitJob(pb.WaitJobRequest(job_id="j", timeout=span)))
    assert (seen.code, set(seen.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, {"timeout"})
