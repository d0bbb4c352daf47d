"""The catalog, as pulls write it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.customers import NhanhCustomer, ShopifyCustomer
from sync_worker.domain.operations import Operation
from sync_worker.domain.products import NhanhProduct, ShopifyLevel, ShopifyVariant
from sync_worker.domain.pulls import LevelCounts, PullCounts
from sync_worker.domain.requests import PullMode

MirrorRow = NhanhProduct | ShopifyVariant | NhanhCustomer | ShopifyCustomer
"""A vendor's object, as the catalog mirrors it."""


class PreparedRows(Protocol):
    """Rows that are ready to be stored; only the catalog that prepared them looks into them."""

    def __len__(self) -> int:
        """How many there are; of several with one id the last is left."""
        ...


@dataclass(frozen=True, slots=True)
class PullScope:
    """Which pull of whom: its place is keyed by store, operation and filter.

    `marks_gone` is True for a pull without a filter: in FULL mode it marks what it did not see as gone. With `reads_levels` it
    reads stock levels then, too.
    """

    store_id: str
    operation: Operation
    filter_hash: str
    marks_gone: bool
    job_id: str
    fence: Fence
    reads_levels: bool = False

    def marks_gone_in(self, mode: PullMode) -> bool:
        """Whether it marks what it did not see as gone when it goes in this mode."""
        return self.marks_gone and mode is PullMode.FULL


@dataclass(frozen=True, slots=True)
class PullPlace:
    """How far a pull has come.

    `since` (Unix seconds) is from when an INCREMENTAL pull reads changes, None for a FULL one. With `read_to_end` only
    the end is left to do, with `finished` not even that. `outdated_hours` is set on a pull that began anew because its
    place had not been touched for so long, `replaced` on one that took the place of an unfinished pull of the other mode: so
    many pages that had read. It `began` at Unix microseconds.

    On a pull that begins, `left` is the cursor of the one before it, where that was not read to its end and nobody goes on with
    it: what it has going at the vendor is of no use any more. `left`, `replaced` and `outdated_hours` are answered until a
    step is stored, so that an attempt after a crash knows of them.

    `levels` counts the stock levels of a pull that began to read them, whatever is asked for since; None: this one reads none.
    """

    pull_id: str
    began: int
    mode: PullMode
    since: int | None
    cursor: str | None
    counts: PullCounts
    read_to_end: bool
    finished: bool
    outdated_hours: int | None = None
    replaced: int | None = None
    left: str | None = None
    levels: LevelCounts | None = None


class PullCatalog(Protocol):
    """Keeps a pull's rows and its place together.

    Every method raises `DatabaseUnavailableError` when the database cannot be reached, and `LeaseLost` when a later
    attempt has begun: then nothing of the call is stored.
    """

    async def open(self, scope: PullScope, mode: PullMode) -> PullPlace:
        """Find the place where an unfinished pull of the same filter and mode stopped, or begin anew.

        A pull that this very job has finished is answered as finished. INCREMENTAL without a finished pull to go on
        from becomes FULL. There is one place: an unfinished pull of the other mode is given up.
        """
        ...

    async def prepare(self, scope: PullScope, rows: Sequence[MirrorRow]) -> PreparedRows:
        """Make rows ready to be stored: their canonical keys, and what tells a changed row. The database is not asked."""
        ...

    async def store_step(
        self,
        scope: PullScope,
        place: PullPlace,
        rows: PreparedRows,
        next_cursor: str | None,
        *,
        read_time: int,
        refused: Sequence[RowRefusal] = (),
        pages: int = 1,
        levels: Sequence[ShopifyLevel] = (),
    ) -> PullPlace:
        """Store a step's rows, its stock levels and the place behind them in one transaction.

        `refused` are rows that the vendor told of and that cannot be read. They are counted as failed and as seen, so
        that they do not count as gone; what is stored of them stays as it was, and is not confirmed by this pull.
        `read_time` (Unix microseconds) is when the rows were asked for: what Shopify has confirmed later than that stays.
        """
        ...

    async def refused(self, scope: PullScope, place: PullPlace) -> Sequence[RowRefusal]:
        """Read which rows the pull could not read so far, for an attempt that goes on; at most 1,000 of them."""
        ...

    async def give_up(self, scope: PullScope, place: PullPlace) -> None:
        """End a pull whose reading is not to be trusted: the next begins anew, and what pulls before it covered stays known."""
        ...

    async def may_have_undated(self, scope: PullScope) -> bool:
        """Whether the list may have rows without a time of their last change, so that no filter of times shows them.

        It may if a living row of the mirror has none, or one that may stand for none (0), or as long as no pull without a
        filter has finished: then nobody knows.
        """
        ...

    async def unseen(self, scope: PullScope, pull_id: str, *, after: int, limit: int) -> Sequence[int]:
        """Find vendor ids beyond `after`, ascending, that the pull has not seen: `finish` would mark them now, if it may."""
        ...

    async def finish(self, scope: PullScope, place: PullPlace, *, max_gone_percent: int) -> PullPlace:
        """Mark what was not seen as gone, where the pull may, and store that this job has finished it.

        From then on the stock levels that it has read, if any, are what Shopify last confirmed of quantities, but for what pushes
        have heard since it began, and shortly before.

        Raises:
            OperationFailure: LEVELS_WITHOUT_ROWS: the levels are not those of the rows. As with the guard.
            GuardTripped: MASS_GONE_GUARD: too much would go. Nothing is marked, and the next pull begins anew.
        """
        ...
