"""What every way of reading a vendor's list has in common: it is a sequence of steps, each with the place behind it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import MirrorRow
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.failures import OperationFailure, Origin, VendorRefusal
from sync_worker.domain.products import ShopifyLevel


@dataclass(frozen=True, slots=True)
class Step:
    """Part of a list: its rows, stock levels of rows anywhere in it, and the place behind them are stored in one transaction.

    `place` is where an attempt after a crash goes on, in the source's own words; None: the list has been read to its end.
    `read_time` (Unix microseconds) is when the vendor was asked, at the latest. `pages` is what the step counts as: 0 where
    it only moves the place. `expected` is how many rows there will be in all, `expected_levels` how many levels, where that is
    known; with the last step the pull is held to it. `note` tells people what is going on where rows do not.
    """

    rows: Sequence[MirrorRow]
    place: str | None
    read_time: int
    refused: Sequence[RowRefusal] = ()
    pages: int = 1
    expected: int | None = None
    note: str = ""
    levels: Sequence[ShopifyLevel] = ()
    expected_levels: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing has been read and nothing moves yet; `note` tells people what is waited for."""

    note: str


class PullSource(Protocol):
    """One pull's list, and what reading it costs."""

    origin: Origin
    metrics: VendorMetrics

    @property
    def way(self) -> str:
        """How it is read, in words for people ("page by page"); empty until that is known. What is found may change it."""
        ...

    def steps(self, place: str | None) -> AsyncGenerator[Step | Waiting, None]:
        """Read on from a place that an earlier step named, None from the beginning, to the end.

        What comes next is fetched while the last step is worked on, and never much more: the source bounds what it holds.
        Closing the generator stops what is under way.

        Raises:
            VendorFailure, WorkStopped: As the vendor's port says; the place stays good.
            PlaceUseless: The place is not.
        """
        ...


class PlaceUseless(Exception):
    """Nothing can be read on from a place, or what was read up to it is not to be trusted: the next attempt begins anew.

    `failure` is what this attempt fails with.
    """

    def __init__(self, failure: OperationFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def unreadable_place() -> PlaceUseless:
    """Say that a place was not written by this release."""
    message = "The place that was reached cannot be read by this release; the next attempt begins anew."
    return PlaceUseless(OperationFailure("PULL_PLACE_UNREADABLE", message, retryable=True))


def refused_place(refusal: VendorRefusal) -> PlaceUseless:
    """Say that the vendor refuses to go on from a place that it has named itself: with it no attempt would ever come further."""
    message = f"{refusal.message}; the place that an earlier attempt reached is given up, and the next begins anew"
    return PlaceUseless(OperationFailure(refusal.code, message, retryable=True))
