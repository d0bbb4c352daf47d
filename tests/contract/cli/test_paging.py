"""Lists longer than a page: `--limit` is what comes, each row once and in order."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration
from nhanhsync.cli import catalog, jobs
from nhanhsync.cli.session import LARGEST_PAGE
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.cli.conftest import Shop, Tracked

MORE = LARGEST_PAGE + 3
LIMIT = str(LARGEST_PAGE + 2)


async def test_jobs_beyond_a_page(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pages of ten, 25 jobs: the newest so many, none twice, also where the limit is a page's end."""
    monkeypatch.setattr(jobs, "LARGEST_PAGE", 10)
    created = [(await tracked.client.create_job(pb.CreateJobRequest(type="T"))).job.job_id for _ in range(25)]
    for limit in (1, 9, 10, 11, 20, 24, 25, 1_000_000):
        ran = await tracked.terminal.types("jobs", "list", "--limit", str(limit), "--json")
        assert (ran.code, ran.err) == (0, "")
        assert [job["job_id"] for job in ran.document["jobs"]] == created[::-1][:limit]


async def test_failures_beyond_a_page(tracked: Tracked) -> None:
    """What is left out is counted."""
    claim = pb.ClaimOnCreate(worker_id="w", lease_ttl=Duration(seconds=60))
    made = await tracked.client.create_job(pb.CreateJobRequest(type="T", claim=claim))
    token = made.claimed.lease.lease_token
    failures = [job_pb2.ItemFailure(item_key=f"item-{n:04}", stage="push", code="BAD") for n in range(MORE)]
    for failure in failures:
        failure.origin = job_pb2.ITEM_FAILURE_ORIGIN_SHOPIFY
        failure.message = "Bad item."
    for sequence, start in enumerate(range(0, MORE, 100), 1):
        await tracked.client.jobs.UpdateProgress(
            pb.UpdateProgressRequest(
                job_id=made.job.job_id,
                lease_token=token,
                report_sequence=sequence,
                item_failures=failures[start : start + 100],
            )
        )
    asked = ("jobs", "failures", made.job.job_id, "--limit", LIMIT)
    as_json = await tracked.terminal.types(*asked, "--json")
    keys = [failure["item_key"] for failure in as_json.document["item_failures"]]
    assert (len(keys), len(set(keys))) == (int(LIMIT), int(LIMIT))
    table = await tracked.terminal.types(*asked)
    assert table.out.splitlines()[-1] == f"{LIMIT} of {MORE}; --limit shows more."


@pytest.mark.parametrize("customers", [900])
async def test_links_and_rows_left_alone_beyond_a_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both lists, with and without a limit that cuts, in large pages and in small ones."""
    pulls = ("pull-nhanh-customers", "pull-shopify-customers")
    ran = await asyncio.gather(*(shop.terminal.runs("run", each, "--store", "hanoi", "--watch") for each in pulls))
    assert [each.code for each in ran] == [0, 0]
    matched = await shop.terminal.types("run", "match-customers-sql", "--store", "hanoi", "--watch")
    assert matched.code == 0
    listed = ("mappings", "list", "--store", "hanoi", "--json", "--limit")
    whole = (await shop.terminal.types(*listed, "100000")).document["mappings"]
    ids = [row["mapping_id"] for row in whole]
    assert len(ids) == len(set(ids)) >= len(shop.store.customers.must_link) > LARGEST_PAGE
    cut = (await shop.terminal.types(*listed, LIMIT)).document["mappings"]
    assert cut == whole[: int(LIMIT)]
    alone = ("unmatched", "list", "--store", "hanoi", "--entity", "customers", "--json", "--limit")
    rows = (await shop.terminal.types(*alone, "100000")).document["rows"]
    assert len(rows) > 15
    monkeypatch.setattr(catalog, "LARGEST_PAGE", 7)
    for limit in (6, 7, 8, 14, 15, 100_000):
        assert (await shop.terminal.types(*alone, str(limit))).document["rows"] == rows[:limit]
