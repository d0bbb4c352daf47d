"""Lists of stores, mappings and unmatched rows, and the clearing of pulls' places."""

from typing import Any

import grpc
import pytest
from chassis.database import DatabaseUnavailableError
from google.protobuf.timestamp_pb2 import Timestamp
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import catalog_pb2, operations_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb
from sync_worker.application.ports.listings import Unmatched, UnmatchedQuestion
from sync_worker.application.reset_pulls import PULLS
from sync_worker.domain.mappings import Entity, Mapping, MappingStatus, PushFailure, Rule, Side, UnmatchedReason

from tests.contract.job_tracker.conftest import refusal
from tests.contract.sync_worker.conftest import Rig
from tests.contract.sync_worker.test_starting import options


def mapping(number: int, entity: Entity = Entity.PRODUCTS, **changed: Any) -> Mapping:
    """A mapping of hanoi."""
    usual: dict[str, Any] = {
        "mapping_id": f"{entity}-{number}",
        "store_id": "hanoi",
        "entity": entity,
        "nhanh_id": number,
        "shopify_id": 1_000 + number,
        "shopify_product_id": 2_000 if entity is Entity.PRODUCTS else None,
        "shopify_inventory_item_id": 3_000 if entity is Entity.PRODUCTS else None,
        "status": MappingStatus.PENDING,
        "rule": Rule.SKU,
        "evidence": "AO-01",
        "confidence": 1.0,
        "create_time": 1_780_000_000_500_000,
    }
    return Mapping(**(usual | changed))


def unmatched(side: Side, number: int, reason: UnmatchedReason = UnmatchedReason.NO_KEY) -> Any:
    """A customer of hanoi that was left alone."""
    home = UnmatchedQuestion("hanoi", Entity.CUSTOMERS)
    return home, Unmatched(side, number, f"Customer {number}", reason, (7, 8), ("84912345678",))


async def test_stores_are_listed_without_secrets(rig: Rig) -> None:
    """By id, with what people know them by."""
    answer = await rig.sync.ListStores(pb.ListStoresRequest())
    assert [store.store_id for store in answer.stores] == ["danang", "hanoi"]
    assert answer.stores[1] == catalog_pb2.Store(
        store_id="hanoi",
        name="Shop hanoi",
        nhanh_business_id="1001",
        shopify_shop="hanoi",
        locations=[catalog_pb2.LocationMapping(depot_id="7", location_id="gid://shopify/Location/70")],
        shopify_api_version="2026-07",
    )
    assert "token" not in str(answer)


async def test_a_mapping_says_all_that_is_known(rig: Rig) -> None:
    """Shopify's ids are gids, Nhanh's are numbers in text, times are times."""
    failure = PushFailure("NOT_FOUND", "the item is gone", retryable=False, attempts=2, time=1_780_000_001_000_000)
    rig.listings.rows = [
        mapping(5, status=MappingStatus.FAILED, failure=failure, push_time=1_780_000_000_600_000, nhanh_name="Áo"),
        mapping(6, Entity.CUSTOMERS, rule=Rule.PHONE, shopify_name="An Nguyen"),
    ]
    product, customer = (await rig.sync.ListMappings(pb.ListMappingsRequest(store_id="hanoi"))).mappings
    assert product == catalog_pb2.Mapping(
        mapping_id="products-5",
        store_id="hanoi",
        entity=operations_pb2.ENTITY_PRODUCTS,
        nhanh_id="5",
        shopify_id="gid://shopify/ProductVariant/1005",
        shopify_product_id="gid://shopify/Product/2000",
        shopify_inventory_item_id="gid://shopify/InventoryItem/3000",
        status=operations_pb2.MAPPING_STATUS_FAILED,
        rule="sku",
        evidence="AO-01",
        confidence=1.0,
        failure=catalog_pb2.PushFailure(
            code="NOT_FOUND", message="the item is gone", attempts=2, time=Timestamp(seconds=1_780_000_001)
        ),
        create_time=Timestamp(seconds=1_780_000_000, nanos=500_000_000),
        push_time=Timestamp(seconds=1_780_000_000, nanos=600_000_000),
        nhanh_name="Áo",
    )
    assert (customer.shopify_id, customer.shopify_product_id) == ("gid://shopify/Customer/1006", "")
    assert (customer.rule, customer.shopify_name) == ("phone", "An Nguyen")
    assert not customer.HasField("failure")
    assert not customer.HasField("push_time")


