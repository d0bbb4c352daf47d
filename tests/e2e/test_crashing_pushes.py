"""kill -9 in the middle of a push: whether or not the write arrived, Shopify ends with what Nhanh has, written once."""

from collections import Counter
from pathlib import Path

import pytest
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.expectations import truth_document
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.state import quantities

from tests.fakes.whole_stack import whole_stack

OPTIONS = pb.StartOptions(store_id="hanoi")


async def link_products(client: Client) -> None:
    """Pull both sides and match them."""
    for call, request in (
        (client.sync.PullNhanhProducts, pb.PullNhanhProductsRequest(options=OPTIONS)),
        (client.sync.PullShopifyProducts, pb.PullShopifyProductsRequest(options=OPTIONS)),
        (client.sync.AutoMatchProducts, pb.AutoMatchProductsRequest(options=OPTIONS)),
    ):
        job = await client.wait_job((await call(request)).job.job_id, timeout=60)
        assert job.state == job_pb2.JOB_STATE_COMPLETED, job.error


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_killed_push_is_finished_by_another_worker(tmp_path: Path, arrives: bool) -> None:
    """The next attempt reads back what became of the write that nobody saw answered, and then pushes the rest."""
    async with whole_stack(tmp_path, customers=0) as stack:
        await stack.tracker()
        first = await stack.worker()
        client = await stack.client(first)
        await link_products(client)
        kind = FaultKind.DROP_AFTER_COMMIT if arrives else FaultKind.HOLD
        hold = Rule("shopify", "inventorySetQuantities", FaultKind.HOLD, times=-1)
        stack.plan(*([Rule("shopify", "inventorySetQuantities", kind)] if arrives else []), hold)
        selection = pb.MappingSelection(statuses=pb.MappingStatuses())
        request = pb.SyncProductsRequest(options=OPTIONS, selection=selection)
        job = (await client.sync.SyncProducts(request)).job
        await stack.until_held("shopify inventorySetQuantities")
        store = stack.sandbox.world.stores["hanoi"]
        written = len(store.history.writes)
        assert bool(written) == arrives
        first.kill()
        await first.wait()
        stack.plan()
        await stack.worker()
        ended = await client.wait_job(job.job_id, timeout=60)
        assert (ended.state, ended.attempt) == (job_pb2.JOB_STATE_COMPLETED, 2), ended
        now = quantities(store.shop)
        for _, item, location, quantity in truth_document(store)["stock"]:
            assert now[item][location] == quantity
        # What was held may have gone through when the worker died; what arrived is not written again.
        targets = Counter(write.target for write in store.history.writes)
        assert max(targets.values()) == 1
