"""The runner of one process: claims jobs, runs them side by side, obeys directives, and lets go in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from sync_worker.application.ports.work_queue import Claim, ClaimedJob, Directive, Told
from sync_worker.application.refusals import TrackerRefusal, TrackerUnavailable
from sync_worker.application.runner.attempt import Attempt, Workshop
from sync_worker.application.runner.backoff import Backoff
from sync_worker.application.runner.waiting import ended_within
from sync_worker.domain.failures import Draining, JobCancelled, JobPaused, LeaseLost

log = structlog.get_logger()

POLL_SECONDS = 20.0
"""A claim waits so long for work before it is asked anew."""

STOPPING = "the worker is stopping"


class Runner:
    """Works on up to `concurrency` jobs at once. `worker_id` is new with every start of the process."""

    def __init__(
        self,
        workshop: Workshop,
        *,
        worker_id: str,
        types: Sequence[str],
        concurrency: int,
        lease_seconds: float,
        new_id: Callable[[], str],
    ) -> None:
        self._workshop = workshop
        self._worker_id = worker_id
        self._types = tuple(types)
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._new_id = new_id
        self._attempts: dict[asyncio.Task[None], Attempt] = {}
        self._slot_free = asyncio.Event()
        self._claim: Claim | None = None
        self._claiming: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def working(self, drain_seconds: float) -> AsyncIterator[None]:
        """Work for as long as the context lasts, then drain for at most `drain_seconds`."""
        self._claiming = asyncio.create_task(self._claim_forever())
        watching = asyncio.create_task(self._watch_forever())
        try:
            yield
        finally:
            await self._drain(drain_seconds)
            watching.cancel()
            await asyncio.wait((watching,))

    async def stop_claiming(self) -> None:
        """Take no new work; what is under way goes on until the context of `working` ends."""
        if self._claiming is not None:
            self._claiming.cancel()

    async def _claim_forever(self) -> None:
        while True:
            free = self._concurrency - len(self._attempts)
            if free <= 0:
                self._slot_free.clear()
                await self._slot_free.wait()
                continue
            claim = Claim(self._new_id(), self._worker_id, self._types, free, self._lease_seconds)
            sent = self._workshop.clock.monotonic()
            self._claim = claim
            claimed = await self._claimed(claim)
            self._claim = None
            for job in claimed:
                self._begin(job, sent)

    async def _claimed(self, claim: Claim) -> Sequence[ClaimedJob]:
        """Ask until there is an answer: the same question, since an answer that was lost may have granted leases."""
        backoff = Backoff(self._workshop.uniform)
        away = False
        while True:
            try:
                claimed = await self._workshop.queue.claim(claim, wait=POLL_SECONDS)
            except TrackerUnavailable as error:
                if not away:
                    log.warning("JobTracker is away; asking on", error=str(error))
                away = True
            except TrackerRefusal as refusal:
                log.error("claim refused; asking on", refusal=str(refusal))  # noqa: TRY400 - the refusal says it all
            except Exception:  # the worker must outlive what one answer holds
                log.exception("claim failed; asking on")
            else:
                if away:
                    log.info("JobTracker is back")
                return claimed
            await self._workshop.clock.sleep(backoff.next())

    def _begin(self, job: ClaimedJob, sent: float) -> None:
        attempt = Attempt(job, sent, self._workshop)
        task = asyncio.create_task(attempt.run(), name=f"attempt {job.attempt} of {job.job_id}")
        self._attempts[task] = attempt
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        attempt = self._attempts.pop(task)
        self._slot_free.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attempt broke off; its lease will run out", job_id=attempt.claimed.job_id, exc_info=error)

    async def _watch_forever(self) -> None:
        """Hear directives, and connect again whenever the stream breaks; reports are the backstop meanwhile."""
        backoff = Backoff(self._workshop.uniform)
        while True:
            try:
                async with contextlib.aclosing(self._workshop.queue.watch_directives(self._worker_id)) as stream:
                    async for told in stream:
                        backoff.reset()
                        self._obey(told)
            except TrackerUnavailable as error:
                log.debug("directives broke off; connecting again", error=str(error))
            except TrackerRefusal as refusal:
                log.error("directives refused; connecting again", refusal=str(refusal))  # noqa: TRY400 - as above
            except Exception:  # the worker must outlive what one directive holds
                log.exception("directives failed; connecting again")
            await self._workshop.clock.sleep(backoff.next())

    def _obey(self, told: Told) -> None:
        for attempt in self._attempts.values():
            if not told.concerns(attempt.claimed.lease):
                continue
            if told.directive is Directive.CANCEL:
                attempt.stop(JobCancelled(told.reason or "the job was cancelled"), at_once=True)
            elif told.directive is Directive.PAUSE:
                attempt.stop(JobPaused(), at_once=True)
            elif told.directive is Directive.LEASE_LOST and told.fence:
                attempt.lose_lease(LeaseLost(told.reason or "JobTracker says that the lease is lost"))
            elif told.directive is Directive.LEASE_LOST:
                attempt.doubt_lease()

    async def _drain(self, seconds: float) -> None:
        """Stop at safe places; after half the time wherever the work waits; at the end, leave it to the lease."""
        await self.stop_claiming()
        if self._claiming is not None:
            await asyncio.wait((self._claiming,))
        clock = self._workshop.clock
        giving_back = asyncio.create_task(self._give_back_late_claims())
        for at_once in (False, True):
            for attempt in list(self._attempts.values()):
                attempt.stop(Draining(STOPPING), at_once=at_once)
            await ended_within([*self._attempts, giving_back], clock, seconds / 2)
        left = [*self._attempts, giving_back]
        for task in left:
            task.cancel()
        await asyncio.wait(left)

    async def _give_back_late_claims(self) -> None:
        """Give back what a claim that we broke off may have been granted: asked again, it answers with the same leases."""
        claim = self._claim
        if claim is None:
            return
        try:
            for job in await self._workshop.queue.claim(claim, wait=0.0):
                await self._workshop.queue.release(job.lease, STOPPING, progress=None, failures=())
        except (TrackerUnavailable, TrackerRefusal, LeaseLost) as error:
            log.warning("a claim could not be given back; its lease will run out", error=str(error))
