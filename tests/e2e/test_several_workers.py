"""Three SyncWorkers and a JobTracker on one PostgreSQL: together they serve several stores, and one of them may die."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.expectations import truth_document
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.state import quantities

from tests.fakes.postgres import fresh_database
from tests.fakes.whole_stack import WholeStack, whole_stack

STORES = ("hanoi", "danang", "hue")
HOLDS = [Rule("nhanh", "customer/list", FaultKind.HOLD, store=store, skip=1, times=-1) for store in STORES]
"""One page of each store is read, and its pull stands before the next."""


def options(store: str) -> pb.StartOptions:
    """Options of a start for a store."""
    return pb.StartOptions(store_id=store)


async def started(*calls: Any) -> list[str]:
    """Start jobs; their ids."""
    return [answer.job.job_id for answer in await asyncio.gather(*calls)]


async def ended(client: Client, job_ids: Sequence[str]) -> list[job_pb2.Job]:
    """Wait for jobs, and see that each was completed, once."""
    jobs = await asyncio.gather(*(client.wait_job(job_id, timeout=60) for job_id in job_ids))
    for job in jobs:
        assert job.state == job_pb2.JOB_STATE_COMPLETED, job
        events = (await client.jobs.ListJobEvents(jobs_pb.ListJobEventsRequest(job_id=job.job_id))).events
        kinds = Counter(event.kind for event in events)
        assert kinds[job_pb2.JOB_EVENT_KIND_ENDED] == 1
        assert kinds[job_pb2.JOB_EVENT_KIND_CLAIMED] == job.attempt == kinds[job_pb2.JOB_EVENT_KIND_LEASE_LOST] + 1
    return list(jobs)


async def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Read from the catalog."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_several_workers_share_a_catalog_and_one_dies(tmp_path: Path) -> None:
    """Every job of three stores is completed once, and the catalog and Shopify end as the shops are."""
    with fresh_database("postgresql", tmp_path, None) as url:
        async with whole_stack(tmp_path, products=30, customers=300, stores=STORES, database_url=url) as stack:
            await stack.tracker()
            first, second, _third = await asyncio.gather(*(stack.worker(concurrency=1) for _ in STORES))
            client = await stack.client(second)
            await pull_customers_while_one_dies(stack, client, first)
            await pull_the_rest_and_match(client)
            await push(client)
            await check(stack, url)


async def pull_customers_while_one_dies(stack: WholeStack, client: Client, victim: Any) -> None:
    """Each worker stands in the middle of a pull of its own when one of them is killed; the others do its work too."""
    stack.plan(*HOLDS)
    pulls = await started(
        *(client.sync.PullNhanhCustomers(pb.PullNhanhCustomersRequest(options=options(store))) for store in STORES)
    )
    for store in STORES:
        await stack.until_held("nhanh customer/list", store)
    victim.kill()
    await victim.wait()
    stack.plan()
    assert sorted(job.attempt for job in await ended(client, pulls)) == [1, 1, 2]


async def pull_the_rest_and_match(client: Client) -> None:
    """Everything of all stores at once, as far as its locks allow."""
    sync = client.sync
    await ended(
        client,
        await started(
            *(sync.PullNhanhProducts(pb.PullNhanhProductsRequest(options=options(store))) for store in STORES),
            *(sync.PullShopifyProducts(pb.PullShopifyProductsRequest(options=options(store))) for store in STORES),
            *(sync.PullShopifyCustomers(pb.PullShopifyCustomersRequest(options=options(store))) for store in STORES),
        ),
    )
    await ended(
        client,
        await started(
            *(sync.AutoMatchProducts(pb.AutoMatchProductsRequest(options=options(store))) for store in STORES),
            *(
                sync.AutoMatchCustomers(pb.AutoMatchCustomersRequest(options=options(store), strategy=strategy))
                for store, strategy in zip(STORES, pb.CustomerMatchStrategy.values()[1:], strict=True)
            ),
        ),
    )


async def push(client: Client) -> None:
    """Push the stock of all stores."""
    selection = pb.MappingSelection(statuses=pb.MappingStatuses())
    calls = (
        client.sync.SyncProducts(pb.SyncProductsRequest(options=options(store), selection=selection))
        for store in STORES
    )
    await ended(client, await started(*calls))


async def check(stack: WholeStack, url: str) -> None:
    """Compare the catalog and Shopify with the shops."""
    customers = await rows(url, "SELECT store_id, nhanh_id FROM nhanh_customers WHERE gone_time IS NULL ORDER BY 1, 2")
    worlds = stack.sandbox.world.stores
    assert customers == sorted((store, number) for store in STORES for number in worlds[store].business.customers)
    assert await rows(url, "SELECT 1 FROM pull_seen") == []
    assert await rows(url, "SELECT 1 FROM push_intents WHERE settle_time IS NULL") == []
    for store in STORES:
        now = quantities(worlds[store].shop)
        stock = truth_document(worlds[store])["stock"]
        assert stock
        assert all(now[item][location] == quantity for _, item, location, quantity in stock)
        assert max(Counter(write.target for write in worlds[store].history.writes).values()) == 1
