"""Full pulls from Shopify of which one loses its worker, and one is cancelled, while Shopify gathers for them."""

from pathlib import Path

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.bulk.operations import Operation
from sandbox.shopify.shop import Shop

from tests.fakes.mirrors import SHOPIFY_CUSTOMERS
from tests.fakes.pulls import BULK_PULLS
from tests.fakes.whole_stack import WholeStack, whole_stack

KILLED, CANCELLED = "hanoi", "danang"
"""The stores, by what becomes of their pulls."""

CUSTOMERS = BULK_PULLS[1]
FOREVER = 3_600.0


def shop_of(stack: WholeStack, store: str) -> Shop:
    """Find the truth of a store's shop."""
    return stack.sandbox.world.stores[store].shop


def started(stack: WholeStack, store: str) -> list[Operation]:
    """Every bulk operation that a shop has been asked for."""
    return list(shop_of(stack, store).bulk.known.values())


async def held_pull(stack: WholeStack, client: Client, store: str) -> job_pb2.Job:
    """Start a pull whose operation takes for ever, and of which the second look is not answered; others' holds end."""
    shop_of(stack, store).bulk.seconds = FOREVER
    stack.plan(Rule("shopify", "bulkOperation", FaultKind.HOLD, store, skip=1, times=-1))
    job = await CUSTOMERS.start(client, store)
    await stack.until_held("shopify bulkOperation", store)
    return job


async def test_an_operation_outlives_its_worker_but_not_its_job(tmp_path: Path) -> None:
    """A second worker starts none: it reads the one that the first had started. Meanwhile a cancelled job's is cancelled."""
    async with whole_stack(tmp_path, stores=(KILLED, CANCELLED)) as stack:
        await stack.tracker()
        first = await stack.worker()
        job = await held_pull(stack, await stack.client(first), KILLED)
        first.kill()
        await first.wait()
        client = await stack.client(await stack.worker())
        (operation,) = started(stack, KILLED)
        operation.due_at = operation.created_at
        await cancel_one(stack, client)
        ended = await client.wait_job(job.job_id, timeout=60)
        assert ended.state == job_pb2.JOB_STATE_COMPLETED, ended
        assert (ended.attempt, ended.result["way"]) == (2, "by a bulk operation")
        assert started(stack, KILLED) == [operation]
        assert ended.progress.successful == len(shop_of(stack, KILLED).customers)
        await SHOPIFY_CUSTOMERS.check(stack.sandbox.world.stores[KILLED], stack.catalog_url)


async def cancel_one(stack: WholeStack, client: Client) -> None:
    """At once its operation is cancelled, though the job's own calls have ended; others of the app go on."""
    shop_of(stack, CANCELLED).bulk.occupy(1, stack.sandbox.world.clock.now())
    job = await held_pull(stack, client, CANCELLED)
    await client.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=job.job_id, requested_by="operator"))
    ended = await client.wait_job(job.job_id, timeout=60)
    assert ended.state == job_pb2.JOB_STATE_CANCELLED
    foreign, ours = started(stack, CANCELLED)
    assert foreign.canceled_at is None
    assert ours.canceled_at is not None
