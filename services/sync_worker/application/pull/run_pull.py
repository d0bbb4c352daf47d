"""A pull from its first step to its end.

The place reached is stored with the rows, so that an attempt after a crash goes on at the step where the last one stopped.
"""

import contextlib
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict

import orjson

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PreparedRows, PullCatalog, PullPlace, PullScope
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.ahead import ahead
from sync_worker.application.pull.choosing import begun_otherwise, reads_levels, source_of
from sync_worker.application.pull.mirrored import MirrorOfPull
from sync_worker.application.pull.sources import PlaceUseless, PullSource, Step, Waiting
from sync_worker.application.pull.telling import Telling
from sync_worker.domain.failures import OperationFailure
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
        VendorFailure: The place reached is kept, and the next attempt or the next pull goes on from it; where the source
            says that the place is useless, the next begins anew.
        OperationFailure: ROWS_MISSING: fewer came than the vendor has counted; the next begins anew.
        GuardTripped: MASS_GONE_GUARD.
        WorkStopped: The attempt ends at a page; the next goes on.
    """
    scope = PullScope(
        job.store.store_id,
        operation,
        filter_hash(request.filter),
        _is_open(request.filter),
        job.job_id,
        job.fence,
        reads_levels=reads_levels(request, job.store),
    )
    place = await catalog.open(scope, request.mode)
    if begun_otherwise(request, place):
        await catalog.give_up(scope, place)
        place = await catalog.open(scope, request.mode)
    mirrored = MirrorOfPull(catalog, scope, place.pull_id, scope.marks_gone_in(place.mode))
    source = source_of(request, place, job, vendors, clock, mirrored)
    telling = Telling(place, request.mode, source)
    if place.finished:
        return telling.result(place)
    await job.report(telling.progress(place), telling.failures(await _told_before(catalog, scope, place)))
    if not place.read_to_end:
        try:
            place = await _read(job, scope, place, source, catalog, telling, clock)
        except PlaceUseless as useless:
            await catalog.give_up(scope, place)
            raise useless.failure from None
    job.check()
    place = await catalog.finish(scope, place, max_gone_percent=job.store.max_gone_percent)
    return telling.result(place)


async def _read(
    job: JobContext,
    scope: PullScope,
    place: PullPlace,
    source: PullSource,
    catalog: PullCatalog,
    telling: Telling,
    clock: Clock,
) -> PullPlace:
    """Store step after step, each while the next is got ready; the place behind the last one."""
    async with contextlib.aclosing(source.steps(place.cursor)) as steps:

        async def prepared() -> AsyncGenerator[tuple[Step | Waiting, PreparedRows], None]:
            async for step in steps:
                yield step, () if isinstance(step, Waiting) else await catalog.prepare(scope, step.rows)

        async with contextlib.aclosing(ahead(prepared())) as ready:
            async for step, rows in ready:
                job.check()
                if isinstance(step, Waiting):
                    telling.waiting(step)
                    await job.report(telling.progress(place))
                    continue
                _must_have_all(step, place)
                began = clock.monotonic()
                place = await catalog.store_step(
                    scope,
                    place,
                    rows,
                    step.place,
                    read_time=step.read_time,
                    refused=step.refused,
                    pages=step.pages,
                    levels=step.levels,
                )
                telling.stored(step, clock.monotonic() - began)
                await job.report(telling.progress(place), telling.failures(step.refused))
    return place


def _must_have_all(step: Step, place: PullPlace) -> None:
    """Hold what was counted, each row once, against what there should be, behind the last step.

    A row that came twice may stand for one that did not come.

    Raises:
        PlaceUseless: Rows are missing.
    """
    if step.place is not None:
        return
    came = {"rows": (step.expected, place.counts.rows + place.counts.failed)}
    if place.levels is not None:
        came["stock levels"] = (step.expected_levels, place.levels.told)
    for what, (expected, counted) in came.items():
        if expected is not None and counted < expected:
            message = (
                f"{expected} {what} were to come, and only {counted} different ones came; nothing is marked as gone"
            )
            raise PlaceUseless(OperationFailure("ROWS_MISSING", message, retryable=True))


async def _told_before(catalog: PullCatalog, scope: PullScope, place: PullPlace) -> Sequence[RowRefusal]:
    """Find the unreadable rows that earlier attempts came upon: one that crashed may not have told of them."""
    return await catalog.refused(scope, place) if place.counts.failed else ()


def filter_hash(wanted: PullFilter) -> str:
    """Name a filter: the same conditions have the same name, in whatever order a list of them came."""
    conditions = {
        name: sorted(set(value)) if isinstance(value, tuple) else value for name, value in asdict(wanted).items()
    }
    canonical = orjson.dumps([type(wanted).__name__, conditions], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def _is_open(wanted: PullFilter) -> bool:
    return wanted == type(wanted)()
