"""A full pull from Shopify whose worker is killed, or whose job is cancelled, while Shopify gathers for it."""

import sqlite3
from pathlib import Path

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import operations_pb2
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.bulk.operations import Operation

from tests.fakes.whole_stack import WholeStack, whole_stack

HOLD = Rule("shopify", "bulkOperation", FaultKind.HOLD, skip=1, times=-1)
"""The second look at the operation is not answered."""

FOREVER = 3_600.0


def started(stack: WholeStack) -> list[Operation]:
    """Every bulk operation that the shop has been asked for."""
    return list(stack.sandbox.world.stores["hanoi"].shop.bulk.known.values())


def gather_for(stack: WholeStack, seconds: float) -> None:
    """Say how long an operation takes that is started from now on."""
    stack.sandbox.world.stores["hanoi"].shop.bulk.seconds = seconds


async def start_pull(client: Client) -> job_pb2.Job:
    """Start a full pull of Shopify's customers."""
    options = operations_pb2.StartOptions(store_id="hanoi")
    asked = operations_pb2.PullShopifyCustomersRequest(options=options, mode=operations_pb2.PULL_MODE_FULL)
    return (await client.sync.PullShopifyCustomers(asked)).job


async def test_a_killed_workers_operation_is_read_by_another(tmp_path: Path) -> None:
    """The second worker starts none: it waits for the one that the first had started, and reads it."""
    async with whole_stack(tmp_path) as stack:
        gather_for(stack, FOREVER)
        await stack.tracker()
        first = await stack.worker()
        client = await stack.client(first)
        stack.plan(HOLD)
        job = await start_pull(client)
        await stack.until_held("shopify bulkOperation")
        first.kill()
        await first.wait()
        await stack.worker()
        (operation,) = started(stack)
        operation.due_at = operation.created_at
        stack.plan()
        ended = await client.wait_job(job.job_id, timeout=60)
        assert ended.state == job_pb2.JOB_STATE_COMPLETED, ended
        assert (ended.attempt, ended.result["way"]) == (2, "by a bulk operation")
        assert started(stack) == [operation]
        shop = stack.sandbox.world.stores["hanoi"].shop
        assert pulled(tmp_path) == sorted(shop.customers)
        assert ended.progress.successful == len(shop.customers)


async def test_a_cancelled_jobs_operation_is_cancelled(tmp_path: Path) -> None:
    """At once, though the job's own calls have ended; others of the app go on."""
    async with whole_stack(tmp_path) as stack:
        shop = stack.sandbox.world.stores["hanoi"].shop
        shop.bulk.occupy(1, stack.sandbox.world.clock.now())
        gather_for(stack, FOREVER)
        await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(HOLD)
        job = await start_pull(client)
        await stack.until_held("shopify bulkOperation")
        await client.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=job.job_id, requested_by="operator"))
        ended = await client.wait_job(job.job_id, timeout=60)
        assert ended.state == job_pb2.JOB_STATE_CANCELLED
        foreign, ours = started(stack)
        assert foreign.canceled_at is None
        assert ours.canceled_at is not None


def pulled(folder: Path) -> list[int]:
    """Read which customers the catalog has."""
    with sqlite3.connect(folder / "catalog.db") as connection:
        rows = connection.execute(
            "SELECT customer_id FROM shopify_customers WHERE gone_time IS NULL ORDER BY 1"
        ).fetchall()
    connection.close()
    return [row[0] for row in rows]
