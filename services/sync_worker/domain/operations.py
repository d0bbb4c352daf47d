"""The eleven operations: their job types, labels, variants and locks, in one table."""

from dataclasses import dataclass
from enum import StrEnum

from sync_worker.domain.mappings import Entity


class Operation(StrEnum):
    """A job type of SyncWorker."""

    PULL_NHANH_PRODUCTS = "PULL_NHANH_PRODUCTS"
    PULL_SHOPIFY_PRODUCTS = "PULL_SHOPIFY_PRODUCTS"
    PULL_NHANH_CUSTOMERS = "PULL_NHANH_CUSTOMERS"
    PULL_SHOPIFY_CUSTOMERS = "PULL_SHOPIFY_CUSTOMERS"
    PRODUCT_SYNC = "PRODUCT_SYNC"
    CUSTOMER_SYNC = "CUSTOMER_SYNC"
    AUTO_MATCH_PRODUCTS = "AUTO_MATCH_PRODUCTS"
    AUTO_MATCH_CUSTOMERS = "AUTO_MATCH_CUSTOMERS"
    RETRY_FAILED_SYNC = "RETRY_FAILED_SYNC"


class Strategy(StrEnum):
    """How customers are matched: the variants of AUTO_MATCH_CUSTOMERS."""

    IN_MEMORY = "IN_MEMORY"
    SQL = "SQL"
    BATCH = "BATCH"


@dataclass(frozen=True, slots=True)
class LockNeed:
    """A lock that an operation holds, before the store's prefix."""

    key: str
    exclusive: bool


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """What the tracker learns of an operation, and what it excludes.

    `retries_failed_items`: it can do again the items that failed, and leave the others alone.
    """

    operation: Operation
    label: str
    variants: tuple[str, ...]
    locks: tuple[LockNeed, ...]
    retries_failed_items: bool = False


def _pull(operation: Operation, label: str, vendor: str, entity: Entity) -> OperationSpec:
    return OperationSpec(operation, label, (), (LockNeed(f"{vendor}/{entity}", exclusive=True),))


def _match(operation: Operation, label: str, entity: Entity, variants: tuple[str, ...] = ()) -> OperationSpec:
    return OperationSpec(
        operation,
        label,
        variants,
        (
            LockNeed(f"mappings/{entity}", exclusive=True),
            LockNeed(f"nhanh/{entity}", exclusive=False),
            LockNeed(f"shopify/{entity}", exclusive=False),
        ),
    )


def push_locks(entities: tuple[Entity, ...]) -> tuple[LockNeed, ...]:
    """Locks of a job that pushes these entities."""
    return tuple(
        need
        for entity in entities
        for need in (
            LockNeed(f"push/{entity}", exclusive=True),
            LockNeed(f"mappings/{entity}", exclusive=False),
        )
    )


def _sync(operation: Operation, label: str, entity: Entity) -> OperationSpec:
    return OperationSpec(operation, label, (), push_locks((entity,)), retries_failed_items=True)


SPECS: dict[Operation, OperationSpec] = {
    spec.operation: spec
    for spec in (
        _pull(Operation.PULL_NHANH_PRODUCTS, "Pull Nhanh Products", "nhanh", Entity.PRODUCTS),
        _pull(Operation.PULL_SHOPIFY_PRODUCTS, "Pull Shopify Products", "shopify", Entity.PRODUCTS),
        _pull(Operation.PULL_NHANH_CUSTOMERS, "Pull Nhanh Customers", "nhanh", Entity.CUSTOMERS),
        _pull(Operation.PULL_SHOPIFY_CUSTOMERS, "Pull Shopify Customers", "shopify", Entity.CUSTOMERS),
        _sync(Operation.PRODUCT_SYNC, "Product Sync", Entity.PRODUCTS),
        _sync(Operation.CUSTOMER_SYNC, "Customer Sync", Entity.CUSTOMERS),
        _match(Operation.AUTO_MATCH_PRODUCTS, "Auto Match Products", Entity.PRODUCTS),
        _match(Operation.AUTO_MATCH_CUSTOMERS, "Auto Match Customers", Entity.CUSTOMERS, tuple(Strategy)),
        # The entities that a retry is asked for decide its locks; with both, it holds both pairs.
        OperationSpec(
            Operation.RETRY_FAILED_SYNC,
            "Retry Failed Sync",
            (),
            push_locks((Entity.PRODUCTS, Entity.CUSTOMERS)),
        ),
    )
}
"""Every job type, once."""
