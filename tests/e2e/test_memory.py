"""What a worker needs does not grow with the shop, for pulls and for the SQL and BATCH matches."""

from pathlib import Path

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb

from tests.fakes.whole_stack import whole_stack

SMALL, LARGE = 10_000, 40_000
MOST_GROWTH_MIB = 24
"""Room for SQLite's cache of pages, which a small shop does not fill; to hold the rows that the larger shop has more would take
twice as much."""

OPTIONS = pb.StartOptions(store_id="hanoi")


def peak_mib(pid: int) -> float:
    """Read the most memory that a process has had resident."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def run_all(client: Client) -> int:
    """Pull both sides and match them twice; how many rows were processed."""
    strategy = pb.CustomerMatchStrategy
    matching = {"options": OPTIONS, "dry_run": True}
    processed = 0
    for call, request in (
        (client.sync.PullNhanhCustomers, pb.PullNhanhCustomersRequest(options=OPTIONS)),
        (client.sync.PullShopifyCustomers, pb.PullShopifyCustomersRequest(options=OPTIONS)),
        (
            client.sync.AutoMatchCustomers,
            pb.AutoMatchCustomersRequest(strategy=strategy.CUSTOMER_MATCH_STRATEGY_SQL, **matching),
        ),
        (
            client.sync.AutoMatchCustomers,
            pb.AutoMatchCustomersRequest(strategy=strategy.CUSTOMER_MATCH_STRATEGY_BATCH, **matching),
        ),
    ):
        job = await client.wait_job((await call(request)).job.job_id, timeout=60)
        assert job.state == job_pb2.JOB_STATE_COMPLETED, job.error
        processed += job.progress.processed
    return processed


async def test_a_workers_memory_does_not_grow_with_the_shop(tmp_path: Path) -> None:
    """Its peak is the same for a shop of four times the customers: all that works at once is full in the smaller one."""
    peaks = []
    for customers in (SMALL, LARGE):
        folder = tmp_path / str(customers)
        folder.mkdir()
        async with whole_stack(folder, products=1, customers=customers, lease_seconds=30) as stack:
            await stack.tracker()
            worker = await stack.worker()
            assert await run_all(await stack.client(worker)) > customers
            peaks.append(peak_mib(worker.pid))
    assert peaks[1] - peaks[0] < MOST_GROWTH_MIB, peaks
