"""How a pull gets its bulk operation: the one that an earlier attempt left, or else a new one."""

from dataclasses import dataclass

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.shopify_bulk import (
    BEGINNING,
    BulkList,
    BulkOperation,
    ShopifyBulk,
    SlotsTaken,
    UnusableResult,
)
from sync_worker.application.pull.bulk_place import BulkPlace, read_place
from sync_worker.application.pull.pace import Pace
from sync_worker.application.pull.sources import Waiting
from sync_worker.domain.failures import VendorUnavailable

SLOT_WAIT_SECONDS = 600.0
"""So long a pull waits for one of the five operations that an app may have under way in a shop."""

MOST_UNKNOWN_STARTS = 3
"""So often a start without an answer is looked after and made again."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The operation that is read, as it was last seen, and the place in it."""

    operation: BulkOperation
    place: BulkPlace


class BulkBeginning:
    """Finds or starts the operation of one pull, which `began` at Unix microseconds."""

    def __init__(
        self, bulk: ShopifyBulk, wanted: BulkList, pull_id: str, began: int, job: JobContext, clock: Clock
    ) -> None:
        self._bulk = bulk
        self._wanted = wanted
        self._pull_id = pull_id
        self._began = began
        self._job = job
        self._clock = clock
        self._pace = Pace(clock, first_seconds=1.0, longest_seconds=20.0)
        self._taken = False

    async def find(self, place: str | None) -> Begun | None:
        """Find the operation of a place, or one that was started and not noted down; None where one has to be started.

        An operation that came to nothing before anything was read of it is replaced.

        Raises:
            PlaceUseless: The place was not written by this release.
            UnusableResult: The operation came to nothing after something was read of it.
            VendorFailure: As `ShopifyBulk` says.
        """
        if place is not None:
            kept = read_place(place)
            operation = await self._bulk.look(kept.operation_id)
            if operation is not None and operation.state.promising:
                return Begun(operation, kept)
            if kept.position != BEGINNING:
                state = "unknown to Shopify" if operation is None else operation.state.value
                raise UnusableResult("BULK_RESULT_GONE", f"the bulk operation that was being read is {state}")
        return await self._left_behind()

    async def _left_behind(self) -> Begun | None:
        """Find an operation of which only Shopify knows: an attempt died between starting it and noting it down."""
        operation = await self._bulk.find(self._pull_id)
        return None if operation is None else Begun(operation, BulkPlace(operation.operation_id, self._began))

    async def start(self) -> Begun | Waiting:
        """Start an operation; where there is no slot for it, say so. Called again, it waits a while and tries again.

        Raises:
            VendorFailure: BULK_SLOTS_TAKEN, and as `ShopifyBulk` says.
        """
        if self._taken:
            await self._pace.rest()
        unknown = 0
        while True:
            read_time = self._clock.now_micros()
            try:
                outcome = await self._bulk.start(self._wanted, self._pull_id)
            except VendorUnavailable as lost:
                unknown += 1
                if not lost.outcome_unknown or unknown > MOST_UNKNOWN_STARTS:
                    raise
                await self._pace.rest()
                if (found := await self._left_behind()) is not None:
                    return found
                continue
            if isinstance(outcome, BulkOperation):
                return Begun(outcome, BulkPlace(outcome.operation_id, read_time))
            self._job.check()
            return self._waiting_for_a_slot(outcome)

    def _waiting_for_a_slot(self, taken: SlotsTaken) -> Waiting:
        if self._pace.rested >= SLOT_WAIT_SECONDS:
            message = f"no bulk operation could be started for {SLOT_WAIT_SECONDS / 60:g} minutes: {taken.message}"
            raise VendorUnavailable("shopify", "BULK_SLOTS_TAKEN", message)
        self._taken = True
        return Waiting(f"waits until Shopify runs another bulk operation of the app: {taken.message}")
