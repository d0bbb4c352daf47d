"""What a start asks for is what its attempt reads, or the attempt fails for good."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from nhanhsync.sync.v1 import operations_pb2 as pb
from sync_worker.adapters.job_tracker_messages import struct
from sync_worker.application.large_selections import LABEL, MOST_INLINE, put_aside
from sync_worker.application.ports.work_queue import ClaimedJob, LeaseGrant
from sync_worker.application.refusals import InvalidFields
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.mappings import Entity, MappingStatus
from sync_worker.domain.operations import SPECS, Operation, Strategy
from sync_worker.domain.requests import (
    MatchCustomersRequest,
    NhanhCustomerFilter,
    NhanhProductFilter,
    ProductAspect,
    PullMethod,
    PullMode,
    PullRequest,
    RetryFailedRequest,
    Selection,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
    SyncCustomersRequest,
    SyncProductsRequest,
)
from sync_worker.entrypoints.params import KINDS, params_of, request_of, request_of_job

from tests.fakes.selections import SelectionsInMemory

MAPPING = "0190a5d0-ac96-774b-bcce-b302099a8057"
PUSHABLE = (MappingStatus.PENDING, MappingStatus.SYNCED, MappingStatus.FAILED)
SINCE = Timestamp(seconds=1_780_000_000, nanos=999_000_000)
EVERY = pb.MappingSelection(statuses=pb.MappingStatuses())


def claimed(operation: str, params: Any, **changed: Any) -> ClaimedJob:
    """A job with these params, as JobTracker gives it back."""
    lease = LeaseGrant("job-1", "token", 1, 30.0, 10.0)
    job = ClaimedJob("job-1", operation, "", "hanoi", 1, params, {}, (), lease)
    return replace(job, **changed)


def through_jobtracker(params: Any) -> Any:
    """Params after they were a Struct, in which every number is a double."""
    stored = struct_pb2.Struct.FromString(struct(params).SerializeToString())
    return json_format.MessageToDict(stored)


def test_every_operation_has_its_message() -> None:
    """Nine job types, each with the message that asks for it."""
    assert set(KINDS) == set(SPECS)
    assert len({kind.message for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize(
    ("operation", "message", "request_"),
    [
        (
            Operation.PULL_NHANH_PRODUCTS,
            pb.PullNhanhProductsRequest(
                mode=pb.PULL_MODE_INCREMENTAL,
                filter=pb.NhanhProductFilter(
                    name="Áo", category_ids=[2**60 + 1, 5], brand_ids=[7], statuses=[2, 1, 2], updated_since=SINCE
                ),
            ),
            PullRequest(PullMode.INCREMENTAL, NhanhProductFilter("Áo", (2**60 + 1, 5), (7,), (2, 1), 1_780_000_000)),
        ),
        (
            Operation.PULL_NHANH_PRODUCTS,
            pb.PullNhanhProductsRequest(),
            PullRequest(PullMode.FULL, NhanhProductFilter()),
        ),
        (
            Operation.PULL_SHOPIFY_PRODUCTS,
            pb.PullShopifyProductsRequest(filter=pb.ShopifyProductFilter(statuses=[1, 3], updated_since=SINCE)),
            PullRequest(PullMode.FULL, ShopifyProductFilter(("active", "archived"), 1_780_000_000)),
        ),
        (
            Operation.PULL_NHANH_CUSTOMERS,
            pb.PullNhanhCustomersRequest(
                filter=pb.NhanhCustomerFilter(type=2, last_bought_from="2026-01-31", last_bought_to="2026-02-28")
            ),
            PullRequest(PullMode.FULL, NhanhCustomerFilter(2, "2026-01-31", "2026-02-28", None)),
        ),
        (
            Operation.PULL_SHOPIFY_CUSTOMERS,
            pb.PullShopifyCustomersRequest(filter=pb.ShopifyCustomerFilter(search="country:VN")),
            PullRequest(PullMode.FULL, ShopifyCustomerFilter("country:VN"), PullMethod.AUTO),
        ),
        (
            Operation.PULL_SHOPIFY_CUSTOMERS,
            pb.PullShopifyCustomersRequest(mode=pb.PULL_MODE_INCREMENTAL, method=pb.PULL_METHOD_BULK),
            PullRequest(PullMode.INCREMENTAL, ShopifyCustomerFilter(), PullMethod.BULK),
        ),
        (
            Operation.PULL_SHOPIFY_PRODUCTS,
            pb.PullShopifyProductsRequest(method=pb.PULL_METHOD_PAGES),
            PullRequest(PullMode.FULL, ShopifyProductFilter(), PullMethod.PAGES),
        ),
        (
            Operation.PRODUCT_SYNC,
            pb.SyncProductsRequest(
                selection=pb.MappingSelection(ids=pb.MappingIds(mapping_ids=[MAPPING, MAPPING])),
                aspects=[2, 1],
                repush=True,
                allow_mass_zero=True,
                dry_run=True,
                max_drop_percent=10,
            ),
            SyncProductsRequest(
                Selection(mapping_ids=(MAPPING,)),
                (ProductAspect.PRICE, ProductAspect.INVENTORY),
                repush=True,
                allow_mass_zero=True,
                dry_run=True,
                max_drop_percent=10,
            ),
        ),
        (
            Operation.PRODUCT_SYNC,
            pb.SyncProductsRequest(selection=EVERY),
            SyncProductsRequest(Selection(statuses=PUSHABLE)),
        ),
        (
            Operation.CUSTOMER_SYNC,
            pb.SyncCustomersRequest(selection=pb.MappingSelection(statuses=pb.MappingStatuses(statuses=[3]))),
            SyncCustomersRequest(Selection(statuses=(MappingStatus.FAILED,))),
        ),
        (
            Operation.AUTO_MATCH_CUSTOMERS,
            pb.AutoMatchCustomersRequest(strategy=pb.CUSTOMER_MATCH_STRATEGY_BATCH, batch_size=7, dry_run=True),
            MatchCustomersRequest(Strategy.BATCH, dry_run=True, batch_size=7),
        ),
        (
            Operation.AUTO_MATCH_CUSTOMERS,
            pb.AutoMatchCustomersRequest(),
            MatchCustomersRequest(Strategy.SQL),
        ),
        (
            Operation.RETRY_FAILED_SYNC,
            pb.RetryFailedRequest(),
            RetryFailedRequest((Entity.PRODUCTS, Entity.CUSTOMERS), 100),
        ),
        (
            Operation.RETRY_FAILED_SYNC,
            pb.RetryFailedRequest(entity=pb.ENTITY_CUSTOMERS, limit=3, include_permanent=True, dry_run=True),
            RetryFailedRequest((Entity.CUSTOMERS,), 3, include_permanent=True, dry_run=True),
        ),
    ],
    ids=lambda value: value if isinstance(value, Operation) else "",
)
def test_a_request_survives_the_job(operation: Operation, message: Any, request_: Any) -> None:
    """Written as params, stored as a Struct, and read back, it is what was asked for; options stay outside."""
    message.options.store_id = "hanoi"
    message.options.request_id = "r-1"
    params = params_of(message)
    assert "options" not in params
    assert message.options.store_id == "hanoi"
    assert request_of(operation, through_jobtracker(params)) == request_


def test_a_pull_of_before_there_were_methods_is_read() -> None:
    """A job whose params were stored without one reads as AUTO."""
    request = request_of(Operation.PULL_SHOPIFY_PRODUCTS, {"mode": "PULL_MODE_INCREMENTAL", "filter": {}})
    assert request == PullRequest(PullMode.INCREMENTAL, ShopifyProductFilter(), PullMethod.AUTO)


@given(
    ids=st.lists(st.integers(1, 2**63 - 1), max_size=5),
    limit=st.integers(0, 10_000),
    batch=st.integers(0, 100_000),
    percent=st.integers(0, 100),
)
def test_numbers_survive_the_job(ids: list[int], limit: int, batch: int, percent: int) -> None:
    """64-bit identifiers travel as text and stay exact; small numbers as numbers."""
    pull = pb.PullNhanhProductsRequest(filter=pb.NhanhProductFilter(category_ids=ids))
    request = request_of(Operation.PULL_NHANH_PRODUCTS, through_jobtracker(params_of(pull)))
    assert isinstance(request, PullRequest)
    assert isinstance(request.filter, NhanhProductFilter)
    assert request.filter.category_ids == tuple(dict.fromkeys(ids))
    retry = request_of(Operation.RETRY_FAILED_SYNC, through_jobtracker(params_of(pb.RetryFailedRequest(limit=limit))))
    assert isinstance(retry, RetryFailedRequest)
    assert retry.limit == (limit or 100)
    match = pb.AutoMatchCustomersRequest(strategy=3, batch_size=batch)
    matched = request_of(Operation.AUTO_MATCH_CUSTOMERS, through_jobtracker(params_of(match)))
    assert isinstance(matched, MatchCustomersRequest)
    assert matched.batch_size == (batch or 1_000)
    sync = pb.SyncCustomersRequest(selection=EVERY, max_drop_percent=percent)
    synced = request_of(Operation.CUSTOMER_SYNC, through_jobtracker(params_of(sync)))
    assert isinstance(synced, SyncCustomersRequest)
    assert synced.max_drop_percent == (percent or 50)


@pytest.mark.parametrize(
    ("operation", "params", "fault"),
    [
        ("AUTO_MATCH_PRODUCTS", {"surprise": True}, "surprise"),
        ("AUTO_MATCH_PRODUCTS", {"options": {"store_id": "hue"}}, "params.options"),
        ("AUTO_MATCH_PRODUCTS", {"dry_run": "perhaps"}, "dry_run"),
        ("RETRY_FAILED_SYNC", {"limit": 1.5}, "limit"),
        ("RETRY_FAILED_SYNC", {"limit": 10_001}, "params.limit must be from 0 to 10000, is 10001"),
        ("PULL_NHANH_PRODUCTS", {"mode": "SIDEWAYS"}, "SIDEWAYS"),
        ("PULL_NHANH_PRODUCTS", {"filter": {"updated_since": "yesterday"}}, "updated_since"),
        ("PULL_NHANH_CUSTOMERS", {"filter": {"last_bought_from": "2026-02-30"}}, "last_bought_from"),
        ("PRODUCT_SYNC", {}, "params.selection is missing"),
        ("PRODUCT_SYNC", {"selection": {"ids": {"mapping_ids": []}}}, "mapping_ids is missing"),
        ("NO_SUCH_TYPE", {}, "NO_SUCH_TYPE"),
    ],
)
async def test_params_that_nobody_could_have_asked_for_fail_for_good(operation: str, params: Any, fault: str) -> None:
    """They are read as strictly as a caller's request; the sentence says what is wrong."""
    with pytest.raises(OperationFailure) as raised:
        await request_of_job(claimed(operation, params), SelectionsInMemory())
    assert (raised.value.code, raised.value.retryable) == ("INVALID_PARAMS", False)
    assert fault in raised.value.message


