"""A worker that is made to be killed, suspended and cut off, and that writes to a store outside.

It stands on the raw stubs. It holds several jobs at once; each is a number of items, and each item is a write to the outside
store. It does what is asked of every worker: no write begins in the last fifth of the lease, counted from sending the last
renewal; nothing more is written or said when the lease is lost; the job is given back when that is wanted.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import random
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import json_format
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.chaos.calling import CALL_SECONDS, Caller, Refused
from tests.chaos.journal import Journal
from tests.chaos.outside import OutsideStore

TYPE = "CHAOS"
LEASE_SECONDS = 5
"""The shortest that the contract allows."""
MARGIN = 0.2
POLL_SECONDS = 2
REPORT_SECONDS = 0.4
LEASE_GONE = ("ERROR_REASON_LEASE_LOST", "ERROR_REASON_JOB_NOT_FOUND")
log = logging.getLogger("chaos.worker")


class LeaseLost(Exception):
    """The job may be another worker's by now: nothing more is written, nothing more is said."""


class Failed(Exception):
    """The job's params ask for a failure here; the argument is whether trying again may help."""


class GaveBack(Exception):
    """The job is to be given back; the argument is why."""


class Attempt:
    """One job under its lease."""

    def __init__(self, worker: "Worker", claimed: job_pb2.ClaimedJob, sent: float) -> None:
        self._worker, self._job, self._lease = worker, claimed.job, claimed.lease
        self._params = json_format.MessageToDict(claimed.job.params)
        self._keys = [f"job/{claimed.job.job_id}"]
        self._keys += sorted(lock.key for lock in claimed.job.locks if lock.mode == job_pb2.LOCK_MODE_EXCLUSIVE)
        self._counts: dict[str, int] = json.loads(claimed.checkpoint or b'{"successful": 0, "failed": 0, "skipped": 0}')
        self._write_until = 0.0
        self._renewed = asyncio.Event()
        self._renewed_at(sent)
        self._sequence = 0
        self._failures: list[job_pb2.ItemFailure] = []
        self._stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def job_id(self) -> str:
        """Which job this is."""
        return self._job.job_id

    @property
    def fence(self) -> int:
        """Which lease this is."""
        return self._lease.fence

    def obey(self, directive: int) -> None:
        """Take a directive."""
        going_on = (job_pb2.DIRECTIVE_CONTINUE, job_pb2.DIRECTIVE_DRAIN)
        if directive not in going_on and not self._stop.done():
            self._stop.set_result(directive)

    async def run(self) -> None:
        """Do the job to its end, or to the end of the lease."""
        working, reporting = asyncio.create_task(self._work()), asyncio.create_task(self._report_forever())
        tasks: list[asyncio.Future[Any]] = [working, reporting]
        try:
            try:
                await asyncio.wait([*tasks, self._stop], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for task in (reporting, working):
                if not task.cancelled():
                    task.result()
            if working.cancelled():
                if self._stop.result() == job_pb2.DIRECTIVE_LEASE_LOST:
                    raise LeaseLost
                raise GaveBack("as asked")
            await self._end("CompleteJob", pb.CompleteJobRequest())
        except GaveBack as why:
            await self._end("ReleaseJob", pb.ReleaseJobRequest(reason=str(why), checkpoint=self._checkpoint()))
        except Failed as failed:
            request = pb.FailJobRequest(code="ON_PURPOSE", message="asked to fail", retryable=failed.args[0])
            request.retry_after.FromMilliseconds(300)
            request.checkpoint = self._checkpoint()
            await self._end("FailJob", request)
        except asyncio.CancelledError:  # the process is to stop
            await self._end("ReleaseJob", pb.ReleaseJobRequest(reason="stopping", checkpoint=self._checkpoint()))
            raise

    async def _work(self) -> None:
        """Write the items, from the checkpoint on. The first thing is to make the fence known outside."""
        await self._write(0)
        total, ending = int(self._params["items"]), str(self._params["ending"])
        fail_every = int(self._params["fail_every"])
        for item in range(self._done() + 1, total + 1):
            if self._job.attempt == 1 and item > total // 2 and ending != "complete":
                raise GaveBack("on purpose") if ending == "release" else Failed(ending == "fail_retryable")
            await asyncio.sleep(float(self._params["pace"]))
            await self._write(item)
            bad = fail_every and item % fail_every == 0
            self._counts["failed" if bad else "successful"] += 1
            if bad:
                failure = job_pb2.ItemFailure(
                    item_key=f"item:{item}", code="ON_PURPOSE", message="asked to", attempts=1
                )
                failure.origin = job_pb2.ITEM_FAILURE_ORIGIN_WORKER
                self._failures.append(failure)

    async def _write(self, item: int) -> None:
        while time.monotonic() > self._write_until:  # at the margin: wait until renewed, if the lease was not taken
            self._renewed.clear()
            await self._renewed.wait()
        if not await self._worker.write(self._job, self._lease.fence, self._keys, item):
            self._worker.journal.note("fenced", job=self._job.job_id, fence=self.fence)
            raise LeaseLost

    async def _report_forever(self) -> None:
        while True:
            self._sequence += 1
            failures, counts = list(self._failures), dict(self._counts)
            request = pb.UpdateProgressRequest(
                **self._held(), report_sequence=self._sequence, item_failures=failures, checkpoint=self._checkpoint()
            )
            request.progress.CopyFrom(self._progress())
            done = await self._ask("UpdateProgress", request)
            self._renewed_at(done.last_sent)
            self._worker.journal.note(
                "renewed", job=self._job.job_id, fence=self.fence, sent=done.last_sent, done=sum(counts.values())
            )
            del self._failures[: len(failures)]
            self.obey(done.response.directive)
            await asyncio.sleep(random.uniform(0.5, 1.5) * REPORT_SECONDS)

    def _renewed_at(self, sent: float) -> None:
        ttl = self._lease.ttl.ToTimedelta().total_seconds()
        self._write_until = sent + ttl * (1 - MARGIN)
        self._renewed.set()

    async def _end(self, kind: str, request: Any) -> None:
        self._worker.journal.note("ending", job=self._job.job_id, fence=self.fence, call=kind)
        request.MergeFrom(type(request)(**self._held(), progress=self._progress(), item_failures=self._failures))
        job = (await self._ask(kind, request)).response.job
        facts = {"state": job_pb2.JobState.Name(job.state), "revision": job.revision, "call": kind}
        self._worker.journal.note("ended", job=self._job.job_id, fence=self.fence, **facts)

    async def _ask(self, kind: str, request: Any) -> Any:
        try:
            return await self._worker.caller.call(kind, request)
        except Refused as refusal:
            self._worker.journal.note(
                "refused", job=self._job.job_id, fence=self.fence, call=kind, reason=refusal.reason
            )
            if refusal.reason in LEASE_GONE:
                raise LeaseLost from refusal
            raise

    def _held(self) -> dict[str, Any]:
        return {"job_id": self._job.job_id, "lease_token": self._lease.lease_token}

    def _done(self) -> int:
        return sum(self._counts.values())

    def _progress(self) -> pb.ProgressReport:
        return pb.ProgressReport(total=int(self._params["items"]), processed=self._done(), **self._counts)

    def _checkpoint(self) -> bytes:
        return json.dumps(self._counts).encode()


class Worker:
    """Claims jobs, several at once, until it is stopped. Its name is new with every start."""

    def __init__(self, caller: Caller, store: OutsideStore, journal: Journal, capacity: int) -> None:
        self.caller, self.journal = caller, journal
        self._store, self._capacity = store, capacity
        self._writing = ThreadPoolExecutor(1)  # another writer may hold the store while it is suspended
        self._worker_id = f"chaos-{uuid.uuid4()}"
        self._attempts: dict[int, Attempt] = {}
        self._ended = asyncio.Event()

    async def write(self, job: job_pb2.Job, fence: int, keys: list[str], item: int) -> bool:
        """Write to the outside store; whether it was accepted."""
        facts = (self._worker_id, job.job_id, job.attempt, fence, keys, item)
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._store.write, *facts)

    async def run(self) -> None:
        """Claim and work until cancelled; then give back what is held."""
        self.journal.note("started", worker=self._worker_id)
        kind = job_pb2.JobType(type=TYPE, display_name="Chaos")
        await self.caller.call("RegisterJobTypes", pb.RegisterJobTypesRequest(job_types=[kind]))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            while True:
                while len(self._attempts) >= self._capacity:
                    self._ended.clear()
                    await self._ended.wait()
                claim = pb.ClaimJobsRequest(request_id=str(uuid.uuid4()), worker_id=self._worker_id, types=[TYPE])
                claim.max_jobs = self._capacity - len(self._attempts)
                claim.lease_ttl.FromSeconds(LEASE_SECONDS)
                claim.wait.FromSeconds(POLL_SECONDS)
                answer = await self.caller.call("ClaimJobs", claim, POLL_SECONDS + CALL_SECONDS)
                for claimed in answer.response.claimed_jobs:
                    self._begin(claimed, answer.first_sent, group)

    def _begin(self, claimed: job_pb2.ClaimedJob, sent: float, group: asyncio.TaskGroup) -> None:
        job, lease = claimed.job, claimed.lease
        facts = {"job": job.job_id, "attempt": job.attempt, "fence": lease.fence, "sent": sent}
        done = sum(json.loads(claimed.checkpoint or b"{}").values())
        locks = {lock.key: lock.mode == job_pb2.LOCK_MODE_EXCLUSIVE for lock in job.locks}
        ttl = lease.ttl.ToTimedelta().total_seconds()
        self.journal.note("claimed", worker=self._worker_id, ttl=ttl, done=done, locks=locks, **facts)
        attempt = self._attempts[lease.fence] = Attempt(self, claimed, sent)
        group.create_task(self._run_one(attempt, job.job_id))

    async def _run_one(self, attempt: Attempt, job_id: str) -> None:
        try:
            await attempt.run()
        except LeaseLost:
            self.journal.note("lost", job=job_id, fence=attempt.fence)
        finally:
            del self._attempts[attempt.fence]
            self._ended.set()

    async def _listen(self) -> None:
        request = pb.WatchDirectivesRequest(worker_id=self._worker_id)
        while True:
            try:
                async for told in self.caller.stub("WatchDirectives")(request, wait_for_ready=True):
                    for attempt in list(self._attempts.values()):
                        if told.job_id == attempt.job_id and told.fence in (0, attempt.fence):
                            attempt.obey(told.directive)
            except grpc.aio.AioRpcError as error:
                log.info("no directives but in the answers to reports: %s", error.details())
            await asyncio.sleep(random.uniform(0.05, 0.3))


async def main() -> None:
    """Read the command line and work until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=json.loads, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--capacity", type=int, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cast(Any, asyncio.current_task()).cancel)
    journal = Journal(options.journal)
    await Worker(Caller(options.targets), OutsideStore(options.store), journal, options.capacity).run()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
