"""A pull from its first step to its end.

The place reached is stored with the rows, so that an attempt after a crash goes on at the step where the last one stopped.
"""

import contextlib
import hashlib
from dataclasses import asdict

import orjson

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.pull_catalog import PullCatalog, PullScope
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.choosing import source_of
from sync_worker.application.pull.mirrored import MirrorOfPull
from sync_worker.application.pull.telling import Telling
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import PullFilter, PullRequest


async def run_pull(
    job: JobContext,
    request: PullRequest,
    *,
    operation: Operation,
    vendors: Vendors,
    catalog: PullCatalog,
    clock: Clock,
) -> OperationResult:
    """Mirror what the vendor tells of; rows that a full pull without a filter did not see are marked gone.

    A row that cannot be read fails alone: what is stored of it stays as it was, and it is not gone. An INCREMENTAL pull
    comes upon it again once it is mended at the vendor, which is a change; where our reading is mended, a FULL one does.

    Raises:
        VendorFailure: The place reached is kept, and the next attempt or the next pull goes on from it.
        GuardTripped: MASS_GONE_GUARD.
        WorkStopped: The attempt ends at a page; the next goes on.
    """
    scope = PullScope(
        job.store.store_id, operation, filter_hash(request.filter), _is_open(request.filter), job.job_id, job.fence
    )
    place = await catalog.open(scope, request.mode)
    mirrored = MirrorOfPull(catalog, scope, place)
    source = source_of(request.filter, place, job, vendors, clock, mirrored)
    telling = Telling(place, request.mode, source)
    if place.finished:
        return telling.result(place)
    await job.report(telling.progress(place))
    if not place.read_to_end:
        async with contextlib.aclosing(source.steps(place.cursor)) as steps:
            async for step in steps:
                job.check()
                began = clock.monotonic()
                place = await catalog.store_page(
                    scope,
                    place,
                    step.rows,
                    step.place,
                    read_time=step.read_time,
                    refused=[row.vendor_id for row in step.refused],
                )
                telling.write_seconds += clock.monotonic() - began
                await job.report(telling.progress(place), telling.failures(step.refused))
    job.check()
    place = await catalog.finish(scope, place, max_gone_percent=job.store.max_gone_percent)
    return telling.result(place)


def filter_hash(wanted: PullFilter) -> str:
    """Name a filter: the same conditions have the same name, in whatever order a list of them came."""
    conditions = {
        name: sorted(set(value)) if isinstance(value, tuple) else value for name, value in asdict(wanted).items()
    }
    canonical = orjson.dumps([type(wanted).__name__, conditions], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def _is_open(wanted: PullFilter) -> bool:
    return wanted == type(wanted)()
