"""How long a cancel takes to its worker: from the operator's call to the directive in the worker's hands."""

import asyncio
import time
import uuid
from typing import Any

import grpc
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from bench.raw_push import POKE, WATCH

TYPE = "BENCH"
WARM_UP = 20


async def pushes(address: str, times: int) -> list[float]:
    """Measure the bare transport: seconds from a call to the stream's message."""
    async with grpc.aio.insecure_channel(address) as watching, grpc.aio.insecure_channel(address) as poking:
        watch: Any = watching.unary_stream(WATCH)
        stream = watch(b"")
        await stream.read()
        taken = []
        for _ in range(times + WARM_UP):
            began = time.perf_counter()
            poked = asyncio.ensure_future(_poke(poking))
            await stream.read()
            taken.append(time.perf_counter() - began)
            await poked
        stream.cancel()
        return taken[WARM_UP:]


async def cancels(worker_at: str, operator_at: str, times: int) -> list[float]:
    """Measure cancels whose worker listens at one JobTracker and whose operator calls another, or the same: seconds."""
    async with grpc.aio.insecure_channel(worker_at) as working, grpc.aio.insecure_channel(operator_at) as operating:
        worker: Any = JobTrackerStub(working)  # its type hints are those of a synchronous channel
        operator: Any = JobTrackerStub(operating)
        worker_id = f"bench-{uuid.uuid4()}"
        directives = worker.WatchDirectives(pb.WatchDirectivesRequest(worker_id=worker_id))
        await directives.read()
        taken = []
        for _ in range(times + WARM_UP):
            claim = pb.ClaimOnCreate(worker_id=worker_id)
            made = await worker.CreateJob(pb.CreateJobRequest(type=TYPE, claim=claim))
            began = time.perf_counter()
            cancelling = asyncio.ensure_future(_cancel(operator, made.job))
            told = await directives.read()
            while told.job_id != made.job.job_id:
                told = await directives.read()
            taken.append(time.perf_counter() - began)
            await cancelling
            held = {"job_id": made.job.job_id, "lease_token": made.claimed.lease.lease_token}
            await worker.ReleaseJob(pb.ReleaseJobRequest(**held))
        directives.cancel()
        return taken[WARM_UP:]


async def _poke(channel: grpc.aio.Channel) -> None:
    call: Any = channel.unary_unary(POKE)
    await call(b"cancel")


async def _cancel(operator: Any, job: job_pb2.Job) -> None:
    await operator.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
