"""Tells JobTracker what this worker can do."""

from collections.abc import Callable

import structlog

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.work_queue import WorkQueue
from sync_worker.application.refusals import TrackerRefusal, TrackerUnavailable
from sync_worker.application.runner.backoff import Backoff
from sync_worker.domain.operations import SPECS

log = structlog.get_logger()


async def register_until_done(queue: WorkQueue, clock: Clock, uniform: Callable[[float, float], float]) -> None:
    """Register every job type with its label and variants, trying on while JobTracker is away."""
    backoff = Backoff(uniform)
    while True:
        try:
            await queue.register_types(tuple(SPECS.values()))
        except TrackerUnavailable as error:
            log.debug("job types not registered yet; trying on", error=str(error))
        except TrackerRefusal as refusal:
            log.error("job types refused; trying on", refusal=str(refusal))  # noqa: TRY400 - the refusal says it all
        else:
            log.info("job types registered", types=len(SPECS))
            return
        await clock.sleep(backoff.next())