async def test_pages_of_mappings_give_each_once(rig: Rig) -> None:
    """In order of Nhanh's id, whatever the size of the page; a product and a customer may share an id."""
    rig.listings.rows = [mapping(number, entity) for number in range(1, 12) for entity in Entity]
    for size in (1, 4, 22, 500):
        seen: list[str] = []
        token = ""
        while True:
            request = pb.ListMappingsRequest(store_id="hanoi", page_size=size, page_token=token)
            page = await rig.sync.ListMappings(request)
            assert len(page.mappings) <= size
            seen += [one.mapping_id for one in page.mappings]
            token = page.next_page_token
            if not token:
                break
        assert seen == [f"{entity}-{number}" for number in range(1, 12) for entity in sorted(Entity)]


async def test_a_page_holds_fifty_unless_asked_otherwise(rig: Rig) -> None:
    """0 means 50."""
    rig.listings.rows = [mapping(number) for number in range(60)]
    page = await rig.sync.ListMappings(pb.ListMappingsRequest(store_id="hanoi"))
    assert len(page.mappings) == 50


async def test_mappings_are_filtered(rig: Rig) -> None:
    """By entity and by state."""
    rig.listings.rows = [
        mapping(1),
        mapping(2, Entity.CUSTOMERS),
        mapping(3, Entity.CUSTOMERS, status=MappingStatus.PENDING_APPROVAL),
    ]
    request = pb.ListMappingsRequest(
        store_id="hanoi",
        entity=operations_pb2.ENTITY_CUSTOMERS,
        statuses=[operations_pb2.MAPPING_STATUS_PENDING_APPROVAL],
    )
    assert [one.nhanh_id for one in (await rig.sync.ListMappings(request)).mappings] == ["3"]


async def test_pages_of_unmatched_rows_give_each_once(rig: Rig) -> None:
    """In order of side and id; ids are those of the vendor whose object it is, candidates those of the other."""
    rig.listings.left_alone = [unmatched(side, number) for side in Side for number in range(1, 6)]
    seen: list[tuple[int, str]] = []
    token = ""
    while True:
        request = pb.ListUnmatchedRequest(
            store_id="hanoi", entity=operations_pb2.ENTITY_CUSTOMERS, page_size=3, page_token=token
        )
        page = await rig.sync.ListUnmatched(request)
        seen += [(row.side, row.vendor_id) for row in page.rows]
        token = page.next_page_token
        if not token:
            break
    nhanh = [(catalog_pb2.SIDE_NHANH, str(number)) for number in range(1, 6)]
    shopify = [(catalog_pb2.SIDE_SHOPIFY, f"gid://shopify/Customer/{number}") for number in range(1, 6)]
    assert seen == nhanh + shopify


async def test_an_unmatched_row_says_why(rig: Rig) -> None:
    """Filtered by side and by reason."""
    rig.listings.left_alone = [
        unmatched(Side.NHANH, 1),
        unmatched(Side.NHANH, 2, UnmatchedReason.CONTESTED),
        unmatched(Side.SHOPIFY, 3, UnmatchedReason.CONTESTED),
    ]
    request = pb.ListUnmatchedRequest(
        store_id="hanoi",
        entity=operations_pb2.ENTITY_CUSTOMERS,
        side=catalog_pb2.SIDE_NHANH,
        reason=catalog_pb2.UNMATCHED_REASON_CONTESTED,
    )
    (row,) = (await rig.sync.ListUnmatched(request)).rows
    assert row == catalog_pb2.UnmatchedRow(
        side=catalog_pb2.SIDE_NHANH,
        vendor_id="2",
        name="Customer 2",
        reason=catalog_pb2.UNMATCHED_REASON_CONTESTED,
        candidate_ids=["gid://shopify/Customer/7", "gid://shopify/Customer/8"],
        keys=["84912345678"],
    )


