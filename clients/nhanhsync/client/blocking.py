"""The client without asyncio: the same calls, blocking."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import grpc

from nhanhsync.client import requests
from nhanhsync.client.aio import DEFAULT_JOB_TRACKER, DEFAULT_SYNC_WORKER
from nhanhsync.client.channels import KEEPALIVE, WATCHING
from nhanhsync.client.refusals import refused
from nhanhsync.client.resuming import GIVE_UP_SECONDS, Resumption
from nhanhsync.client.security import Pem, Security, Token
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from nhanhsync.sync.v1.sync_worker_service_pb2_grpc import SyncWorkerStub


class BlockingClient:
    """Connections to both services; a context manager. See `nhanhsync.client.Client` for what each call promises."""

    def __init__(
        self,
        jobs: grpc.Channel,
        watching: grpc.Channel,
        sync: grpc.Channel,
        *,
        give_up_seconds: float = GIVE_UP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._channels = (jobs, watching, sync)
        self._give_up_seconds = give_up_seconds
        self._monotonic = monotonic
        self._uniform = uniform
        self._sleep = sleep
        self.jobs = JobTrackerStub(jobs)
        self._watching = JobTrackerStub(watching)
        self.sync = SyncWorkerStub(sync)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for channel in self._channels:
            channel.close()

    def create_job(
        self, request: job_tracker_service_pb2.CreateJobRequest
    ) -> job_tracker_service_pb2.CreateJobResponse:
        """Create a job, with a request id of its own."""
        request = requests.with_request_id(request)
        made: job_tracker_service_pb2.CreateJobResponse = self._until_answered(lambda: self.jobs.CreateJob(request))
        return made

    def wait_job(self, job_id: str, timeout: float | None = None) -> job_pb2.Job:
        """Wait for a job's end, up to `timeout` seconds."""
        until = None if timeout is None else self._monotonic() + timeout
        while True:
            left = requests.LONGEST_WAIT_SECONDS if until is None else until - self._monotonic()
            request = requests.wait_request(job_id, left)
            job: job_pb2.Job = self._until_answered(lambda request=request: self.jobs.WaitJob(request)).job  # type: ignore[misc]
            if requests.is_final(job) or (until is not None and self._monotonic() >= until):
                return job

    def watch_job(
        self, job_id: str, *, after_revision: int = 0, min_interval: float | None = None
    ) -> Iterator[job_tracker_service_pb2.WatchJobResponse]:
        """Follow a job to its end; resumes by itself."""
        resumption = Resumption(self._monotonic, self._uniform, self._give_up_seconds, after_revision)
        while True:
            request = requests.watch_request(job_id, int(resumption.position), min_interval)
            stream = self._watching.WatchJob(request)
            try:
                for update in stream:
                    resumption.came(None if update.heartbeat else update.job.revision)
                    if update.heartbeat:
                        continue
                    yield update
                    if requests.is_final(update.job):
                        return
                wait = resumption.broke_off()
            except grpc.RpcError as error:
                wait = resumption.failed(refused(error))
            finally:
                stream.cancel()  # whoever stops reading is not sent more; a stream that has ended stays as it is
            self._sleep(wait)

    def watch_jobs(
        self,
        wanted: job_tracker_service_pb2.JobFilter,
        *,
        resume_token: str = "",
        min_interval: float | None = None,
    ) -> Iterator[job_tracker_service_pb2.WatchJobsResponse]:
        """Follow the jobs of a filter, without end; resumes by itself. After a resume an event may come again."""
        resumption = Resumption(self._monotonic, self._uniform, self._give_up_seconds, resume_token)
        while True:
            request = requests.watch_many_request(wanted, str(resumption.position), min_interval)
            stream = self._watching.WatchJobs(request)
            try:
                for update in stream:
                    resumption.came(update.resume_token)
                    if not update.heartbeat:
                        yield update
                wait = resumption.broke_off()
            except grpc.RpcError as error:
                wait = resumption.failed(refused(error))
            finally:
                stream.cancel()
            self._sleep(wait)

    def _until_answered(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - the answer of any call
        resumption = Resumption(self._monotonic, self._uniform, self._give_up_seconds)
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                wait = resumption.failed(refused(error))
            self._sleep(wait)


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
) -> BlockingClient:
    """Open a client; addresses are host:port. Nothing is sent before the first call. See `nhanhsync.client.connect`."""
    security = Security.of(token, ca, certificate, key, insecure=insecure)
    return BlockingClient(
        security.blocking_channel(job_tracker, KEEPALIVE),
        security.blocking_channel(job_tracker, WATCHING),
        security.blocking_channel(sync_worker, KEEPALIVE),
        give_up_seconds=give_up_seconds,
    )
