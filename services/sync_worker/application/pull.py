"""The four pulls: page after page from a vendor into the catalog.

The place reached is stored with the rows, so that an attempt after a crash goes on at the page where the last one
stopped. The next page is fetched while the last is written: never more than one page ahead.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.pages import Page, RowRefusal
from sync_worker.application.ports.pull_catalog import MirrorRow, PullCatalog, PullPlace, PullScope
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull_sources import PullSource, source_of
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.progress import Progress
from sync_worker.domain.pulls import OVERLAP_SECONDS, PullCounts
from sync_worker.domain.requests import PullFilter, PullMode, PullRequest

STAGE = "pull"
UNREADABLE = "UNREADABLE_ROW"


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
    source = source_of(request.filter, place.since, job, vendors)
    telling = _Telling(place, request.mode, source)
    if place.finished:
        return telling.result(place)
    await job.report(telling.progress(place))
    if not place.read_to_end:
        async with contextlib.aclosing(_pages(source, place.cursor, clock)) as pages:
            async for fetched in pages:
                job.check()
                began = clock.monotonic()
                page = fetched.page
                place = await catalog.store_page(
                    scope,
                    place,
                    page.rows,
                    page.next_cursor,
                    read_time=fetched.read_time,
                    refused=[row.vendor_id for row in page.refused],
                )
                telling.write_seconds += clock.monotonic() - began
                await job.report(telling.progress(place), telling.failures(page.refused))
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


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A page, and when it was asked for (Unix microseconds)."""

    page: Page[MirrorRow]
    read_time: int


async def _pages(source: PullSource, cursor: str | None, clock: Clock) -> AsyncGenerator[_Fetched, None]:
    """Read to the end of the list; while a page is worked on, the next is on its way."""

    async def fetch(cursor: str | None) -> _Fetched:
        read_time = clock.now_micros()
        return _Fetched(await source.page(cursor), read_time)

    coming: asyncio.Task[_Fetched] | None = asyncio.create_task(fetch(cursor))
    try:
        while coming is not None:
            fetched = await coming
            following = fetched.page.next_cursor
            coming = None if following is None else asyncio.create_task(fetch(following))
            yield fetched
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


class _Telling:
    """How a pull says where it stands. Counts of rows go over all attempts, costs over this one."""

    def __init__(self, begun_at: PullPlace, asked: PullMode, source: PullSource) -> None:
        self._source = source
        self._resumed = begun_at.counts.pages > 0
        self._introduction = _introduction(begun_at, asked)
        self.write_seconds = 0.0

    def progress(self, place: PullPlace) -> Progress:
        """Say how many rows there were so far; how many there will be is not known."""
        counts = place.counts
        words = f"{self._introduction}; {counts.rows} rows in {counts.pages} pages so far{_unreadable(counts)}"
        return Progress(
            successful=counts.rows, failed=counts.failed, phase="reading", message=words, metrics=self._metrics(place)
        )

    def failures(self, refused: Sequence[RowRefusal]) -> list[ItemFailure]:
        """Say which rows failed. Trying again cannot help: the vendor has to mend them."""
        origin = self._source.origin
        return [
            ItemFailure(f"{origin.lower()}:{row.vendor_id}", STAGE, origin, UNREADABLE, row.message, retryable=False)
            for row in refused
        ]

    def result(self, place: PullPlace) -> OperationResult:
        """Say how it ended."""
        counts = place.counts
        words = (
            f"{counts.rows} rows: {counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, "
            f"{counts.gone} gone{_unreadable(counts)} ({self._introduction})"
        )
        progress = Progress(
            total=counts.rows + counts.failed,
            successful=counts.rows,
            failed=counts.failed,
            phase="done",
            message=words,
            metrics=self._metrics(place),
        )
        result: dict[str, JsonValue] = {
            "mode": place.mode.value,
            "pull_id": place.pull_id,
            "resumed": self._resumed,
            **asdict(counts),
        }
        return OperationResult(progress, result, words)

    def _metrics(self, place: PullPlace) -> dict[str, float]:
        spent: VendorMetrics = self._source.metrics
        metrics = {
            **{name: float(count) for name, count in asdict(place.counts).items()},
            "api_calls": float(spent.api_calls),
            "api_seconds": spent.api_seconds,
            "rate_limit_wait_seconds": spent.rate_limit_wait_seconds,
            "write_seconds": self.write_seconds,
        }
        if self._source.has_points:
            metrics["api_points"] = spent.api_points
        return metrics


def _unreadable(counts: PullCounts) -> str:
    if not counts.failed:
        return ""
    return f"; {counts.failed} more cannot be read and stay as they were"


def _introduction(begun_at: PullPlace, asked: PullMode) -> str:
    """Say what is read, and why it is more than what was asked for."""
    if begun_at.since is not None:
        since = datetime.fromtimestamp(begun_at.since, UTC)
        words = f"changes since {since:%Y-%m-%d %H:%M} UTC, {OVERLAP_SECONDS // 60} minutes of overlap included"
    elif asked is PullMode.INCREMENTAL:
        words = "everything, since no pull of this kind has finished before"
    else:
        words = "everything that the filter lets through"
    if begun_at.outdated_hours is not None:
        words += f"; from the beginning, since the unfinished pull was {begun_at.outdated_hours} hours old"
    elif begun_at.counts.pages:
        words += f"; from page {begun_at.counts.pages + 1} on, where an earlier attempt stopped"
    return words
