"""Stock levels in a full pull from Shopify: of which stores they are read, and what becomes of them."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.shopify import bulk_download
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.requests import PullMethod, PullMode, ShopifyProductFilter

from tests.fakes.bulk_shop import BulkShop, jsonl, level_node, variant_node
from tests.fakes.bulk_world import BulkWorld
from tests.fakes.catalog_database import catalog_database
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.mortal_job import Killed, MortalJob, attempt
from tests.fakes.stores import a_store

MAPPED, UNMAPPED = a_store(), replace(a_store(), locations=())
NUMBERS, LOCATIONS = range(1, 16), (70, 80)
ROWS = [variant_node(number) for number in NUMBERS]
LEVELS = [level_node(number, location, number) for number in NUMBERS for location in LOCATIONS]
KNOWN = {(number, location): number for number in NUMBERS for location in LOCATIONS}
EVERYTHING = [*LEVELS[:9], *ROWS, *LEVELS[9:]]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen rows are many chunks."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", 1_500)


@pytest.fixture
def world(bulk: BulkWorld) -> BulkWorld:
    """A shop of fifteen variants at two locations."""
    bulk.shop.content = jsonl(EVERYTHING)
    return bulk


def a_job(number: int = 1, *, mapped: bool = True) -> RecordingJobContext:
    """A job of a store that tells its locations apart, or of one that does not."""
    return RecordingJobContext(MAPPED if mapped else UNMAPPED, job_id=f"job-{number}")


async def test_levels_come_with_the_rows(world: BulkWorld) -> None:
    """In one file; the job tells how many there are, and they are no rows."""
    job = a_job()
    done = await world.pull(job)
    assert await world.levels() == KNOWN
    assert (done.progress.successful, done.progress.total) == (15, 15)
    assert (done.progress.metrics["levels"], done.progress.metrics["unreadable_levels"]) == (30, 0)
    assert (done.result["levels"], done.result["unreadable_levels"]) == (30, 0)
    assert "0 gone; 30 stock levels (everything" in done.message
    assert "; 30 stock levels" in job.reports[-1].message
    assert [report.total for report in job.reports if report.successful] == [15] * sum(
        1 for report in job.reports if report.successful
    )


async def test_a_level_that_cannot_be_read_is_told_of(world: BulkWorld) -> None:
    """Its row is as good as any, and the job is done."""
    world.shop.content = jsonl([*ROWS, *LEVELS[1:], LEVELS[0] | {"quantities": []}])
    done = await world.pull(a_job())
    assert await world.levels() == KNOWN | {(1, 70): None}
    assert (done.progress.failed, done.progress.metrics["unreadable_levels"]) == (0, 1)
    assert "30 stock levels, of which 1 cannot be read and count as unknown" in done.message


async def test_a_store_that_maps_no_location_reads_none(world: BulkWorld) -> None:
    """Nor does its job speak of them."""
    world.shop.content = jsonl(ROWS)
    done = await world.pull(a_job(mapped=False))
    assert "inventoryLevels" not in world.shop.operations[0].query
    assert not {"levels", "unreadable_levels"} & {*done.result, *done.progress.metrics}
    assert "stock levels" not in done.message


@pytest.mark.parametrize(
    ("mode", "method", "wanted"),
    [
        (PullMode.FULL, PullMethod.PAGES, ShopifyProductFilter()),
        (PullMode.INCREMENTAL, PullMethod.BULK, ShopifyProductFilter()),
        (PullMode.FULL, PullMethod.AUTO, ShopifyProductFilter(("active",))),
        (PullMode.FULL, PullMethod.AUTO, ShopifyProductFilter(updated_since=1)),
    ],
)
async def test_only_whole_lists_have_levels(
    world: BulkWorld, mode: PullMode, method: PullMethod, wanted: ShopifyProductFilter
) -> None:
    """What has been known stays known otherwise: pages would cost four times as much, changes tell of no stock."""
    await world.pull(a_job())
    world.shop.clock.advance(1_000)
    world.shop.content = jsonl(ROWS)
    done = await world.pull(a_job(2), mode, method, wanted)
    assert "levels" not in done.result
    assert await world.levels() == KNOWN


@pytest.mark.parametrize("mapped", [True, False])
async def test_a_pull_goes_on_as_it_was_begun(world: BulkWorld, mapped: bool) -> None:
    """Whatever the stores file says since: its operation gathers what it was asked for."""
    world.shop.content = jsonl(EVERYTHING if mapped else ROWS)
    with pytest.raises(Killed):
        await world.pull(MortalJob(MAPPED if mapped else UNMAPPED, dies_after=5))
    done = await world.pull(a_job(2, mapped=not mapped))
    assert done.result["resumed"]
    assert await world.levels() == (KNOWN if mapped else {})
    assert world.shop.starts == 1


async def test_a_pull_that_is_to_go_by_pages_after_all_reads_none(world: BulkWorld) -> None:
    """It had begun to read levels, and nothing was stored yet; what was known before stays."""
    await world.pull(a_job())
    with pytest.raises(Killed):
        await world.pull(MortalJob(MAPPED, job_id="job-2", dies_after=1))
    world.shop.content = jsonl(ROWS)
    done = await world.pull(a_job(3), method=PullMethod.PAGES)
    assert (done.result["way"], "levels" in done.result) == ("page by page", False)
    assert await world.levels() == KNOWN


@pytest.mark.parametrize(
    "content",
    [
        [*ROWS, *LEVELS[:-1], LEVELS[0]],
        [*ROWS[:-1], ROWS[0], *LEVELS],
    ],
    ids=["level", "row"],
)
async def test_one_that_comes_twice_in_place_of_another(world: BulkWorld, content: list[object]) -> None:
    """Lines and roots are as many as Shopify says, and the result is not believed."""
    await world.pull(a_job())
    covered = await world.place()
    world.shop.content = jsonl(content)
    with pytest.raises(OperationFailure) as failed:
        await world.pull(a_job(2))
    assert (failed.value.code, failed.value.retryable) == ("ROWS_MISSING", True)
    assert (await world.place(), await world.levels()) == (covered, KNOWN)
    world.shop.content = jsonl(EVERYTHING)
    assert (await world.pull(a_job(3))).progress.successful == 15


async def test_a_level_in_place_of_a_row_is_a_mismatch(world: BulkWorld) -> None:
    """As many lines, and other roots."""
    world.shop.content = jsonl([*ROWS[:-1], *LEVELS, level_node(1, 90, 1)])
    world.shop.objects, world.shop.roots = 45, 15
    with pytest.raises(OperationFailure) as failed:
        await world.pull(a_job())
    assert failed.value.code == "BULK_MISMATCH"
    assert await world.levels() == {}


@settings(max_examples=25, deadline=None)
@given(
    lines=st.permutations(EVERYTHING),
    deaths=st.lists(st.integers(1, 12), max_size=5),
    cuts=st.lists(st.integers(0, 12_000), max_size=6),
)
async def test_a_pull_with_levels_survives_deaths(
    lines: list[dict[str, object]], deaths: list[int], cuts: list[int]
) -> None:
    """In whatever order lines come, wherever connections break: in the end every row and every level is there, counted once."""
    with tempfile.TemporaryDirectory() as folder:
        async with catalog_database(Path(folder)) as database:
            world = BulkWorld(BulkShop(content=jsonl(lines), cuts=list(cuts)), database)
            for death in deaths:
                await attempt(world, MortalJob(MAPPED, dies_after=death))
            while (done := await attempt(world, MortalJob(MAPPED))) is None:
                pass
            assert (await world.living(), await world.levels()) == (list(NUMBERS), KNOWN)
            assert (done.progress.successful, done.result["levels"], world.shop.starts) == (15, 30, 1)