async def test_a_variant_that_contradicts_the_params_fails_for_good() -> None:
    """What the table of jobs shows is what is done."""
    params = params_of(pb.AutoMatchCustomersRequest(strategy=pb.CUSTOMER_MATCH_STRATEGY_SQL))
    job = claimed("AUTO_MATCH_CUSTOMERS", params, variant="SQL")
    assert await request_of_job(job, SelectionsInMemory()) == (
        Operation.AUTO_MATCH_CUSTOMERS,
        MatchCustomersRequest(Strategy.SQL),
    )
    with pytest.raises(OperationFailure, match="BATCH"):
        await request_of_job(replace(job, variant="BATCH"), SelectionsInMemory())


async def test_a_selection_that_was_put_aside_is_read_whole() -> None:
    """An attempt pushes all that was selected."""
    ids = [f"0190a5d0-ac96-774b-bcce-{number:012x}" for number in range(MOST_INLINE + 1)]
    selections = SelectionsInMemory()
    message = pb.SyncCustomersRequest(selection=pb.MappingSelection(ids=pb.MappingIds(mapping_ids=ids)))
    params, labels = await put_aside(params_of(message), selections)
    job = claimed("CUSTOMER_SYNC", through_jobtracker(params), labels=labels)
    _, request = await request_of_job(job, selections)
    assert request == SyncCustomersRequest(Selection(mapping_ids=tuple(ids)))
    with pytest.raises(OperationFailure, match=labels[LABEL]):
        await request_of_job(job, SelectionsInMemory())


def test_params_never_carry_options() -> None:
    """The store of a job is a field of the job; params that name another are refused rather than ignored."""
    with pytest.raises(InvalidFields, match="fields of the job"):
        request_of(Operation.AUTO_MATCH_PRODUCTS, {"options": {}})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["filter", "mode", "selection", "aspects", "limit", "entity", "strategy", "dry_run", "x"])


@given(operation=st.sampled_from(Operation), params=st.dictionaries(FIELDS, JSON, max_size=3))
async def test_whatever_params_hold_they_are_read_or_refused(operation: Operation, params: Any) -> None:
    """Anybody may create a job in JobTracker: nothing in its params is a fault of ours."""
    with contextlib.suppress(OperationFailure):
        read, _ = await request_of_job(claimed(operation, params, variant="SQL"), SelectionsInMemory())
        assert read is operation
