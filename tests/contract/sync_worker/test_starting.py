"""Every start answers with its job, or says why not."""

import socket
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import operations_pb2 as pb
from sync_worker.application.large_selections import LABEL

from tests.contract.job_tracker.conftest import refusal
from tests.contract.sync_worker.conftest import Rig, serving_sync_worker

EVERY = pb.MappingSelection(statuses=pb.MappingStatuses())
SHARED, EXCLUSIVE = job_pb2.LOCK_MODE_SHARED, job_pb2.LOCK_MODE_EXCLUSIVE


def options(**changed: Any) -> pb.StartOptions:
    """Options of a start for hanoi."""
    return pb.StartOptions(**({"store_id": "hanoi", "created_by": "an operator"} | changed))


def match_locks(entity: str) -> dict[str, Any]:
    """What a match holds."""
    return {
        f"hanoi/mappings/{entity}": EXCLUSIVE,
        f"hanoi/nhanh/{entity}": SHARED,
        f"hanoi/shopify/{entity}": SHARED,
    }


def push_locks(*entities: str) -> dict[str, Any]:
    """What a push holds."""
    return {
        key: mode for e in entities for key, mode in ((f"hanoi/push/{e}", EXCLUSIVE), (f"hanoi/mappings/{e}", SHARED))
    }


STARTS: list[tuple[str, Any, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "PullNhanhProducts",
        pb.PullNhanhProductsRequest(filter=pb.NhanhProductFilter(category_ids=[2**60 + 1])),
        "PULL_NHANH_PRODUCTS",
        "",
        {"filter": {"category_ids": [str(2**60 + 1)]}},
        {"hanoi/nhanh/products": EXCLUSIVE},
    ),
    (
        "PullShopifyProducts",
        pb.PullShopifyProductsRequest(mode=pb.PULL_MODE_INCREMENTAL),
        "PULL_SHOPIFY_PRODUCTS",
        "",
        {"mode": "PULL_MODE_INCREMENTAL"},
        {"hanoi/shopify/products": EXCLUSIVE},
    ),
    (
        "PullNhanhCustomers",
        pb.PullNhanhCustomersRequest(),
        "PULL_NHANH_CUSTOMERS",
        "",
        {},
        {"hanoi/nhanh/customers": EXCLUSIVE},
    ),
    (
        "PullShopifyCustomers",
        pb.PullShopifyCustomersRequest(filter=pb.ShopifyCustomerFilter(search="country:VN")),
        "PULL_SHOPIFY_CUSTOMERS",
        "",
        {"filter": {"search": "country:VN"}},
        {"hanoi/shopify/customers": EXCLUSIVE},
    ),
    (
        "SyncProducts",
        pb.SyncProductsRequest(selection=EVERY, max_drop_percent=10),
        "PRODUCT_SYNC",
        "",
        {"selection": {"statuses": {}}, "max_drop_percent": 10},
        push_locks("products"),
    ),
    (
        "SyncCustomers",
        pb.SyncCustomersRequest(selection=EVERY, dry_run=True),
        "CUSTOMER_SYNC",
        "",
        {"selection": {"statuses": {}}, "dry_run": True},
        push_locks("customers"),
    ),
    ("AutoMatchProducts", pb.AutoMatchProductsRequest(), "AUTO_MATCH_PRODUCTS", "", {}, match_locks("products")),
    (
        "AutoMatchCustomers",
        pb.AutoMatchCustomersRequest(strategy=pb.CUSTOMER_MATCH_STRATEGY_IN_MEMORY),
        "AUTO_MATCH_CUSTOMERS",
        "IN_MEMORY",
        {"strategy": "CUSTOMER_MATCH_STRATEGY_IN_MEMORY"},
        match_locks("customers"),
    ),
    ("AutoMatchCustomers", pb.AutoMatchCustomersRequest(), "AUTO_MATCH_CUSTOMERS", "SQL", {}, match_locks("customers")),
    (
        "AutoMatchCustomers",
        pb.AutoMatchCustomersRequest(strategy=pb.CUSTOMER_MATCH_STRATEGY_BATCH, batch_size=10),
        "AUTO_MATCH_CUSTOMERS",
        "BATCH",
        {"strategy": "CUSTOMER_MATCH_STRATEGY_BATCH", "batch_size": 10},
        match_locks("customers"),
    ),
    ("RetryFailed", pb.RetryFailedRequest(), "RETRY_FAILED_SYNC", "", {}, push_locks("products", "customers")),
    (
        "RetryFailed",
        pb.RetryFailedRequest(entity=pb.ENTITY_CUSTOMERS),
        "RETRY_FAILED_SYNC",
        "",
        {"entity": "ENTITY_CUSTOMERS"},
        push_locks("customers"),
    ),
]


@pytest.mark.parametrize(
    ("call", "request_", "kind", "variant", "params", "locks"), STARTS, ids=[f"{s[0]}{s[3]}" for s in STARTS]
)
async def test_a_start_answers_with_its_job(
    rig: Rig, call: str, request_: Any, kind: str, variant: str, params: Any, locks: Any
) -> None:
    """The answer is the job as JobTracker has it: type, variant, params, locks, creator; PENDING."""
    asked = type(request_)()
    asked.CopyFrom(request_)
    asked.options.CopyFrom(options(priority=5))
    answer = await getattr(rig.sync, call)(asked)
    assert answer.created
    job = await rig.job(answer.job.job_id)
    assert answer.job == job
    assert (job.type, job.variant, job.store_id, job.state) == (kind, variant, "hanoi", job_pb2.JOB_STATE_PENDING)
    assert json_format.MessageToDict(job.params) == params
    assert {lock.key: lock.mode for lock in job.locks} == locks
    assert (job.priority, job.created_by, dict(job.labels)) == (5, "an operator", {})


