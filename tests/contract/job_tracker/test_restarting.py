"""What a restart does to leases."""

from collections.abc import Callable

import grpc
from google.protobuf import duration_pb2
from job_tracker.__main__ import TrackerSettings
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import Rig, held, running_by
from tests.fakes.tracker_world import TrackerClock


async def test_a_restart_gives_every_lease_a_whole_ttl(settings: Callable[..., TrackerSettings]) -> None:
    """The steady clock begins anew with the process: no lease has run out in the meantime, and each runs out in its time."""
    before = TrackerClock(elapsed=1_000_000.0)
    async with running_by(before, settings()) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        claimed = await Rig(JobTrackerStub(channel), handle.address, before).running()
        before.advance(29)
    after = TrackerClock(wall_micros=before.now_micros() + 3_600_000_000)
    async with running_by(after, settings()) as handle, grpc.aio.insecure_channel(handle.address) as channel:
        rig = Rig(JobTrackerStub(channel), handle.address, after)
        after.advance(29)
        assert (await rig.report(claimed, 1)).applied
        after.advance(29)
        assert (await rig.get(claimed.job.job_id)).state == job_pb2.JOB_STATE_RUNNING
        after.advance(2)
        (taken,) = await rig.claim("worker-2", wait=duration_pb2.Duration(seconds=60))
        assert (taken.job.job_id, taken.job.attempt) == (claimed.job.job_id, 2)
        assert taken.lease.fence > claimed.lease.fence


async def test_a_fence_never_goes_back(settings: Callable[..., TrackerSettings]) -> None:
    """Even with a wall clock that was set back, a later claim has the higher fence."""
    fences = []
    for wall in (1_900_000_000_000_000, 1_800_000_000_000_000):
        clock = TrackerClock(wall_micros=wall)
        async with running_by(clock, settings()) as handle, grpc.aio.insecure_channel(handle.address) as channel:
            rig = Rig(JobTrackerStub(channel), handle.address, clock)
            await rig.create()
            (claimed,) = await rig.claim(request_id=f"claim-{wall}")
            fences.append(claimed.lease.fence)
            await rig.stub.CompleteJob(pb.CompleteJobRequest(**held(claimed)))
    assert fences == [1_900_000_000_000, 1_900_000_000_001]