@pytest.mark.parametrize(
    ("call", "request_", "fields"),
    [
        (
            "ListMappings",
            pb.ListMappingsRequest(entity=9, statuses=[0, 9], page_size=501, page_token="t" * 4_097),  # type: ignore[arg-type, list-item]
            {"store_id", "entity", "statuses[0]", "statuses[1]", "page_size", "page_token"},
        ),
        (
            "ListUnmatched",
            pb.ListUnmatchedRequest(side=9, reason=9, page_size=-1, page_token="t" * 4_097),  # type: ignore[arg-type]
            {"store_id", "entity", "side", "reason", "page_size", "page_token"},
        ),
        ("ResetPullCheckpoint", pb.ResetPullCheckpointRequest(operation=9), {"store_id", "operation"}),  # type: ignore[arg-type]
    ],
)
async def test_all_bad_fields_are_named_at_once(rig: Rig, call: str, request_: Any, fields: set[str]) -> None:
    """A caller corrects a request once."""
    refused = await refusal(getattr(rig.sync, call)(request_))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert set(refused.fields) == fields


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        ("ListMappings", pb.ListMappingsRequest(store_id="hue")),
        ("ListUnmatched", pb.ListUnmatchedRequest(store_id="hue", entity=operations_pb2.ENTITY_PRODUCTS)),
        ("ResetPullCheckpoint", pb.ResetPullCheckpointRequest(store_id="hue")),
    ],
)
async def test_an_unknown_store_is_not_found(rig: Rig, call: str, request_: Any) -> None:
    """An empty list would say that the store is empty."""
    refused = await refusal(getattr(rig.sync, call)(request_))
    assert (refused.code, refused.reason, refused.resource) == (grpc.StatusCode.NOT_FOUND, "STORE_NOT_FOUND", "hue")


@pytest.mark.parametrize("call", ["ListMappings", "ListUnmatched"])
async def test_page_tokens_are_bound_to_their_question(rig: Rig, call: str) -> None:
    """What is no token, and what is one of another filter, are refused."""
    rig.listings.rows = [mapping(number, Entity.CUSTOMERS) for number in range(3)]
    rig.listings.left_alone = [unmatched(Side.NHANH, number) for number in range(3)]
    kind = getattr(pb, f"{call}Request")
    asked = {"store_id": "hanoi", "entity": operations_pb2.ENTITY_CUSTOMERS, "page_size": 1}
    token = (await getattr(rig.sync, call)(kind(**asked))).next_page_token
    for changed in ({"page_token": "x"}, {"page_token": token, "store_id": "danang"}):
        refused = await refusal(getattr(rig.sync, call)(kind(**(asked | changed))))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
        assert set(refused.fields) == {"page_token"}


async def test_places_of_pulls_are_cleared(rig: Rig) -> None:
    """Of one pull, or of all four; how many there were."""
    rig.listings.places = [("hanoi", pull) for pull in PULLS] + [("danang", PULLS[0])]
    one = pb.ResetPullCheckpointRequest(store_id="hanoi", operation=pb.PULL_OPERATION_SHOPIFY_CUSTOMERS)
    assert (await rig.sync.ResetPullCheckpoint(one)).cleared == 1
    assert (await rig.sync.ResetPullCheckpoint(pb.ResetPullCheckpointRequest(store_id="hanoi"))).cleared == 3
    assert rig.listings.places == [("danang", PULLS[0])]


async def test_the_place_of_a_pull_that_is_active_is_kept(rig: Rig) -> None:
    """The refusal names the job; other pulls, other stores, and the same pull after its end are cleared."""
    rig.listings.places = [("hanoi", pull) for pull in PULLS]
    started = await rig.sync.PullNhanhProducts(operations_pb2.PullNhanhProductsRequest(options=options()))
    for operation in (pb.PULL_OPERATION_NHANH_PRODUCTS, pb.PULL_OPERATION_UNSPECIFIED):
        request = pb.ResetPullCheckpointRequest(store_id="hanoi", operation=operation)
        refused = await refusal(rig.sync.ResetPullCheckpoint(request))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PULL_RUNNING")
        assert refused.metadata == {"job_id": started.job.job_id}
    assert len(rig.listings.places) == 4
    other = pb.ResetPullCheckpointRequest(store_id="hanoi", operation=pb.PULL_OPERATION_SHOPIFY_PRODUCTS)
    assert (await rig.sync.ResetPullCheckpoint(other)).cleared == 1
    await rig.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=started.job.job_id))
    assert (await rig.sync.ResetPullCheckpoint(pb.ResetPullCheckpointRequest(store_id="hanoi"))).cleared == 3


async def test_a_catalog_that_is_away_is_unavailable(rig: Rig) -> None:
    """It is not an empty list."""
    rig.listings.error = DatabaseUnavailableError("the database cannot be read")
    refused = await refusal(rig.sync.ListMappings(pb.ListMappingsRequest(store_id="hanoi")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_fault_of_our_own_is_an_incident(rig: Rig) -> None:
    """The caller gets an id under which the log has the details, and no detail."""
    rig.listings.error = KeyError("colour")
    refused = await refusal(rig.sync.ListMappings(pb.ListMappingsRequest(store_id="hanoi")))
    assert (refused.code, refused.reason, refused.domain) == (grpc.StatusCode.INTERNAL, "INTERNAL", "sync.nhanhsync")
    assert list(refused.metadata) == ["incident_id"]
