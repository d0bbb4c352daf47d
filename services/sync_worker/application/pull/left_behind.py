"""What a pull that nobody goes on with has left at Shopify: a bulk operation, which holds one of the app's few slots."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from sync_worker.application.ports.shopify_bulk import BulkState, ShopifyBulk
from sync_worker.application.pull.bulk_place import is_bulk_place, read_place
from sync_worker.application.pull.sources import PlaceUseless, PullSource, Step, Waiting
from sync_worker.domain.failures import OperationFailure

PATIENCE_SECONDS = 10.0
"""No longer a pull waits before it begins: an operation that goes on does no other harm, and ends by itself."""

log = structlog.get_logger()


class ClearingFirst:
    """`PullSource` that begins by cancelling the operation of the pull before it, where that is still under way."""

    def __init__(self, source: PullSource, bulk: ShopifyBulk, left: str) -> None:
        self.origin = source.origin
        self.metrics = source.metrics
        self._source = source
        self._bulk = bulk
        self._left = left

    @property
    def way(self) -> str:
        """That of the source; see `PullSource`."""
        return self._source.way

    async def steps(self, place: str | None) -> AsyncGenerator[Step | Waiting, None]:
        """Cancel, and read; see `PullSource`."""
        await abandon(self._bulk, self._left)
        async with aclosing(self._source.steps(place)) as steps:
            async for step in steps:
                yield step


async def abandon(bulk: ShopifyBulk, place: str) -> None:
    """Cancel the operation of a place that is given up. Only ours is in a place; what cannot be cancelled is left and logged.

    Raises:
        WorkStopped: The job's gate is shut.
    """
    if not is_bulk_place(place):
        return
    try:
        operation_id = read_place(place).operation_id
    except PlaceUseless:
        return
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            operation = await bulk.look(operation_id)
            if operation is not None and operation.state in (BulkState.CREATED, BulkState.RUNNING):
                await bulk.cancel(operation_id)
    except (OperationFailure, TimeoutError) as error:
        log.warning("bulk_operation_not_cancelled", operation_id=operation_id, error=str(error))
