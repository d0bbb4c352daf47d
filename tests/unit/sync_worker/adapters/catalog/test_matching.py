"""Three ways to match on a real database, against the rule itself."""

from itertools import count

import pytest
from chassis.database import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sync_worker.domain.mappings import Entity, Rule, Side
from sync_worker.domain.matching.parties import WEAK_RULES, Party, StrongKey, World
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import judge_world
from sync_worker.domain.operations import Strategy

from tests.fakes.match_world import MatchWorld, Someone

STORES = count()

PHONES = st.lists(
    st.builds(
        StrongKey,
        st.sampled_from(["+84912345671", "+84912345672", "+842438123453", "+84912345674", "+14155552671"]),
        st.sampled_from([Rule.PHONE, Rule.ADDRESS_PHONE, Rule.NOTE_PHONE]),
        st.sampled_from([1.0, 0.98, 0.85, 0.6]),
    ),
    max_size=2,
    unique_by=lambda key: key.text,
)
SKUS = st.lists(
    st.builds(StrongKey, st.sampled_from(['a"1', "đầm", "c-3"]), st.just(Rule.SKU), st.just(1.0)), max_size=1
)
WEAK = st.sampled_from([None, None, "a@x.vn", "b@x.vn", "c@x.vn"])


def side_of(keys: st.SearchStrategy[list[StrongKey]]) -> st.SearchStrategy[list[Someone]]:
    """Up to eight objects, some of them mapped and some gone."""
    parties = st.builds(Party, st.integers(1, 40), keys.map(tuple), WEAK, st.sampled_from([False, False, False, True]))
    people = st.builds(Someone, parties, st.sampled_from([False, False, False, True]))
    return st.lists(people, max_size=8, unique_by=lambda someone: someone.party.party_id)


@pytest.fixture
def world(database: Database) -> MatchWorld:
    """An empty catalog."""
    return MatchWorld(database)


def expected(nhanh: list[Someone], shopify: list[Someone], entity: Entity) -> tuple[object, object]:
    """Links and rows left alone, by the rule itself over what is not gone."""
    live = World([each.party for each in nhanh if not each.gone], [each.party for each in shopify if not each.gone])
    links: dict[object, object] = {}
    left: dict[object, object] = {}
    for side in Side:
        for verdict in judge_world(live, side, WEAK_RULES[entity]):
            if not isinstance(verdict, Link):
                left[side.value, verdict.party_id] = (verdict.reason.value, verdict.candidate_ids, verdict.keys)
            elif side is Side.NHANH:
                rule, text, confidence = verdict.evidence.rule, verdict.evidence.text, verdict.evidence.confidence
                status = "PENDING" if confidence >= 0.9 else "PENDING_APPROVAL"
                links[verdict.party_id, verdict.other_id] = (rule.value, text, confidence, status)
    return links, left


async def map_taken(
    world: MatchWorld, nhanh: list[Someone], shopify: list[Someone], entity: Entity, store: str
) -> None:
    """Map those that are taken with partners that a pull has never seen."""
    for someone in nhanh:
        if someone.party.taken:
            number = someone.party.party_id
            await world.map_already(number, 500 + number, entity=entity, store_id=store)
    for someone in shopify:
        if someone.party.taken:
            number = someone.party.party_id
            await world.map_already(500 + number, number, entity=entity, store_id=store)


def examples(number: int) -> settings:
    """So many worlds, all of them in one catalog."""
    return settings(deadline=None, max_examples=number, suppress_health_check=[HealthCheck.function_scoped_fixture])


CUSTOMERS = given(nhanh=side_of(PHONES), shopify=side_of(PHONES), batch_size=st.integers(1, 9))
PRODUCTS = given(nhanh=side_of(SKUS), shopify=side_of(SKUS))
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@ON_SQLITE
@examples(60)
@CUSTOMERS
async def test_every_strategy_gives_the_rules_verdicts_on_customers(
    world: MatchWorld, nhanh: list[Someone], shopify: list[Someone], batch_size: int
) -> None:
    """Mappings and unmatched rows are the rule's, whatever the strategy and the batch size."""
    await compare_strategies(world, nhanh, shopify, batch_size)


@ON_POSTGRESQL
@examples(20)  # a match of a few rows is mostly round trips
@CUSTOMERS
async def test_every_strategy_gives_the_rules_verdicts_on_postgresql(
    world: MatchWorld, nhanh: list[Someone], shopify: list[Someone], batch_size: int
) -> None:
    """They are so on PostgreSQL too."""
    await compare_strategies(world, nhanh, shopify, batch_size)


async def compare_strategies(world: MatchWorld, nhanh: list[Someone], shopify: list[Someone], batch_size: int) -> None:
    """Match the same customers in each way."""
    wanted = expected(nhanh, shopify, Entity.CUSTOMERS)
    for strategy in Strategy:
        store = f"store-{next(STORES)}"
        await world.add_customers(Side.NHANH, nhanh, store_id=store)
        await world.add_customers(Side.SHOPIFY, shopify, store_id=store)
        await map_taken(world, nhanh, shopify, Entity.CUSTOMERS, store)
        dry = await world.match_customers(strategy, world.job(store), batch_size=batch_size, dry_run=True)
        assert (await world.links(store), await world.left(store)) == ({}, {})
        done = await world.match_customers(strategy, world.job(store), batch_size=batch_size)
        assert (await world.links(store), await world.left(store)) == wanted, strategy
        assert dry.progress.successful == done.progress.successful == len(await world.links(store))
        assert (
            done.progress.total == done.progress.processed == sum(not (each.gone or each.party.taken) for each in nhanh)
        )


@ON_SQLITE
@examples(60)
@PRODUCTS
async def test_products_get_the_rules_verdicts(world: MatchWorld, nhanh: list[Someone], shopify: list[Someone]) -> None:
    """The same rule with SKU and barcode."""
    await compare_products(world, nhanh, shopify)


@ON_POSTGRESQL
@examples(20)
@PRODUCTS
async def test_products_get_the_rules_verdicts_on_postgresql(
    world: MatchWorld, nhanh: list[Someone], shopify: list[Someone]
) -> None:
    """They do so on PostgreSQL too."""
    await compare_products(world, nhanh, shopify)


async def compare_products(world: MatchWorld, nhanh: list[Someone], shopify: list[Someone]) -> None:
    """Match products, and ask the rule."""
    store = f"store-{next(STORES)}"
    await world.add_products(Side.NHANH, nhanh, store_id=store)
    await world.add_products(Side.SHOPIFY, shopify, store_id=store)
    await map_taken(world, nhanh, shopify, Entity.PRODUCTS, store)
    await world.match_products(world.job(store))
    assert (await world.links(store), await world.left(store)) == expected(nhanh, shopify, Entity.PRODUCTS)
