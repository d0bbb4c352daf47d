"""The client for asyncio."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Self

import grpc

from nhanhsync.client import requests
from nhanhsync.client.channels import KEEPALIVE, WATCHING
from nhanhsync.client.refusals import refused
from nhanhsync.client.resuming import GIVE_UP_SECONDS, Resumption
from nhanhsync.client.security import PLAINTEXT, Pem, Security, Token
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerStub

if TYPE_CHECKING:  # the stubs' asyncio face exists for type checkers alone
    from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerAsyncStub
    from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerAsyncStub

DEFAULT_JOB_TRACKER = "127.0.0.1:50051"
DEFAULT_SYNC_WORKER = "127.0.0.1:50052"


class Client:
    """Connections to both services; an async context manager."""

    def __init__(
        self,
        job_tracker: str,
        sync_worker: str,
        *,
        security: Security = PLAINTEXT,
        give_up_seconds: float = GIVE_UP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._give_up_seconds = give_up_seconds
        self._monotonic = monotonic
        self._uniform = uniform
        self._sleep = sleep
        self._channels = [
            security.aio_channel(job_tracker, KEEPALIVE),
            security.aio_channel(job_tracker, WATCHING),
            security.aio_channel(sync_worker, KEEPALIVE),
        ]
        self.jobs: JobTrackerAsyncStub = JobTrackerStub(self._channels[0])
        self._watching: JobTrackerAsyncStub = JobTrackerStub(self._channels[1])
        self.sync: SyncWorkerAsyncStub = SyncWorkerStub(self._channels[2])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        for channel in self._channels:
            await channel.close()

    async def create_job(
        self, request: job_tracker_service_pb2.CreateJobRequest
    ) -> job_tracker_service_pb2.CreateJobResponse:
        """Create a job, with a request id of its own, and again if JobTracker cannot be reached.

        Raises:
            Refused: JobTracker said no.
            GaveUpError: It could not be reached for too long.
        """
        request = requests.with_request_id(request)
        made: job_tracker_service_pb2.CreateJobResponse = await self._until_answered(
            lambda: self.jobs.CreateJob(request)
        )
        return made

    async def wait_job(self, job_id: str, timeout: float | None = None) -> job_pb2.Job:  # noqa: ASYNC109 - theirs to name
        """Wait for a job's end, up to `timeout` seconds, and give the job as it is then; look at its state.

        Raises:
            Refused: JobTracker said no.
            GaveUpError: It could not be reached for too long.
        """
        until = None if timeout is None else self._monotonic() + timeout
        while True:
            left = requests.LONGEST_WAIT_SECONDS if until is None else until - self._monotonic()
            request = requests.wait_request(job_id, left)
            answer = await self._until_answered(lambda request=request: self.jobs.WaitJob(request))  # type: ignore[misc]
            job: job_pb2.Job = answer.job
            if requests.is_final(job) or (until is not None and self._monotonic() >= until):
                return job

    async def watch_job(
        self, job_id: str, *, after_revision: int = 0, min_interval: float | None = None
    ) -> AsyncIterator[job_tracker_service_pb2.WatchJobResponse]:
        """Follow a job to its end: each update is the job as it is, plus the events since the update before.

        Resumes by itself when the connection breaks or JobTracker restarts; no event is missed or given twice.

        Raises:
            Refused: JobTracker said no.
            GaveUpError: It could not be reached for too long.
        """
        resumption = self._resumption(after_revision)
        while True:
            request = requests.watch_request(job_id, int(resumption.position), min_interval)
            stream = self._watching.WatchJob(request, wait_for_ready=False)
            try:
                async for update in stream:
                    resumption.came(None if update.heartbeat else update.job.revision)
                    if update.heartbeat:
                        continue
                    yield update
                    if requests.is_final(update.job):
                        return
                wait = resumption.broke_off()
            except grpc.aio.AioRpcError as error:
                wait = resumption.failed(refused(error))
            finally:
                stream.cancel()  # whoever stops reading is not sent more; a stream that has ended stays as it is
            await self._sleep(wait)

    async def watch_jobs(
        self,
        wanted: job_tracker_service_pb2.JobFilter,
        *,
        resume_token: str = "",
        min_interval: float | None = None,
    ) -> AsyncIterator[job_tracker_service_pb2.WatchJobsResponse]:
        """Follow the jobs of a filter, without end; resumes by itself. After a resume an event may come again.

        Raises:
            Refused: JobTracker said no.
            GaveUpError: It could not be reached for too long.
        """
        resumption = self._resumption(resume_token)
        while True:
            request = requests.watch_many_request(wanted, str(resumption.position), min_interval)
            stream = self._watching.WatchJobs(request, wait_for_ready=False)
            try:
                async for update in stream:
                    resumption.came(update.resume_token)
                    if not update.heartbeat:
                        yield update
                wait = resumption.broke_off()
            except grpc.aio.AioRpcError as error:
                wait = resumption.failed(refused(error))
            finally:
                stream.cancel()
            await self._sleep(wait)

    async def _until_answered(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - the answer of any call
        resumption = self._resumption(0)
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                wait = resumption.failed(refused(error))
            await self._sleep(wait)

    def _resumption(self, position: int | str) -> Resumption:
        return Resumption(self._monotonic, self._uniform, self._give_up_seconds, position)


def connect(
    *,
    job_tracker: str = DEFAULT_JOB_TRACKER,
    sync_worker: str = DEFAULT_SYNC_WORKER,
    give_up_seconds: float = GIVE_UP_SECONDS,
    token: Token | None = None,
    ca: Pem | None = None,
    certificate: Pem | None = None,
    key: Pem | None = None,
    insecure: bool = False,
) -> Client:
    """Open a client; addresses are host:port. Nothing is sent before the first call.

    Args:
        job_tracker: JobTracker's address.
        sync_worker: SyncWorker's address.
        give_up_seconds: After so long without an answer, calls and watches give up.
        token: The bearer token, or what gives the one of this moment.
        ca: The servers' CA, a PEM file or what stands in it; without it nothing is encrypted.
        certificate: The client's own certificate, where the servers ask for one.
        key: Its key.
        insecure: Allow the token to be sent over plaintext to another machine.

    Raises:
        PlaintextTokenError, ValueError, OSError: The token would be sent in the open, or the files cannot be used.
    """
    security = Security.of(token, ca, certificate, key, insecure=insecure)
    return Client(job_tracker, sync_worker, security=security, give_up_seconds=give_up_seconds)
