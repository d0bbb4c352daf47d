"""Every value of the contract's enums means something here, and 0 only where the contract says so."""

import pytest
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import catalog_pb2, operations_pb2, sync_worker_service_pb2
from sync_worker.domain.mappings import MappingStatus, UnmatchedReason
from sync_worker.domain.operations import Strategy
from sync_worker.domain.requests import PullMethod
from sync_worker.entrypoints import choices

TABLES = [
    (choices.POLICIES, job_pb2.ConflictPolicy, True),
    (choices.MODES, operations_pb2.PullMode, True),
    (choices.METHODS, operations_pb2.PullMethod, True),
    (choices.NHANH_PRODUCT_STATUSES, operations_pb2.NhanhProductStatus, False),
    (choices.SHOPIFY_PRODUCT_STATUSES, operations_pb2.ShopifyProductStatus, False),
    (choices.NHANH_CUSTOMER_TYPES, operations_pb2.NhanhCustomerType, True),
    (choices.STATUSES, operations_pb2.MappingStatus, False),
    (choices.ASPECTS, operations_pb2.ProductAspect, False),
    (choices.STRATEGIES, operations_pb2.CustomerMatchStrategy, True),
    (choices.ENTITIES, operations_pb2.Entity, False),
    (choices.ENTITY_SETS, operations_pb2.Entity, True),
    (choices.SIDES, catalog_pb2.Side, False),
    (choices.REASONS, catalog_pb2.UnmatchedReason, False),
    (choices.PULL_OPERATIONS, sync_worker_service_pb2.PullOperation, True),
]


@pytest.mark.parametrize(("table", "enum", "zero"), TABLES)
def test_no_value_is_forgotten(table: dict[int, object], enum: object, zero: bool) -> None:
    """A value that is added to the contract is missed here at once."""
    numbers = set(enum.values())  # type: ignore[attr-defined]  # every enum of the contract has them
    assert set(table) == (numbers if zero else numbers - {0})


def test_no_value_of_the_domain_is_forgotten() -> None:
    """What the catalog holds can be said."""
    assert set(choices.STATUSES.values()) == set(MappingStatus)
    assert set(choices.REASONS.values()) == set(UnmatchedReason)
    assert set(choices.STRATEGIES.values()) == set(Strategy)
    assert set(choices.METHODS.values()) == set(PullMethod)
