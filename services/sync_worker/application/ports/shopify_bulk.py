"""Shopify's bulk operations, as pulls use them: a whole list, gathered by Shopify into one file and read as a stream."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.failures import VendorFailure
from sync_worker.domain.products import ShopifyLevel, ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

BulkFilter = ShopifyProductFilter | ShopifyCustomerFilter


@dataclass(frozen=True, slots=True)
class BulkList:
    """What an operation gathers: all that a filter lets through, and `with_levels` what each location has of each variant."""

    filter: BulkFilter
    with_levels: bool = False


class BulkState(StrEnum):
    """Where an operation stands (Admin API, BulkOperationStatus)."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"

    @property
    def under_way(self) -> bool:
        """Whether it has yet to end."""
        return self in (BulkState.CREATED, BulkState.RUNNING, BulkState.CANCELING)

    @property
    def promising(self) -> bool:
        """Whether it has a whole result, or may yet have one."""
        return self in (BulkState.CREATED, BulkState.RUNNING, BulkState.COMPLETED)


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """An operation as Shopify tells of it.

    `objects` are the lines of its result so far, `roots` those that are rows of the list itself. `url` is where a whole
    result lies, None while there is none, and for a list without rows. `error_code` is why it failed. `partial` says that
    Shopify keeps a part of the result of an operation that did not end well.
    """

    operation_id: int
    state: BulkState
    objects: int
    roots: int
    url: str | None = None
    error_code: str | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class SlotsTaken:
    """Nothing was started: the app has as many operations under way in this shop as Shopify allows (`message` is its word)."""

    message: str


@dataclass(frozen=True, slots=True)
class BulkPosition:
    """How far a result has been read: bytes, lines, and lines that are rows of the list itself. It lies between two lines."""

    offset: int = 0
    lines: int = 0
    roots: int = 0


BEGINNING = BulkPosition()


@dataclass(frozen=True, slots=True)
class BulkChunk:
    """Part of a result: its rows, those that cannot be read, and the position behind it.

    `levels` belong to rows that may stand anywhere in the result.
    """

    rows: Sequence[ShopifyVariant] | Sequence[ShopifyCustomer]
    refused: Sequence[RowRefusal]
    behind: BulkPosition
    levels: Sequence[ShopifyLevel] = ()


class UnusableResult(VendorFailure):
    """A result that is gone, or that cannot be trusted: only a fresh operation can help.

    It is `retryable` where a fresh one may turn out better.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = True) -> None:
        super().__init__("shopify", code, message, retryable=retryable)


class ShopifyBulk(Protocol):
    """One shop's bulk operations, for one job. Every call passes the job's gate.

    Ours are told from others by the id of the pull in the name of the query; no other operation is ever touched. Versions of
    the Admin API before 2026-01 cannot look up an operation by its id and are not supported; Shopify serves none any more.

    Every method raises the vendor failures of `domain.failures`, and the stops of `CallGate`.
    """

    async def find(self, pull_id: str) -> BulkOperation | None:
        """Find the latest operation that was started for a pull and has a result, or may yet have one."""
        ...

    async def start(self, wanted: BulkList, pull_id: str) -> BulkOperation | SlotsTaken:
        """Start gathering a list.

        Raises:
            VendorUnavailable: With `outcome_unknown` an operation may have been started: `find` tells.
        """
        ...

    async def look(self, operation_id: int) -> BulkOperation | None:
        """See where an operation stands; None: Shopify knows of none."""
        ...

    async def cancel(self, operation_id: int) -> None:
        """Have Shopify stop an operation. It may end otherwise all the same."""
        ...

    def read(
        self, operation: BulkOperation, wanted: BulkList, position: BulkPosition
    ) -> AsyncGenerator[BulkChunk, None]:
        """Read the result of a COMPLETED operation from a position on, as a stream.

        A connection that breaks is taken up again where it broke, in bounds.

        Raises:
            UnusableResult: As its name says.
        """
        ...
