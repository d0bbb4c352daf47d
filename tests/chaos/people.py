"""Those who ask for jobs: they create, repeat, cancel, pause, retry, wait and watch, and keep what they were told."""

import asyncio
import uuid
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.chaos.calling import Caller, Refused, broken
from tests.chaos.evidence import FINAL, REQUEST_LABEL, Told, Watched, state_of
from tests.chaos.journal import Journal
from tests.chaos.plan import JobPlan
from tests.chaos.worker import TYPE

LOOK_AGAIN_SECONDS = 0.7
REPEATED_SECONDS = 0.2
SILENCE_SECONDS = 9.0
"""A stream lives while it is heard of: here JobTracker gives a sign of life every 2 seconds."""
EXPECTED = {
    "CreateJob": {"ERROR_REASON_CONFLICTING_JOB_ACTIVE"},
    "RetryJob": {"ERROR_REASON_CONFLICTING_JOB_ACTIVE"},
    "CancelJob": {"ERROR_REASON_ILLEGAL_TRANSITION"},
    "PauseJob": {"ERROR_REASON_ILLEGAL_TRANSITION"},
    "ResumeJob": {"ERROR_REASON_ILLEGAL_TRANSITION"},
}
"""What the state of things may refuse a call with."""


class People:
    """All who ask, through one caller."""

    def __init__(self, caller: Caller, journal: Journal) -> None:
        self._caller = caller
        self._journal = journal
        self.told: list[Told] = []
        self.created: list[tuple[str, str]] = []
        self.watched: list[Watched] = []
        self.paused_on_purpose: set[str] = set()
        self.refused = 0
        self._watching: list[asyncio.Task[None]] = []

    async def live(self, plan: JobPlan) -> None:
        """Ask for one job, and do to it what the plan says."""
        await asyncio.sleep(plan.at)
        request = pb.CreateJobRequest(
            request_id=str(uuid.uuid4()),
            type=TYPE,
            conflict_policy=pb_policy(plan.policy),
            max_attempts=plan.max_attempts,
            created_by="people",
        )
        request.labels[REQUEST_LABEL] = request.request_id
        request.params.update(
            {"items": plan.items, "pace": plan.pace, "fail_every": plan.fail_every, "ending": plan.ending}
        )
        for key, exclusive in plan.locks:
            mode = job_pb2.LOCK_MODE_EXCLUSIVE if exclusive else job_pb2.LOCK_MODE_SHARED
            request.locks.add(key=key, mode=mode)
        made = await self._make("CreateJob", request)
        if made is None:
            return
        self._watch(made.job.job_id)
        await asyncio.gather(
            self._repeat(plan, request),
            self._cancel(plan, made.job.job_id),
            self._pause(plan, made.job.job_id),
            self._follow(plan, made.job.job_id),
        )

    async def watched_to_the_end(self, seconds: float) -> None:
        """Give the watchers so long to hear of what has ended; then they stop."""
        if self._watching:
            _, pending = await asyncio.wait(self._watching, timeout=seconds)
            for task in pending:
                task.cancel()
            await asyncio.gather(*self._watching, return_exceptions=True)
            for task in self._watching:
                if not task.cancelled():
                    task.result()

    async def _make(self, kind: str, request: Any) -> Any:
        answer = await self._call(kind, request)
        if answer is not None:
            self.created.append((request.request_id, answer.job.job_id))
        return answer

    async def _call(self, kind: str, request: Any, patience: float = 2.0) -> Any:
        """Call until answered, and keep what was told; None when the state of things does not allow it."""
        try:
            answer = (await self._caller.call(kind, request, patience)).response
        except Refused as refusal:
            if refusal.reason in EXPECTED.get(kind, ()):
                self.refused += 1
                return None
            raise
        job = answer.job
        self.told.append(Told(kind, job.job_id, state_of(job), job.revision))
        return answer

    async def _repeat(self, plan: JobPlan, request: pb.CreateJobRequest) -> None:
        if plan.repeat_after is not None:
            await asyncio.sleep(plan.repeat_after)
            await self._make("CreateJob", request)

    async def _cancel(self, plan: JobPlan, job_id: str) -> None:
        if plan.cancel_after is not None:
            await asyncio.sleep(plan.cancel_after)
            await self._call(
                "CancelJob", pb.CancelJobRequest(job_id=job_id, reason="on purpose", requested_by="people")
            )

    async def _pause(self, plan: JobPlan, job_id: str) -> None:
        if plan.pause_after is None:
            return
        await asyncio.sleep(plan.pause_after)
        if plan.resume_after is None:
            self.paused_on_purpose.add(job_id)
        await self._call("PauseJob", pb.PauseJobRequest(job_id=job_id, reason="on purpose", requested_by="people"))
        if plan.resume_after is not None:
            await asyncio.sleep(plan.resume_after)
            await self._call("ResumeJob", pb.ResumeJobRequest(job_id=job_id, requested_by="people"))

    async def _follow(self, plan: JobPlan, job_id: str) -> None:
        """Wait for the end in one way or the other, and retry what did not come to a good one."""
        if plan.pause_after is not None and plan.resume_after is None:
            return
        while True:
            if plan.wait:
                request = pb.WaitJobRequest(job_id=job_id, timeout=Duration(seconds=2))
                job = (await self._call("WaitJob", request, 4.0)).job
            else:
                job = (await self._call("GetJob", pb.GetJobRequest(job_id=job_id))).job
                await asyncio.sleep(LOOK_AGAIN_SECONDS)  # somebody who asks now and then, as people do
            if state_of(job) in FINAL:
                break
        if plan.retry and state_of(job) != "COMPLETED":
            request = pb.RetryJobRequest(job_id=job_id, request_id=str(uuid.uuid4()), created_by="people")
            request.conflict_policy = job_pb2.CONFLICT_POLICY_QUEUE
            made = await self._make("RetryJob", request)
            if made is not None:
                self._watch(made.job.job_id)

    def _watch(self, job_id: str) -> None:
        watched = Watched(job_id)
        self.watched.append(watched)
        self._watching.append(asyncio.create_task(self._watch_one(watched)))

    async def _watch_one(self, watched: Watched) -> None:
        """Follow a job to its end, each time from the last revision that came."""
        while True:
            after = watched.revisions[-1] if watched.revisions else 0
            request = pb.WatchJobRequest(job_id=watched.job_id, after_revision=after)
            request.min_interval.FromMilliseconds(300)
            final = False
            self._journal.note("watching", job=watched.job_id, after=after)
            try:
                stream = self._caller.stub("WatchJob")(request, wait_for_ready=True)
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        update = await stream.read()
                    if update is grpc.aio.EOF:
                        break
                    revision, beat = update.job.revision, update.heartbeat
                    self._journal.note("watched", job=watched.job_id, revision=revision, heartbeat=beat)
                    if update.heartbeat:
                        continue
                    watched.events.extend(update.events)
                    watched.revisions.append(update.job.revision)
                    self.told.append(Told("WatchJob", watched.job_id, state_of(update.job), update.job.revision))
                    final = state_of(update.job) in FINAL
            except TimeoutError:  # not even a sign of life: the connection is dead
                stream.cancel()
                self._caller.unanswered["WatchJob"] += 1
            except grpc.aio.AioRpcError as error:
                if not broken(error):
                    raise
                self._caller.unanswered["WatchJob"] += 1
            else:
                if final:
                    watched.ended = True
                    return
            self._journal.note("watch broke off", job=watched.job_id)
            await asyncio.sleep(REPEATED_SECONDS)


def pb_policy(name: str) -> "job_pb2.ConflictPolicy.ValueType":
    """Find a conflict policy by its name."""
    return job_pb2.ConflictPolicy.Value(f"CONFLICT_POLICY_{name}")
