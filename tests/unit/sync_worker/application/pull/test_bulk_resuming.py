"""A pull by a bulk operation that dies, and goes on where it died."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.catalog.tables import pull_runs
from sync_worker.adapters.shopify import bulk_download
from sync_worker.domain.failures import OperationFailure

from tests.fakes.bulk_shop import BulkShop, jsonl, variant_node
from tests.fakes.bulk_world import BulkWorld
from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.mortal_job import Killed, MortalJob, attempt
from tests.fakes.stores import a_store

NUMBERS = list(range(1, 31))
CONTENT = jsonl(map(variant_node, NUMBERS))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty rows are many chunks."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", 1_500)


def a_job(dies_after: int | None = None) -> MortalJob:
    """A job that dies when it has reported so often."""
    return MortalJob(a_store(), dies_after=dies_after)


@settings(max_examples=25, deadline=None)
@given(
    deaths=st.lists(st.integers(1, 8), max_size=5),
    ranges=st.booleans(),
    cuts=st.lists(st.integers(0, len(CONTENT)), max_size=8),
    course=st.sampled_from([("COMPLETED",), ("CREATED", "RUNNING", "COMPLETED")]),
)
async def test_a_pull_survives_deaths_and_broken_connections(
    deaths: list[int], ranges: bool, cuts: list[int], course: tuple[str, ...]
) -> None:
    """One operation is started, whenever it dies; in the end every row is there, and each was counted once."""
    with tempfile.TemporaryDirectory() as folder:
        async with catalog_database(Path(folder)) as database:
            shop = BulkShop(content=CONTENT, course=course, ranges=ranges, cuts=list(cuts))
            world = BulkWorld(shop, database)
            for death in deaths:
                await attempt(world, a_job(death))
            while (done := await attempt(world, a_job())) is None:
                pass
            assert await world.living() == NUMBERS
            assert done.progress.successful == 30
            assert shop.starts == 1


@pytest.mark.parametrize("ranges", [True, False])
async def test_a_chunk_at_most_is_read_again(bulk: BulkWorld, ranges: bool) -> None:
    """The next attempt asks for what lies behind the last stored chunk; a host that knows no ranges is read up to there."""
    bulk.shop.content, bulk.shop.ranges = CONTENT, ranges
    with pytest.raises(Killed):
        await bulk.pull(a_job(5))
    stored = len(await bulk.living())
    assert 0 < stored < 30
    job = a_job()
    done = await bulk.pull(job)
    behind = len(jsonl(map(variant_node, NUMBERS[:stored])))
    assert bulk.shop.downloads[-1].headers["range"] == f"bytes={behind}-"
    assert job.reports[0].successful == stored
    assert (done.result["created"], done.result["unchanged"], done.result["resumed"]) == (30, 0, True)


async def test_an_operation_that_was_not_noted_down_is_found(bulk: BulkWorld) -> None:
    """The process died after the start and before its id was stored: the query's name tells that it is ours."""
    bulk.shop.content = CONTENT
    with pytest.raises(Killed):
        await bulk.pull(a_job(1))
    assert (await bulk.place())[0] is None
    bulk.shop.of("query Other { customers { edges { node { id } } } }", "COMPLETED")
    assert (await bulk.pull()).progress.successful == 30
    assert bulk.shop.starts == 1


async def test_operations_of_other_pulls_are_not_ours(bulk: BulkWorld) -> None:
    """Not even one of another shop's pull, which bears another id."""
    bulk.shop.content = CONTENT
    bulk.shop.of(
        "query NhanhsyncPull_0190aaaabbbb7cccddddeeeeffff0000 { productVariants { edges { node { id } } } }",
        "COMPLETED",
    )
    assert (await bulk.pull()).progress.successful == 30
    assert bulk.shop.starts == 1


@pytest.mark.parametrize("ranges", [True, False])
async def test_behind_the_last_line_only_the_end_is_left(bulk: BulkWorld, ranges: bool) -> None:
    """The process died when all rows were stored: the host has nothing more, and the counts still have to be right."""
    bulk.shop.content, bulk.shop.ranges = CONTENT, ranges
    whole = a_job()
    await bulk.pull(whole)
    with pytest.raises(Killed):
        await bulk.pull(MortalJob(a_store(), job_id="job-2", dies_after=len(whole.reports) - 1))
    bulk.shop.downloads.clear()
    done = await bulk.pull(RecordingJobContext(a_store(), job_id="job-2"))
    assert [request.headers["range"] for request in bulk.shop.downloads] == [f"bytes={len(CONTENT)}-"]
    assert (done.progress.successful, bulk.shop.starts) == (30, 2)


async def test_a_result_that_is_gone_begins_anew(bulk: BulkWorld) -> None:
    """Where part of it was stored already, this attempt fails, and the next starts another operation."""
    bulk.shop.content = CONTENT
    with pytest.raises(Killed):
        await bulk.pull(a_job(5))
    bulk.shop.operations[0].course = ["EXPIRED"]
    with pytest.raises(OperationFailure) as failed:
        await bulk.pull()
    assert (failed.value.code, failed.value.retryable) == ("BULK_RESULT_GONE", True)
    assert (await bulk.pull()).result["unchanged"] != 0
    assert bulk.shop.starts == 2


async def test_a_place_of_another_release_begins_anew(bulk: BulkWorld) -> None:
    """What this release cannot read says where nothing is: the attempt fails and says so, and the next one pulls it all."""
    bulk.shop.content = CONTENT
    with pytest.raises(Killed):
        await bulk.pull(a_job(5))
    kept = '{"bulk_operation":1,"somewhere":"else"}'
    await bulk.database.write(lambda connection: connection.execute(pull_runs.update().values(cursor=kept)).rowcount)
    with pytest.raises(OperationFailure) as failed:
        await bulk.pull()
    assert (failed.value.code, failed.value.retryable) == ("PULL_PLACE_UNREADABLE", True)
    assert (await bulk.pull()).progress.successful == 30
