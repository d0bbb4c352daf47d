"""Access tokens that a vendor replaces by others in the middle of pulls.

One that stands in a file has to be put there anew, and until then a pull fails; one that is granted is granted anew.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from sandbox.faults import FaultKind
from sandbox.world import StoreWorld

from tests.fakes.pulls import BULK_PULLS, NHANH_PULLS, PAGED_PULLS, TOKEN_GRANT, Pull
from tests.fakes.whole_stack import PATIENCE_SECONDS, WholeStack, whole_stack, without_static_token

BY_PAGES, BY_BULK, GRANTED = "bypages", "bybulk", "granted"
PULLS = (
    *((BY_PAGES, pull) for pull in (*NHANH_PULLS, *PAGED_PULLS)),
    *((BY_BULK, pull) for pull in BULK_PULLS[:1]),
    *((GRANTED, pull) for pull in PAGED_PULLS),
)
LEASE_SECONDS = 10.0

REFUSED = {"nhanh": "ERR_INVALID_ACCESS_TOKEN", "shopify": "INVALID_TOKEN"}


def middle_call(pull: Pull) -> str:
    """Name the call behind which there is more to be asked; that of a bulk operation starts it."""
    return "bulkOperationRunQuery" if pull.by_bulk else pull.calls[0]


def replace_tokens(world: StoreWorld) -> None:
    """Let both vendors take other tokens than before."""
    world.business.access_token = world.business.access_token[::-1]
    world.shop.access_token = world.shop.access_token[::-1]
    world.shop.app.expires_at.clear()


def write_tokens(folder: Path, world: StoreWorld) -> None:
    """Put the new ones where the stores file says."""
    for vendor, token in (("nhanh", world.business.access_token), ("shopify", world.shop.access_token)):
        (folder / "secrets" / f"{world.store_id}-{vendor}-access-token").write_text(token, encoding="utf-8")


async def in_the_middle(stack: WholeStack, client: Client) -> list[job_pb2.Job]:
    """Start all pulls; the tokens are replaced while a call of each is under way.

    Nhanh looks at the token of a held call when it lets it go, Shopify when it comes, so that only the next is refused.
    """
    stack.plan(
        *(
            pull.fault(middle_call(pull), FaultKind.HOLD, store_id, skip=int(pull.vendor == "nhanh"), times=-1)
            for store_id, pull in PULLS
        )
    )
    jobs = [await pull.start(client, store_id) for store_id, pull in PULLS]
    await asyncio.gather(
        *(stack.until_held(f"{pull.vendor} {middle_call(pull)}", store_id) for store_id, pull in PULLS)
    )
    for world in stack.sandbox.world.stores.values():
        replace_tokens(world)
    stack.plan()
    return jobs


async def ended(client: Client, jobs: Iterable[job_pb2.Job]) -> list[job_pb2.Job]:
    """Wait for the ends of jobs."""
    return await asyncio.gather(*(client.wait_job(job.job_id, timeout=PATIENCE_SECONDS) for job in jobs))


async def retried(client: Client, jobs: Iterable[job_pb2.Job]) -> list[job_pb2.Job]:
    """Retry jobs, and wait for their ends."""
    return await ended(
        client, [(await client.jobs.RetryJob(jobs_pb.RetryJobRequest(job_id=job.job_id))).job for job in jobs]
    )


async def test_a_pull_goes_on_with_the_token_that_has_replaced_the_old_one(tmp_path: Path) -> None:
    """It fails at once, and with the old one again; with the new one it goes on at its place, and every row is right."""
    stores = (BY_PAGES, BY_BULK, GRANTED)
    async with whole_stack(tmp_path, products=125, customers=300, stores=stores, lease_seconds=LEASE_SECONDS) as stack:
        without_static_token(stack, GRANTED)
        await stack.tracker()
        worker = await stack.worker(concurrency=len(PULLS))
        client = await stack.client(worker)
        ends = await ended(client, await in_the_middle(stack, client))
        failed = []
        for (store_id, pull), job in zip(PULLS, ends, strict=True):
            if store_id == GRANTED:
                assert (job.state, job.attempt) == (job_pb2.JOB_STATE_COMPLETED, 1), job
            else:
                assert (job.state, job.attempt) == (job_pb2.JOB_STATE_FAILED, 1), job
                assert job.error.code == REFUSED[pull.vendor]
                failed.append(job)
        assert stack.sandbox.world.stores[GRANTED].calls.answered[f"shopify {TOKEN_GRANT}"] == 2
        failed = await retried(client, failed)
        assert {job.state for job in failed} == {job_pb2.JOB_STATE_FAILED}
        for store_id in (BY_PAGES, BY_BULK):
            write_tokens(tmp_path, stack.sandbox.world.stores[store_id])
        await worker.stop()
        client = await stack.client(await stack.worker(concurrency=len(PULLS)))
        for (_, pull), old, job in zip(PULLS, failed, await retried(client, failed), strict=False):
            assert (job.state, job.attempt, job.retry_of_job_id) == (job_pb2.JOB_STATE_COMPLETED, 1, old.job_id), job
            assert job.result["resumed"] or pull.by_bulk
        assert len(stack.sandbox.world.stores[BY_BULK].shop.bulk.known) == 1, "the operation was found again"
        for store_id, pull in PULLS:
            await pull.mirror.check(stack.sandbox.world.stores[store_id], stack.catalog_url)
