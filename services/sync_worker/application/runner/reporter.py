"""Reports of one attempt: throttled, never lost, and its heartbeat.

One report is under way at a time. It is repeated, unchanged and with its sequence, until JobTracker answers, so each is applied
exactly once. What comes meanwhile waits: of progress the latest, of failures the latest of each item and stage.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.work_queue import MAX_FAILURES, Directive, LeaseGrant, Report, WorkQueue
from sync_worker.application.refusals import TrackerUnavailable
from sync_worker.application.runner.backoff import Backoff
from sync_worker.application.runner.lease import Lease
from sync_worker.application.runner.stopping import Stopping
from sync_worker.application.runner.waiting import event_within
from sync_worker.domain.failures import ItemFailure, JobCancelled, JobPaused, LeaseLost, WorkStopped
from sync_worker.domain.progress import Progress

log = structlog.get_logger()

THROTTLE_SECONDS = 0.2
"""Reports of progress are at least so far apart."""

MOST_WAITING = 10 * MAX_FAILURES
"""With so many failures unsent, an operation waits for the network."""


class Reporter:
    """Says where one attempt stands, and hears what is wanted of it."""

    def __init__(
        self,
        queue: WorkQueue,
        grant: LeaseGrant,
        lease: Lease,
        stopping: Stopping,
        clock: Clock,
        uniform: Callable[[float, float], float],
    ) -> None:
        self.latest: Progress | None = None
        self.lost = False
        """JobTracker has said that the lease is not ours any more: nothing is to be called under it."""
        self.refusal: Exception | None = None
        """A report broke the contract's rules: the operation is at fault, and from then on only the lease is renewed."""
        self._queue = queue
        self._grant = grant
        self._lease = lease
        self._stopping = stopping
        self._clock = clock
        self._uniform = uniform
        self._fresh = False
        self._failures: dict[tuple[str, str], ItemFailure] = {}
        self._sequence = 0
        self._sent = clock.monotonic()
        self._renew_now = False
        self._closing = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def report(self, progress: Progress, failures: Sequence[ItemFailure] = ()) -> None:
        """Take what an operation says; see `JobContext.report`."""
        waiting = self._pending
        self.latest, self._fresh = progress, True
        self._take(failures)
        if not waiting or len(self._failures) > MAX_FAILURES:
            self._wake.set()
        await self._room.wait()

    def renew(self) -> None:
        """Renew the lease at once rather than when it is due."""
        self._renew_now = True
        self._wake.set()

    def lose(self, lost: LeaseLost) -> None:
        """Take it from JobTracker that the lease is not ours any more."""
        self.lost = True
        self._room.set()
        self._wake.set()
        self._stopping.ask(lost, at_once=True)

    async def keep(self) -> None:
        """Send what there is, and renew the lease when nothing is said, until `finish` or until the lease is lost."""
        while await self._due():
            await self._send()

    async def finish(self, keeping: "asyncio.Task[None]", failures: Sequence[ItemFailure] = ()) -> list[ItemFailure]:
        """End the reports; what of the failures, with these, is left for the final call (at most MAX_FAILURES)."""
        self._take(failures)
        self._closing = True
        self._wake.set()
        await keeping
        while len(self._failures) > MAX_FAILURES and not self.lost:
            await self._send()
        return list(self._failures.values())

    @property
    def _pending(self) -> bool:
        return self._fresh or bool(self._failures)

    async def _due(self) -> bool:
        """Wait until a report is due; False when there is to be none."""
        while not (self._closing or self.lost):
            self._wake.clear()
            if self._renew_now or len(self._failures) > MAX_FAILURES:
                return True
            pause = THROTTLE_SECONDS if self._pending else self._lease.renew_after
            wait = self._sent + pause - self._clock.monotonic()
            if wait <= 0:
                return True
            await event_within(self._wake, self._clock, wait)
        return False

    async def _send(self) -> None:
        progress, self._fresh = (self.latest if self._fresh else None), False
        chunk = dict(list(self._failures.items())[:MAX_FAILURES])
        self._renew_now = False
        self._sequence += 1
        report = Report(self._sequence, progress, tuple(chunk.values()))
        backoff = Backoff(self._uniform)
        repeated = False
        while True:
            self._sent = self._clock.monotonic()
            try:
                answer = await self._queue.update(self._grant, report)
                break
            except TrackerUnavailable as error:
                if not repeated:
                    log.warning("report not answered; trying on", error=str(error))
                repeated = True
                await self._clock.sleep(backoff.next())
            except LeaseLost as lost:
                self.lose(lost)
                return
            except Exception as refusal:  # JobTracker refused what was reported, or it cannot even be sent
                self._refused(refusal)
                return
        self._lease.renewed(self._sent)
        if answer.applied or repeated:  # a repeat that was not applied had been applied the first time
            self._forget(chunk)
        else:
            log.warning("report passed over for a later one", sequence=report.sequence)
            self._fresh = self._fresh or progress is not None
        if answer.directive is Directive.CANCEL:
            self._stopping.ask(JobCancelled("the job was cancelled"), at_once=True)
        elif answer.directive is Directive.PAUSE:
            self._stopping.ask(JobPaused(), at_once=True)
        elif answer.directive is Directive.LEASE_LOST:
            self.lose(LeaseLost("JobTracker says that the lease is lost"))

    def _take(self, failures: Sequence[ItemFailure]) -> None:
        if self.refusal is not None:
            self._fresh = False
            return
        for failure in failures:
            key = (failure.item_key, failure.stage)
            self._failures.pop(key, None)
            self._failures[key] = failure
        if len(self._failures) >= MOST_WAITING:
            self._room.clear()

    def _forget(self, chunk: dict[tuple[str, str], ItemFailure]) -> None:
        for key, failure in chunk.items():
            if self._failures.get(key) is failure:  # else a later failure of the item has taken its place
                del self._failures[key]
        if len(self._failures) < MOST_WAITING:
            self._room.set()

    def _refused(self, refusal: Exception) -> None:
        self.refusal = refusal
        self.latest, self._fresh = None, False
        self._failures.clear()
        self._room.set()
        self._stopping.ask(WorkStopped(f"a report was refused: {refusal}"), at_once=True)
