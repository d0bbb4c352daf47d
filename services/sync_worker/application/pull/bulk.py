"""A list that Shopify gathers into one file, by a bulk operation, and that is read from there as a stream.

The operation outlives whoever started it. Its id is stored before it is waited for, and its query bears the pull's name, so that
the next attempt goes on with it wherever the last one died: while it is being started, gathered or read.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.pull_catalog import PullPlace
from sync_worker.application.ports.shopify_bulk import (
    BulkList,
    BulkOperation,
    BulkState,
    ShopifyBulk,
    UnusableResult,
)
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.pull.ahead import ahead
from sync_worker.application.pull.bulk_begin import Begun, BulkBeginning
from sync_worker.application.pull.bulk_place import BulkPlace
from sync_worker.application.pull.pace import Pace
from sync_worker.application.pull.sources import PlaceUseless, Step, Waiting
from sync_worker.domain.failures import AccessRefused, JobCancelled, Origin, SyncFailure, WorkStopped

FIRST_LOOK_SECONDS = 0.05
LONGEST_LOOK_SECONDS = 3.0

STALLED_SECONDS = 30 * 60.0
"""An operation whose state and count stay the same for so long is given up."""

TOUCH_SECONDS = 10.0
"""So often it is told how far an operation is, and its place stored again, which keeps it from being outdated."""

FAREWELL_SECONDS = 10.0
"""No longer is tried to cancel the operation of a job that is cancelled."""

log = structlog.get_logger()


class BulkSource:
    """`PullSource` over one bulk operation; its id and how far its result has been read are the place.

    `farewell` reaches the same operations when the job is cancelled and its own gate is shut.
    """

    origin = Origin.SHOPIFY
    way = "by a bulk operation"

    def __init__(
        self,
        bulk: ShopifyBulk,
        farewell: ShopifyBulk,
        metrics: VendorMetrics,
        wanted: BulkList,
        pull: PullPlace,
        job: JobContext,
        clock: Clock,
    ) -> None:
        self.metrics = metrics
        self._bulk = bulk
        self._farewell = farewell
        self._wanted = wanted
        self._job = job
        self._clock = clock
        self._operation: BulkOperation | None = None
        self._beginning = BulkBeginning(bulk, wanted, pull.pull_id, pull.began, job, clock)

    async def steps(self, place: str | None) -> AsyncGenerator[Step | Waiting, None]:
        """Find or start the operation, wait for it, and read its result to the end; see `PullSource`."""
        try:
            begun: Begun | Waiting | None = await self._beginning.find(place)
            while not isinstance(begun, Begun):
                begun = await self._beginning.start()
                if isinstance(begun, Waiting):
                    yield begun
            self._operation = begun.operation
            if begun.place.written() != place:
                yield _standing(begun.place, begun.operation)
            async with aclosing(self._waited_for(begun.place)) as touches:
                async for touch in touches:
                    yield touch
            async with aclosing(self._read(begun.place, _whole(self._operation or begun.operation))) as steps:
                async for step in steps:
                    yield step
        except UnusableResult as failure:
            raise PlaceUseless(failure) from failure
        finally:
            await self._part()

    async def _waited_for(self, place: BulkPlace) -> AsyncGenerator[Step, None]:
        """Look until the operation has ended, and tell now and then how far it is."""
        pace = Pace(self._clock, first_seconds=FIRST_LOOK_SECONDS, longest_seconds=LONGEST_LOOK_SECONDS)
        moved = touched = self._clock.monotonic()
        while (operation := self._operation) is not None and operation.state.under_way:
            await pace.rest()
            self._operation = await self._bulk.look(place.operation_id)
            if self._operation is None:
                raise UnusableResult("BULK_RESULT_GONE", "Shopify does not know its bulk operation any more")
            now = self._clock.monotonic()
            if _moved(operation, self._operation):
                moved = now
            elif now - moved >= STALLED_SECONDS:
                await self._cancel(self._bulk, place.operation_id)
                raise UnusableResult("BULK_STALLED", _stalled(self._operation))
            if now - touched >= TOUCH_SECONDS:
                touched = now
                yield _standing(place, self._operation)

    async def _read(self, place: BulkPlace, operation: BulkOperation) -> AsyncGenerator[Step, None]:
        """Read the result, one chunk ahead, and hold what came against what Shopify says there is."""
        position = place.position
        if operation.url is not None:
            async with (
                aclosing(self._bulk.read(operation, self._wanted, position)) as chunks,
                aclosing(ahead(chunks)) as ready,
            ):
                async for chunk in ready:
                    position = chunk.behind
                    yield Step(
                        chunk.rows,
                        place.at(position).written(),
                        place.read_time,
                        chunk.refused,
                        expected=operation.roots,
                        levels=chunk.levels,
                    )
        if (position.lines, position.roots) != (operation.objects, operation.roots):
            message = (
                f"Shopify gathered {operation.objects} objects, {operation.roots} of them rows, and its file has "
                f"{position.lines}, {position.roots} of them rows"
            )
            raise UnusableResult("BULK_MISMATCH", message)
        children = operation.objects - operation.roots
        yield Step((), None, place.read_time, pages=0, expected=operation.roots, expected_levels=children)

    async def _part(self) -> None:
        """Leave an operation that is under way to the next attempt, unless there is none since the job is cancelled."""
        operation = self._operation
        if operation is None or not operation.state.under_way:
            return
        try:
            self._job.check()
        except JobCancelled:
            await self._cancel(self._farewell, operation.operation_id)
        except WorkStopped:
            return

    async def _cancel(self, bulk: ShopifyBulk, operation_id: int) -> None:
        """Try to cancel our operation: one that goes on does no harm but holds one of the app's few slots."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await bulk.cancel(operation_id)
        except (SyncFailure, TimeoutError) as error:
            log.warning("bulk_operation_not_cancelled", operation_id=operation_id, error=str(error))


def _standing(place: BulkPlace, operation: BulkOperation) -> Step:
    note = f"Shopify has gathered {operation.objects} objects for it so far"
    return Step((), place.written(), place.read_time, pages=0, note=note)


def _moved(before: BulkOperation, now: BulkOperation) -> bool:
    return (before.state, before.objects) != (now.state, now.objects)


def _whole(operation: BulkOperation) -> BulkOperation:
    """Take an operation that has ended well, and no other.

    Nothing is read of the part that Shopify keeps of one that has not: what is missing from it would count as gone.
    """
    if operation.state is BulkState.COMPLETED:
        return operation
    kept = "; the part of its result that Shopify keeps is not used" if operation.partial else ""
    if operation.error_code == "ACCESS_DENIED":
        message = f"the app may not read all that its bulk operation asks for: grant it the scopes that it needs{kept}"
        raise AccessRefused("shopify", "ACCESS_DENIED", message)
    said = f" ({operation.error_code})" if operation.error_code else ""
    message = f"the bulk operation ended as {operation.state.value}{said} after {operation.objects} objects{kept}"
    raise UnusableResult(f"BULK_{operation.state.value}", message)


def _stalled(operation: BulkOperation) -> str:
    return (
        f"the bulk operation stood still for {STALLED_SECONDS / 60:g} minutes, {operation.state.value} with "
        f"{operation.objects} objects, and was given up"
    )
