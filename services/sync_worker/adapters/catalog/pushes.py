"""`PushCatalog` on a database: each method hands a unit of work to the runner."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from chassis.database import Database, DatabaseUnavailableError
from sqlalchemy import Connection

from sync_worker.adapters.catalog import (
    pushes_confirmed,
    pushes_intents,
    pushes_retries,
    pushes_selection,
    pushes_settling,
)
from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.job_runs import load_job_run, save_job_run
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import Fence, JsonValue
from sync_worker.application.ports.job_runs import JobRun
from sync_worker.application.ports.push_catalog import (
    Intent,
    ItemOutcome,
    PushScope,
    RetryChoice,
    SelectedChunk,
    Settlement,
)
from sync_worker.domain.failures import CatalogUnavailable, ItemFailure
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import Confirmed, Lane
from sync_worker.domain.requests import Selection

Answer = TypeVar("Answer")


class SqlPushCatalog:
    """Keeps what pushes plan with and what came of them; see `PushCatalog` for what each method promises."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def load(self, job_id: str) -> JobRun | None:
        """Read the place that an earlier attempt left."""
        return await _available(self._database.read(lambda c: load_job_run(c, job_id)))

    async def done_counts(self, job_id: str) -> Mapping[ItemOutcome, int]:
        """Count the items that the job is done with."""
        return await _available(self._database.read(lambda c: pushes_selection.done_counts(c, job_id)))

    async def count_selected(self, scope: PushScope, selection: Selection) -> int:
        """Count the selected mappings that the job is not done with."""
        return await _available(self._database.read(lambda c: pushes_selection.count(c, scope, selection)))

    async def selected(self, scope: PushScope, selection: Selection, place: str | None, limit: int) -> SelectedChunk:
        """Read the next selected mappings."""
        return await _available(
            self._database.read(lambda c: pushes_selection.chunk(c, scope, selection, place, limit))
        )

    async def mapping_ids(self, store_id: str, entity: Entity, nhanh_ids: Sequence[int]) -> Mapping[int, str]:
        """Find the mappings of Nhanh's objects."""
        return await _available(
            self._database.read(lambda c: pushes_selection.mapping_ids(c, store_id, entity, nhanh_ids))
        )

    async def confirmed(
        self, store_id: str, lane: Lane, owner_ids: Sequence[int]
    ) -> Mapping[tuple[int, int], Confirmed]:
        """Read what Shopify last confirmed."""
        return await _available(self._database.read(lambda c: pushes_confirmed.confirmed(c, store_id, lane, owner_ids)))

    async def pushed_by(self, scope: PushScope, mapping_ids: Sequence[str]) -> frozenset[tuple[str, str, int]]:
        """Find what this job has written already."""
        return await _available(self._database.read(lambda c: pushes_settling.pushed_by(c, scope, mapping_ids)))

    async def failures_of(self, scope: PushScope) -> Sequence[ItemFailure]:
        """Read the failures of items that the job is done with."""
        return await _available(self._database.read(lambda c: pushes_settling.failures_of(c, scope)))

    async def open_intents(self, store_id: str, entity: Entity) -> Sequence[Intent]:
        """Read the writes whose outcome nobody has stored."""
        return await _available(self._database.read(lambda c: pushes_intents.open_intents(c, store_id, entity)))

    async def store_intent(self, scope: PushScope, intent: Intent) -> None:
        """Store a write before its call."""
        await _available(self._database.write(lambda c: pushes_intents.store_intent(c, scope, intent)))

    async def settle(self, scope: PushScope, settlement: Settlement) -> None:
        """Store what an answer decided."""
        now = self._clock.now_micros()
        await _available(self._database.write(lambda c: pushes_settling.settle(c, scope, settlement, now)))

    async def choose_retries(
        self, store_id: str, entities: Sequence[Entity], job_id: str, limit: int, *, include_permanent: bool
    ) -> RetryChoice:
        """Choose failed mappings that may be tried again now."""
        wanted = pushes_retries.Wanted(store_id, tuple(entities), job_id, limit, include_permanent)
        now = self._clock.now_micros()
        return await _available(self._database.read(lambda c: pushes_retries.choose(c, wanted, now)))

    async def finish(
        self, job_id: str, fence: Fence, state: Mapping[str, JsonValue], result: Mapping[str, JsonValue]
    ) -> None:
        """Store the final state and result."""
        now = self._clock.now_micros()

        def unit(connection: Connection) -> None:
            raise_fence(connection, fence)
            pushes_settling.forget_done(connection, job_id)
            save_job_run(connection, job_id, now=now, cursor=None, state=state, result=result)

        await _available(self._database.write(unit))


async def _available(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except DatabaseUnavailableError as error:
        raise CatalogUnavailable(str(error)) from error
