"""A match as a job: it stops and goes on, writes only under its fence, and says what it did."""

from dataclasses import replace

import pytest
from chassis.database import Database
from sync_worker.adapters.catalog.tables import mappings
from sync_worker.application.ports.job import Fence
from sync_worker.domain.failures import Draining, LeaseLost
from sync_worker.domain.mappings import Rule, Side
from sync_worker.domain.matching.parties import Party, StrongKey
from sync_worker.domain.operations import Strategy

from tests.fakes.match_world import MatchWorld, Someone

JOB = "job-of-two-attempts"


@pytest.fixture
def world(database: Database) -> MatchWorld:
    """An empty catalog."""
    return MatchWorld(database)


def people(count: int, rule: Rule = Rule.PHONE, confidence: float = 1.0) -> list[Someone]:
    """Customers 1 to `count`, each with a phone of its own."""
    return [
        Someone(Party(number, (StrongKey(f"+8491234{number:04}", rule, confidence),))) for number in range(1, count + 1)
    ]


async def both_sides(world: MatchWorld, everyone: list[Someone]) -> None:
    """Put the same people on both sides."""
    await world.add_customers(Side.NHANH, everyone)
    await world.add_customers(Side.SHOPIFY, everyone)


async def test_a_stopped_batch_match_goes_on_where_it_stopped_with_the_same_links(world: MatchWorld) -> None:
    """What the first attempt stored is neither lost nor counted twice."""
    await both_sides(world, people(7))
    first = world.job(job_id=JOB)
    first.stop, first.stop_after = Draining("stop"), 3
    with pytest.raises(Draining):
        await world.match_customers(Strategy.BATCH, first, batch_size=2)
    assert 0 < len(await world.links()) < 7
    done = await world.match_customers(Strategy.BATCH, world.job(job_id=JOB), batch_size=2)
    assert set(await world.links()) == {(number, number) for number in range(1, 8)}
    assert (done.progress.successful, done.progress.processed, done.progress.total) == (7, 7, 7)


async def test_a_finished_match_only_tells_its_result_again(world: MatchWorld) -> None:
    """The attempt after the last one has only CompleteJob left to do."""
    await both_sides(world, people(3))
    done = await world.match_customers(Strategy.SQL, world.job(job_id=JOB))
    again = await world.match_customers(Strategy.SQL, world.job(job_id=JOB))
    assert (again.progress.successful, again.result, again.message) == (3, done.result, done.message)


@pytest.mark.parametrize("strategy", Strategy)
async def test_an_overtaken_attempt_stores_nothing(world: MatchWorld, strategy: Strategy) -> None:
    """A later fence stands on the job's locks: the older attempt must stop."""
    await both_sides(world, people(2))
    newer = world.job(job_id="newer")
    await world.match_customers(Strategy.SQL, newer, dry_run=False)
    await both_sides_more(world)
    older = world.job(job_id="older")
    older.fence = Fence(newer.fence.token - 1, newer.fence.keys)
    before = await world.links()
    with pytest.raises(LeaseLost):
        await world.match_customers(strategy, older)
    assert await world.links() == before


async def both_sides_more(world: MatchWorld) -> None:
    """Add one more pair, which an overtaken attempt would link."""
    await both_sides(world, [Someone(Party(50, (StrongKey("+84912349999", Rule.PHONE, 1.0),)))])


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_link_on_weak_evidence_waits_for_review(world: MatchWorld, strategy: Strategy) -> None:
    """Below the store's bound a link is made, and not pushed until a person says so."""
    await both_sides(world, people(2, Rule.NOTE_PHONE, 0.85))
    done = await world.match_customers(strategy)
    assert {status for *_, status in (await world.links()).values()} == {"PENDING_APPROVAL"}
    assert "2 for review" in done.message


async def test_a_product_link_carries_every_id_and_the_job_that_made_it(world: MatchWorld) -> None:
    """Product and inventory item are copied from the variant, so that a push asks for nothing."""
    items = [Someone(Party(5, (StrongKey("áo-1", Rule.SKU, 1.0),)))]
    await world.add_products(Side.NHANH, items)
    await world.add_products(Side.SHOPIFY, [replace(items[0], party=replace(items[0].party, party_id=8))])
    job = world.job()
    await world.match_products(job)
    (row,) = await world.rows(mappings)
    assert (row.nhanh_id, row.shopify_id, row.shopify_product_id, row.shopify_inventory_item_id) == (5, 8, 3008, 1008)
    assert (row.rule, row.evidence, row.confidence, row.made_by_job_id) == ("sku", "áo-1", 1.0, job.job_id)


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_dry_run_tells_the_first_pairs_and_writes_nothing(world: MatchWorld, strategy: Strategy) -> None:
    """Counts are those of the real run; twenty pairs are shown."""
    await both_sides(world, people(25))
    done = await world.match_customers(strategy, dry_run=True)
    pairs = done.result["pairs"]
    assert isinstance(pairs, list)
    assert len(pairs) == 20
    assert pairs[0] == {
        "nhanh_id": "1",
        "shopify_id": "1",
        "rule": "phone",
        "evidence": "+84912340001",
        "confidence": 1.0,
    }
    assert done.progress.successful == 25
    assert await world.links() == {}
    assert await world.left() == {}
