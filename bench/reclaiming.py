"""How long a dead worker's job waits for the next: from the end of its lease to the next claim."""

import asyncio
import time
import uuid
from typing import Any

import grpc
from google.protobuf import duration_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

TYPE = "BENCH"
LEASE = duration_pb2.Duration(seconds=5)


async def reclaims(address: str, jobs: int) -> list[float]:
    """Measure jobs whose workers say nothing after their claim: seconds beyond the lease until another has each."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = JobTrackerStub(channel)  # its type hints are those of a synchronous channel
        return list(await asyncio.gather(*(_reclaim(stub, f"{TYPE}_{n}") for n in range(jobs))))


async def _reclaim(stub: Any, job_type: str) -> float:
    claim = pb.ClaimOnCreate(worker_id=f"dead-{uuid.uuid4()}", lease_ttl=LEASE)
    await stub.CreateJob(pb.CreateJobRequest(type=job_type, claim=claim))
    began = time.perf_counter()  # a little after the lease began: what is measured is the more
    request = pb.ClaimJobsRequest(
        request_id=str(uuid.uuid4()),
        worker_id=f"next-{uuid.uuid4()}",
        types=[job_type],
        wait=duration_pb2.Duration(seconds=60),
    )
    answer = await stub.ClaimJobs(request)
    assert len(answer.claimed_jobs) == 1  # noqa: S101 - else there is nothing to measure
    return time.perf_counter() - began - LEASE.seconds
