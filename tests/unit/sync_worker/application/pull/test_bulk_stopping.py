"""A job that stops while Shopify gathers for it: what becomes of the operation, under the runner's own lease and gate."""

import asyncio
from typing import cast

import pytest
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.last_call_gate import LastCallGate
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.domain.failures import Draining, JobCancelled, JobPaused, LeaseLost, WorkStopped
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import PullMode, PullRequest, ShopifyProductFilter

from tests.fakes.attempt import begin
from tests.fakes.bulk_world import BulkWorld
from tests.fakes.open_gate import OpenGate


@pytest.mark.parametrize(
    ("stop", "at_once", "cancelled"),
    [
        (JobCancelled(), True, [2]),
        (JobCancelled(), False, [2]),
        (JobPaused(), True, []),
        (Draining(), False, []),
        (Draining(), True, []),
        (LeaseLost(), True, []),
    ],
)
async def test_only_a_cancelled_job_takes_its_operation_with_it(
    bulk: BulkWorld, stop: WorkStopped, at_once: bool, cancelled: list[int]
) -> None:
    """In every other case a later attempt goes on with it; other operations of the app are never touched."""
    bulk.shop.of("query Other { products { edges { node { id } } } }", "RUNNING")
    bulk.shop.course = ("RUNNING",)

    async def work(job: JobContext, vendors: Vendors) -> OperationResult:
        return await run_pull(
            job,
            PullRequest(PullMode.FULL, ShopifyProductFilter()),
            operation=Operation.PULL_SHOPIFY_PRODUCTS,
            vendors=vendors,
            catalog=SqlPullCatalog(bulk.database, bulk.shop.clock),
            clock=bulk.shop.clock,
        )

    waited_for = asyncio.Event()
    bulk.shop.before = lambda: waited_for.set() if bulk.shop.asked.count("bulkOperation") > 3 else None
    rig = await begin(work, vendors=cast("Vendors", bulk.shop))
    await waited_for.wait()
    rig.attempt.stop(stop, at_once=at_once)
    await rig.task
    assert bulk.shop.cancelled == cancelled


@pytest.mark.parametrize("stop", [LeaseLost(), Draining(), JobPaused()])
async def test_the_last_call_needs_the_lease(stop: WorkStopped) -> None:
    """Only a cancelled job has one; whoever lost its lease makes no call under it."""
    with pytest.raises(type(stop)):
        await LastCallGate(OpenGate(stop=stop)).pass_through(1.0)
    await LastCallGate(OpenGate(stop=JobCancelled())).pass_through(1.0)
