"""A bulk result over real connections that break."""

from itertools import pairwise

import pytest
from sync_worker.adapters.http.connections import Connections
from sync_worker.adapters.shopify.bulk_download import CHUNK_BYTES
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.shopify.session import open_session
from sync_worker.adapters.shopify.transport import CALL_SECONDS
from sync_worker.application.ports.shopify_bulk import BEGINNING, BulkList, BulkOperation, BulkState
from sync_worker.domain.requests import ShopifyCustomerFilter
from sync_worker.domain.stores import ShopifyAccount

from tests.fakes.bulk_shop import customer_node, jsonl
from tests.fakes.clock import ManualClock
from tests.fakes.file_host import a_file_host
from tests.fakes.open_gate import OpenGate
from tests.fakes.shopify_http import TOKEN
from tests.fakes.shopify_traffic import a_bucket

ROWS = 12_000


@pytest.mark.parametrize("ranges", [True, False])
async def test_a_large_result_arrives_whole_over_broken_connections(ranges: bool) -> None:
    """Every row once and in order, a chunk of a megabyte or so at a time, and the token stays with us."""
    content = jsonl(map(customer_node, range(1, ROWS + 1)))
    async with a_file_host(content) as host, Connections() as http:
        host.ranges = ranges
        host.cuts = [0, 700_001, 900_003, 300_000] if ranges else [0, 1_200_000, 2_400_001, 3_300_003]
        clock = ManualClock()
        account = ShopifyAccount(host.url, "hanoi", "2026-07", TOKEN)
        session = open_session(account, http, clock, CALL_SECONDS)
        client = ShopifyClient(
            account, http, a_bucket(clock), OpenGate(), clock, lambda _low, high: high, session=session
        )
        operation = BulkOperation(1, BulkState.COMPLETED, ROWS, ROWS, f"{host.url}/result")
        chunks = [chunk async for chunk in client.bulk.read(operation, BulkList(ShopifyCustomerFilter()), BEGINNING)]
    assert [row[0] for chunk in chunks for row in chunk.rows] == list(range(1, ROWS + 1))
    assert chunks[-1].behind.offset == len(content)
    ends = [0, *(chunk.behind.offset for chunk in chunks)]
    assert all(end - start < 1.25 * CHUNK_BYTES for start, end in pairwise(ends))
    assert len(host.asked) == 5
    assert not any(TOKEN.encode() in head for head in host.asked)