async def test_the_same_request_id_starts_one_job(rig: Rig) -> None:
    """A start is safe to repeat; the repeat says that nothing new was created."""
    request = pb.PullNhanhProductsRequest(options=options(request_id="r-1"))
    first, second = [await rig.sync.PullNhanhProducts(request) for _ in range(2)]
    assert (first.created, second.created) == (True, False)
    assert first.job.job_id == second.job.job_id


async def test_a_request_id_with_other_content_is_jobtrackers_refusal(rig: Rig) -> None:
    """It is passed on as it came, domain included, and names the job that the id made."""
    first = await rig.sync.PullNhanhProducts(pb.PullNhanhProductsRequest(options=options(request_id="r-1")))
    refused = await refusal(
        rig.sync.PullNhanhProducts(
            pb.PullNhanhProductsRequest(options=options(request_id="r-1"), mode=pb.PULL_MODE_INCREMENTAL)
        )
    )
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert refused.domain == "jobs.nhanhsync"
    assert refused.metadata == {"request_id": "r-1", "job_id": first.job.job_id}
    assert refused.resource == first.job.job_id


async def test_a_double_click_names_the_job_in_the_way(rig: Rig) -> None:
    """Two starts of one pull do not run side by side."""
    first = await rig.sync.PullNhanhProducts(pb.PullNhanhProductsRequest(options=options()))
    refused = await refusal(rig.sync.PullNhanhProducts(pb.PullNhanhProductsRequest(options=options())))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "CONFLICTING_JOB_ACTIVE")
    assert refused.domain == "jobs.nhanhsync"
    assert refused.metadata == {"job_id": first.job.job_id, "lock_key": "hanoi/nhanh/products"}


async def test_a_queued_start_waits_its_turn(rig: Rig) -> None:
    """With QUEUE the second is PENDING behind the first."""
    await rig.sync.PullNhanhProducts(pb.PullNhanhProductsRequest(options=options()))
    request = pb.PullNhanhProductsRequest(options=options(conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE))
    assert (await rig.sync.PullNhanhProducts(request)).job.state == job_pb2.JOB_STATE_PENDING


async def test_stores_do_not_stand_in_each_others_way(rig: Rig) -> None:
    """The same pull of two stores runs side by side."""
    for store_id in ("hanoi", "danang"):
        request = pb.PullNhanhProductsRequest(options=options(store_id=store_id))
        assert (await rig.sync.PullNhanhProducts(request)).created


async def test_an_unknown_store_is_not_found(rig: Rig) -> None:
    """No job is created for it."""
    refused = await refusal(rig.sync.AutoMatchProducts(pb.AutoMatchProductsRequest(options=options(store_id="hue"))))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "STORE_NOT_FOUND")
    assert (refused.domain, refused.metadata, refused.resource) == ("sync.nhanhsync", {"store_id": "hue"}, "hue")
    assert await rig.all_jobs() == []


async def test_all_bad_fields_are_named_at_once(rig: Rig) -> None:
    """Over the wire too; no job is created."""
    refused = await refusal(
        rig.sync.SyncCustomers(pb.SyncCustomersRequest(options=options(priority=200), max_drop_percent=200))
    )
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refused.domain == "sync.nhanhsync"
    assert sorted(refused.fields) == ["max_drop_percent", "options.priority", "selection"]
    assert await rig.all_jobs() == []


@pytest.mark.parametrize("call", sorted({start[0] for start in STARTS}))
async def test_a_start_without_a_store_is_refused(rig: Rig, call: str) -> None:
    """Every start names its store."""
    request = next(type(start[1]) for start in STARTS if start[0] == call)()
    assert "options.store_id" in (await refusal(getattr(rig.sync, call)(request))).fields


async def test_ten_thousand_mappings_arrive_in_one_request(rig: Rig) -> None:
    """They are more than a job's params hold: the job names the list, and a repeat of the start is the same job."""
    ids = [f"0190a5d0-ac96-774b-bcce-{number:012x}" for number in range(10_000)]
    request = pb.SyncProductsRequest(
        options=options(request_id="r-1"), selection=pb.MappingSelection(ids=pb.MappingIds(mapping_ids=ids))
    )
    first, second = [await rig.sync.SyncProducts(request) for _ in range(2)]
    assert (second.created, second.job.job_id) == (False, first.job.job_id)
    assert await rig.selections.load(first.job.labels[LABEL]) == tuple(ids)


async def test_a_retry_of_a_job_keeps_what_was_asked(rig: Rig) -> None:
    """JobTracker repeats params, labels and locks, so the worker reads the same request."""
    request = pb.SyncProductsRequest(options=options(), selection=EVERY, repush=True)
    job = (await rig.sync.SyncProducts(request)).job
    await rig.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=job.job_id))
    again = (await rig.jobs.RetryJob(jobs_pb.RetryJobRequest(job_id=job.job_id))).job
    assert (again.params, again.locks, again.labels) == (job.params, job.locks, job.labels)


async def test_without_jobtracker_a_start_is_unavailable() -> None:
    """Try again: nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
    async with serving_sync_worker(nowhere) as (sync, _, _):
        refused = await refusal(sync.PullNhanhProducts(pb.PullNhanhProductsRequest(options=options())))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert refused.domain == "sync.nhanhsync"
    assert refused.retry_seconds is not None
