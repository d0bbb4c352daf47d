"""The contract's enums and what they mean here; 0 is in a table only where it means something."""

from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import catalog_pb2, operations_pb2, sync_worker_service_pb2

from sync_worker.application.ports.job_tracker import ConflictPolicy
from sync_worker.application.reset_pulls import PULLS
from sync_worker.domain.mappings import Entity, MappingStatus, Side, UnmatchedReason
from sync_worker.domain.operations import Operation, Strategy
from sync_worker.domain.requests import ProductAspect, PullMethod, PullMode

POLICIES: dict[int, ConflictPolicy | None] = {
    job_pb2.CONFLICT_POLICY_UNSPECIFIED: None,
    job_pb2.CONFLICT_POLICY_FAIL: ConflictPolicy.FAIL,
    job_pb2.CONFLICT_POLICY_QUEUE: ConflictPolicy.QUEUE,
    job_pb2.CONFLICT_POLICY_USE_EXISTING: ConflictPolicy.USE_EXISTING,
    job_pb2.CONFLICT_POLICY_REPLACE: ConflictPolicy.REPLACE,
}
"""What is not said is left to JobTracker, whose default depends on what else is asked for."""
MODES: dict[int, PullMode] = {
    operations_pb2.PULL_MODE_UNSPECIFIED: PullMode.FULL,
    operations_pb2.PULL_MODE_FULL: PullMode.FULL,
    operations_pb2.PULL_MODE_INCREMENTAL: PullMode.INCREMENTAL,
}
METHODS: dict[int, PullMethod] = {
    operations_pb2.PULL_METHOD_UNSPECIFIED: PullMethod.AUTO,
    operations_pb2.PULL_METHOD_AUTO: PullMethod.AUTO,
    operations_pb2.PULL_METHOD_PAGES: PullMethod.PAGES,
    operations_pb2.PULL_METHOD_BULK: PullMethod.BULK,
}
NHANH_PRODUCT_STATUSES: dict[int, int] = {
    operations_pb2.NHANH_PRODUCT_STATUS_NEW: 1,
    operations_pb2.NHANH_PRODUCT_STATUS_ON_SALE: 2,
    operations_pb2.NHANH_PRODUCT_STATUS_STOPPED: 3,
    operations_pb2.NHANH_PRODUCT_STATUS_OUT_OF_STOCK: 4,
}
"""Nhanh's own numbers of a product's status (Nhanh Open API v3.0, product/list)."""
SHOPIFY_PRODUCT_STATUSES: dict[int, str] = {
    operations_pb2.SHOPIFY_PRODUCT_STATUS_ACTIVE: "active",
    operations_pb2.SHOPIFY_PRODUCT_STATUS_DRAFT: "draft",
    operations_pb2.SHOPIFY_PRODUCT_STATUS_ARCHIVED: "archived",
}
NHANH_CUSTOMER_TYPES: dict[int, int] = {
    operations_pb2.NHANH_CUSTOMER_TYPE_UNSPECIFIED: 0,
    operations_pb2.NHANH_CUSTOMER_TYPE_RETAIL: 1,
    operations_pb2.NHANH_CUSTOMER_TYPE_WHOLESALE: 2,
    operations_pb2.NHANH_CUSTOMER_TYPE_AGENT: 3,
}
"""Nhanh's own numbers of a customer's type (Nhanh Open API v3.0, customer/list); 0 for no condition."""
STATUSES: dict[int, MappingStatus] = {
    operations_pb2.MAPPING_STATUS_PENDING: MappingStatus.PENDING,
    operations_pb2.MAPPING_STATUS_SYNCED: MappingStatus.SYNCED,
    operations_pb2.MAPPING_STATUS_FAILED: MappingStatus.FAILED,
    operations_pb2.MAPPING_STATUS_PENDING_APPROVAL: MappingStatus.PENDING_APPROVAL,
}
ASPECTS: dict[int, ProductAspect] = {
    operations_pb2.PRODUCT_ASPECT_INVENTORY: ProductAspect.INVENTORY,
    operations_pb2.PRODUCT_ASPECT_PRICE: ProductAspect.PRICE,
}
STRATEGIES: dict[int, Strategy] = {
    operations_pb2.CUSTOMER_MATCH_STRATEGY_UNSPECIFIED: Strategy.SQL,
    operations_pb2.CUSTOMER_MATCH_STRATEGY_IN_MEMORY: Strategy.IN_MEMORY,
    operations_pb2.CUSTOMER_MATCH_STRATEGY_SQL: Strategy.SQL,
    operations_pb2.CUSTOMER_MATCH_STRATEGY_BATCH: Strategy.BATCH,
}
ENTITIES: dict[int, Entity] = {
    operations_pb2.ENTITY_PRODUCTS: Entity.PRODUCTS,
    operations_pb2.ENTITY_CUSTOMERS: Entity.CUSTOMERS,
}
ENTITY_SETS: dict[int, tuple[Entity, ...]] = {
    operations_pb2.ENTITY_UNSPECIFIED: (Entity.PRODUCTS, Entity.CUSTOMERS),
    operations_pb2.ENTITY_PRODUCTS: (Entity.PRODUCTS,),
    operations_pb2.ENTITY_CUSTOMERS: (Entity.CUSTOMERS,),
}
SIDES: dict[int, Side] = {
    catalog_pb2.SIDE_NHANH: Side.NHANH,
    catalog_pb2.SIDE_SHOPIFY: Side.SHOPIFY,
}
REASONS: dict[int, UnmatchedReason] = {
    catalog_pb2.UNMATCHED_REASON_NO_KEY: UnmatchedReason.NO_KEY,
    catalog_pb2.UNMATCHED_REASON_NO_CANDIDATE: UnmatchedReason.NO_CANDIDATE,
    catalog_pb2.UNMATCHED_REASON_SEVERAL_CANDIDATES: UnmatchedReason.SEVERAL_CANDIDATES,
    catalog_pb2.UNMATCHED_REASON_CANDIDATE_TAKEN: UnmatchedReason.CANDIDATE_TAKEN,
    catalog_pb2.UNMATCHED_REASON_CONTESTED: UnmatchedReason.CONTESTED,
    catalog_pb2.UNMATCHED_REASON_KEYS_DISAGREE: UnmatchedReason.KEYS_DISAGREE,
}
PULL_OPERATIONS: dict[int, tuple[Operation, ...]] = {
    sync_worker_service_pb2.PULL_OPERATION_UNSPECIFIED: PULLS,
    sync_worker_service_pb2.PULL_OPERATION_NHANH_PRODUCTS: (Operation.PULL_NHANH_PRODUCTS,),
    sync_worker_service_pb2.PULL_OPERATION_SHOPIFY_PRODUCTS: (Operation.PULL_SHOPIFY_PRODUCTS,),
    sync_worker_service_pb2.PULL_OPERATION_NHANH_CUSTOMERS: (Operation.PULL_NHANH_CUSTOMERS,),
    sync_worker_service_pb2.PULL_OPERATION_SHOPIFY_CUSTOMERS: (Operation.PULL_SHOPIFY_CUSTOMERS,),
}
