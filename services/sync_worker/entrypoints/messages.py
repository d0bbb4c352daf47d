"""What the catalog holds, as the contract's messages. Shopify's ids leave as gids, Nhanh's as their numbers in text."""

from google.protobuf import timestamp_pb2
from nhanhsync.sync.v1 import catalog_pb2

from sync_worker.application.ports.listings import Unmatched
from sync_worker.domain.mappings import Entity, Mapping, PushFailure, Side
from sync_worker.domain.stores import Store
from sync_worker.entrypoints import choices

ENTITY_NUMBERS = {entity: number for number, entity in choices.ENTITIES.items()}
STATUS_NUMBERS = {status: number for number, status in choices.STATUSES.items()}
SIDE_NUMBERS = {side: number for number, side in choices.SIDES.items()}
REASON_NUMBERS = {reason: number for number, reason in choices.REASONS.items()}
SHOPIFY_KINDS = {Entity.PRODUCTS: "ProductVariant", Entity.CUSTOMERS: "Customer"}


def gid(kind: str, number: int) -> str:
    """Write a Shopify id as https://shopify.dev/docs/api/usage/gids says."""
    return f"gid://shopify/{kind}/{number}"


def store_message(store: Store) -> catalog_pb2.Store:
    """Write a store, without its secrets."""
    return catalog_pb2.Store(
        store_id=store.store_id,
        name=store.name,
        nhanh_business_id=str(store.nhanh.business_id),
        shopify_shop=store.shopify.shop,
        locations=[
            catalog_pb2.LocationMapping(
                depot_id=str(location.depot_id), location_id=gid("Location", location.location_id)
            )
            for location in store.locations
        ],
        shopify_api_version=store.shopify.api_version,
    )


def mapping_message(mapping: Mapping) -> catalog_pb2.Mapping:
    """Write a mapping."""
    product, item = mapping.shopify_product_id, mapping.shopify_inventory_item_id
    return catalog_pb2.Mapping(
        mapping_id=mapping.mapping_id,
        store_id=mapping.store_id,
        entity=ENTITY_NUMBERS[mapping.entity],  # type: ignore[arg-type]  # the tables hold an enum's numbers
        nhanh_id=str(mapping.nhanh_id),
        shopify_id=gid(SHOPIFY_KINDS[mapping.entity], mapping.shopify_id),
        shopify_product_id="" if product is None else gid("Product", product),
        shopify_inventory_item_id="" if item is None else gid("InventoryItem", item),
        status=STATUS_NUMBERS[mapping.status],  # type: ignore[arg-type]  # as above
        rule=mapping.rule,
        evidence=mapping.evidence,
        confidence=mapping.confidence,
        failure=_failure(mapping.failure),
        create_time=_time(mapping.create_time),
        push_time=_time(mapping.push_time),
        nhanh_name=mapping.nhanh_name,
        shopify_name=mapping.shopify_name,
    )


def unmatched_message(row: Unmatched, entity: Entity) -> catalog_pb2.UnmatchedRow:
    """Write an unmatched row."""
    other = Side.SHOPIFY if row.side is Side.NHANH else Side.NHANH
    return catalog_pb2.UnmatchedRow(
        side=SIDE_NUMBERS[row.side],  # type: ignore[arg-type]  # the tables hold an enum's numbers
        vendor_id=_vendor_id(row.side, entity, row.vendor_id),
        name=row.name,
        reason=REASON_NUMBERS[row.reason],  # type: ignore[arg-type]  # as above
        candidate_ids=[_vendor_id(other, entity, candidate) for candidate in row.candidate_ids],
        keys=list(row.keys),
    )


def _vendor_id(side: Side, entity: Entity, number: int) -> str:
    return str(number) if side is Side.NHANH else gid(SHOPIFY_KINDS[entity], number)


def _failure(failure: PushFailure | None) -> catalog_pb2.PushFailure | None:
    if failure is None:
        return None
    return catalog_pb2.PushFailure(
        code=failure.code,
        message=failure.message,
        retryable=failure.retryable,
        attempts=failure.attempts,
        time=_time(failure.time),
    )


def _time(micros: int | None) -> timestamp_pb2.Timestamp | None:
    if micros is None:
        return None
    seconds, rest = divmod(micros, 1_000_000)
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=rest * 1_000)
