"""How a pull gets its bulk operation: it waits for a slot, and looks after a start that nobody answered."""

import pytest
from sync_worker.application.pull.bulk_begin import MOST_UNKNOWN_STARTS, SLOT_WAIT_SECONDS
from sync_worker.domain.failures import VendorUnavailable

from tests.fakes.bulk_shop import jsonl, variant_node
from tests.fakes.bulk_world import BulkWorld
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.stores import a_store


@pytest.fixture
def world(bulk: BulkWorld) -> BulkWorld:
    """A shop of thirty variants."""
    bulk.shop.content = jsonl(map(variant_node, range(1, 31)))
    return bulk


def a_job(number: int = 1) -> RecordingJobContext:
    """A job that nobody stops."""
    return RecordingJobContext(a_store(), job_id=f"job-{number}")


async def test_a_slot_is_waited_for(world: BulkWorld) -> None:
    """Other operations of the app are left alone."""
    world.shop.of("query Other { products { edges { node { id } } } }", "RUNNING")
    world.shop.taken = 3
    assert (await world.pull()).progress.successful == 30
    assert (world.shop.starts, world.shop.cancelled) == (4, [])


async def test_a_slot_that_stays_taken_fails_the_job_for_now(world: BulkWorld) -> None:
    """The failure says so, and in Shopify's words."""
    world.shop.taken = 10_000
    with pytest.raises(VendorUnavailable, match="5 operations are running") as failed:
        await world.pull()
    assert (failed.value.code, failed.value.retryable) == ("BULK_SLOTS_TAKEN", True)
    assert SLOT_WAIT_SECONDS <= world.shop.clock.monotonic() <= SLOT_WAIT_SECONDS + 60
    world.shop.taken = 0
    assert (await world.pull(a_job(2))).progress.successful == 30


async def test_people_are_told_that_it_waits_for_a_slot(world: BulkWorld) -> None:
    """At once and as often as it looks; when there is one the words go."""
    world.shop.taken = 3
    job = a_job()
    await world.pull(job)
    waiting = [report for report in job.reports if "waits until Shopify runs another bulk operation" in report.message]
    assert len(waiting) == 3
    assert "5 operations are running" in waiting[0].message
    assert waiting == job.reports[1:4]


@pytest.mark.parametrize("began", [True, False])
async def test_a_start_without_an_answer_is_looked_after(world: BulkWorld, began: bool) -> None:
    """What was started all the same is gone on with; what was not is started again."""
    world.shop.lost_starts = [began]
    assert (await world.pull()).progress.successful == 30
    assert (len(world.shop.operations), world.shop.starts) == (1, 1 if began else 2)


async def test_starts_without_an_answer_are_bounded(world: BulkWorld) -> None:
    """Then the attempt fails."""
    world.shop.lost_starts = [False] * 100
    with pytest.raises(VendorUnavailable):
        await world.pull()
    assert world.shop.starts == MOST_UNKNOWN_STARTS + 1
