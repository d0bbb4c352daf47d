"""The catalog, as pushes use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sync_worker.application.ports.job import Fence, JsonValue
from sync_worker.application.ports.job_runs import JobRun
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.mappings import Entity, MappingStatus
from sync_worker.domain.push_plan import Confirmed, Entry, Lane, ValueKind
from sync_worker.domain.requests import Selection


@dataclass(frozen=True, slots=True)
class PushScope:
    """Whose rows a push touches, and on behalf of which attempt."""

    store_id: str
    entity: Entity
    job_id: str
    fence: Fence


@dataclass(frozen=True, slots=True)
class PushRow:
    """A mapping that may be pushed, with what the catalog knows of both sides. Amounts are ten-thousandths."""

    mapping_id: str
    nhanh_id: int
    shopify_id: int
    shopify_product_id: int | None
    inventory_item_id: int | None
    status: MappingStatus
    attempts: int
    nhanh_known: bool
    """The catalog has the Nhanh object, and no full pull has missed it since."""
    shopify_gone: bool
    """A full pull did not see the Shopify object any more."""
    price_retail: int | None = None
    price_old: int | None = None
    shopify_quantity: int | None = None
    """Pieces over all locations, as last pulled from Shopify."""
    total_spent: int | None = None
    failed_lanes: Mapping[Lane, bool] = field(default_factory=dict)
    """Which of its writes are left failed, and whether time may heal each."""


@dataclass(frozen=True, slots=True)
class Unpushable:
    """A selected id that no push takes; `status` None: there is no such mapping in this store and entity."""

    mapping_id: str
    nhanh_id: int | None
    status: MappingStatus | None


@dataclass(frozen=True, slots=True)
class SelectedChunk:
    """Mappings that the job is not done with yet; `next_place` None: there are no more."""

    rows: Sequence[PushRow]
    unpushable: Sequence[Unpushable]
    next_place: str | None


@dataclass(frozen=True, slots=True)
class Intent:
    """A write to Shopify, stored before its call. `create_time` is Unix microseconds."""

    intent_id: str
    lane: Lane
    idempotency_key: str
    entries: tuple[Entry, ...]
    job_id: str
    create_time: int


class IntentOutcome(StrEnum):
    """What became of a write."""

    APPLIED = "applied"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    READ_BACK = "read_back"


class ItemOutcome(StrEnum):
    """How a job is done with an item."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class DoneItem:
    """An item that the job is done with; a failed one carries its failures, the first of which its mapping shows.

    What became of its `lanes` replaces what the mapping said of them: it is SYNCED once none of any lane is left failed.
    Without lanes nothing was found out, and the mapping stays as it is.
    """

    mapping_id: str
    outcome: ItemOutcome
    lanes: frozenset[Lane] = frozenset()
    pushed: bool = False
    failures: tuple[ItemFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class LogLine:
    """One pushed (or refused) value with the one before it."""

    mapping_id: str
    aspect: str
    location_id: int | None
    old: int | None
    new: int | None
    failure: ItemFailure | None = None


@dataclass(frozen=True, slots=True)
class ConfirmedValue:
    """A value that Shopify confirmed, by a write or a reading, at `time` (Unix microseconds)."""

    kind: ValueKind
    owner_id: int
    location_id: int
    value: int | None
    time: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything that one answer decides, stored in one transaction.

    `forgotten` are owners that Shopify does not have any more: nothing about them stays confirmed. `log_job_id` is the
    job that sent the write, where it is not the one that settles it.
    """

    intent: tuple[str, IntentOutcome] | None = None
    confirmed: Sequence[ConfirmedValue] = ()
    forgotten: Sequence[tuple[Lane, int]] = ()
    log: Sequence[LogLine] = ()
    log_job_id: str | None = None
    items: Sequence[DoneItem] = ()
    state: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryChoice:
    """Failed mappings to push again, oldest failure first, and how many were left out and why."""

    mapping_ids: Mapping[Entity, tuple[str, ...]]
    resting: int
    """Failed again a short while ago."""
    exhausted: int
    """Failed so often that they need a person."""
    permanent: int
    """Failed for a cause that time does not heal."""


class PushCatalog(Protocol):
    """Keeps what pushes plan with and what came of them.

    Every method raises `CatalogUnavailable`; every writing one raises `LeaseLost` when a later attempt has begun, and
    then stores nothing.
    """

    async def load(self, job_id: str) -> JobRun | None:
        """Read the place that an earlier attempt left, None at the first."""
        ...

    async def done_counts(self, job_id: str) -> Mapping[ItemOutcome, int]:
        """Count the items that the job is done with."""
        ...

    async def count_selected(self, scope: PushScope, selection: Selection) -> int:
        """Count the selected mappings that the job is not done with."""
        ...

    async def selected(self, scope: PushScope, selection: Selection, place: str | None, limit: int) -> SelectedChunk:
        """Read the next selected mappings that the job is not done with; None begins."""
        ...

    async def mapping_ids(self, store_id: str, entity: Entity, nhanh_ids: Sequence[int]) -> Mapping[int, str]:
        """Find the mappings of Nhanh's objects; those that are not linked are left out."""
        ...

    async def confirmed(
        self, store_id: str, lane: Lane, owner_ids: Sequence[int]
    ) -> Mapping[tuple[int, int], Confirmed]:
        """Read what Shopify last confirmed, keyed by (owner, location). An owner without all kinds is left out."""
        ...

    async def pushed_by(self, scope: PushScope, mapping_ids: Sequence[str]) -> frozenset[tuple[str, str, int]]:
        """Find what this job has written already, as (mapping id, first kind of the lane, location or 0)."""
        ...

    async def failures_of(self, scope: PushScope) -> Sequence[ItemFailure]:
        """Read the failures of items that the job is done with, to report them again after a crash."""
        ...

    async def open_intents(self, store_id: str, entity: Entity) -> Sequence[Intent]:
        """Read the writes whose outcome nobody has stored, oldest first, whichever job sent them."""
        ...

    async def store_intent(self, scope: PushScope, intent: Intent) -> None:
        """Store a write before its call."""
        ...

    async def settle(self, scope: PushScope, settlement: Settlement) -> None:
        """Store what an answer decided."""
        ...

    async def choose_retries(
        self, store_id: str, entities: Sequence[Entity], job_id: str, limit: int, *, include_permanent: bool
    ) -> RetryChoice:
        """Choose failed mappings that the job is not done with and that may be tried again now."""
        ...

    async def finish(
        self, job_id: str, fence: Fence, state: Mapping[str, JsonValue], result: Mapping[str, JsonValue]
    ) -> None:
        """Store the final state and result: from now on only CompleteJob is left."""
        ...
