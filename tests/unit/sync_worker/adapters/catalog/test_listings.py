"""Pages of mappings and of what was left alone, with names; and the clearing of places."""

from typing import Any

import pytest
from chassis.database import Database
from sqlalchemy import insert
from sync_worker.adapters.catalog.listings import SqlCatalogReader
from sync_worker.adapters.catalog.mirrors import MIRRORS
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import mappings, pull_seen, unmatched
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.listings import MappingPlace, MappingQuestion, UnmatchedPlace, UnmatchedQuestion
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.mappings import Entity, MappingStatus, PushFailure, Side, UnmatchedReason
from sync_worker.domain.operations import Operation
from sync_worker.domain.pulls import OVERLAP_SECONDS, PullCounts
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_nhanh_customer, a_nhanh_product, a_shopify_customer, a_variant


def a_mapping(entity: Entity, nhanh_id: int, shopify_id: int, **given: Any) -> dict[str, Any]:
    """A row of the mappings table."""
    return {
        "mapping_id": f"{entity}-{nhanh_id}",
        "store_id": "hanoi",
        "entity": entity.value,
        "nhanh_id": nhanh_id,
        "shopify_id": shopify_id,
        "status": "PENDING",
        "rule": "sku",
        "evidence": "abc",
        "confidence": 1.0,
        "made_by_job_id": "job",
        "create_time": 1,
        "failure_attempts": 0,
        "failure_code": None,
        "failure_message": None,
        "failure_retryable": None,
        "failure_time": None,
        "failed_lanes": None,
        "push_time": None,
        **given,
    }


def left_alone(side: Side, vendor_id: int, reason: str = "NO_CANDIDATE") -> dict[str, Any]:
    """A row of the unmatched table."""
    return {
        "store_id": "hanoi",
        "entity": "customers",
        "side": side.value,
        "vendor_id": vendor_id,
        "reason": reason,
        "candidate_ids": "[7,8]",
        "keys": '["+84912345678"]',
    }


@pytest.fixture
async def reader(database: Database) -> SqlCatalogReader:
    """Products 1 to 3 and customers 2 and 4 are mapped; some customers were left alone."""
    clock = ManualClock()
    pulls = SqlPullCatalog(database, clock)
    for operation, rows in (
        (Operation.PULL_NHANH_PRODUCTS, [a_nhanh_product(1, name="Áo dài")]),
        (Operation.PULL_SHOPIFY_PRODUCTS, [a_variant(11, title="Ao dai")]),
        (Operation.PULL_NHANH_CUSTOMERS, [a_nhanh_customer(2, name="Nguyễn An"), a_nhanh_customer(5)]),
        (Operation.PULL_SHOPIFY_CUSTOMERS, [a_shopify_customer(12, first_name="An", last_name="Nguyen")]),
    ):
        scope = PullScope("hanoi", operation, "open", False, "job", Fence(1, ()))
        place = await pulls.open(scope, PullMode.FULL)
        place = await pulls.store_step(scope, place, await pulls.prepare(scope, rows), None, read_time=1)
        await pulls.finish(scope, place, max_gone_percent=10)
    failed = {
        "status": "FAILED",
        "failure_code": "NOT_FOUND",
        "failure_message": "It is gone.",
        "failure_retryable": False,
        "failure_attempts": 2,
        "failure_time": 9,
        "failed_lanes": '{"inventory": {"code": "NOT_FOUND", "message": "It is gone.", "retryable": false}}',
    }
    rows = [
        a_mapping(Entity.PRODUCTS, 1, 11),
        a_mapping(Entity.PRODUCTS, 2, 13, **failed),
        a_mapping(Entity.PRODUCTS, 3, 14, status="SYNCED", push_time=8),
        a_mapping(Entity.CUSTOMERS, 2, 12),
        a_mapping(Entity.CUSTOMERS, 4, 15),
        a_mapping(Entity.PRODUCTS, 1, 11, store_id="danang", mapping_id="elsewhere"),
    ]
    await database.write(lambda c: c.execute(insert(mappings), rows).rowcount)
    alone = [
        left_alone(Side.NHANH, 5),
        left_alone(Side.NHANH, 6, "CONTESTED"),
        left_alone(Side.SHOPIFY, 3),
        left_alone(Side.SHOPIFY, 12),
    ]
    await database.write(lambda c: c.execute(insert(unmatched), alone).rowcount)
    return SqlCatalogReader(database, clock)


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_pages_of_mappings_hold_each_once(reader: SqlCatalogReader, size: int) -> None:
    """In order of Nhanh's id and entity, over both entities, whatever the page's size."""
    found: list[tuple[int, str]] = []
    after = None
    while page := await reader.mappings(MappingQuestion("hanoi"), after=after, limit=size):
        assert len(page) <= size
        found += [(row.nhanh_id, row.entity.value) for row in page]
        after = MappingPlace(page[-1].nhanh_id, page[-1].entity)
    assert found == [(1, "products"), (2, "customers"), (2, "products"), (3, "products"), (4, "customers")]


async def test_mappings_carry_the_names_of_both_sides(reader: SqlCatalogReader) -> None:
    """As the mirrors have them now; what is not mirrored has none."""
    page = await reader.mappings(MappingQuestion("hanoi"), after=None, limit=10)
    names = {(row.entity, row.nhanh_id): (row.nhanh_name, row.shopify_name) for row in page}
    assert names[Entity.PRODUCTS, 1] == ("Áo dài", "Ao dai")
    assert names[Entity.CUSTOMERS, 2] == ("Nguyễn An", "An Nguyen")
    assert names[Entity.PRODUCTS, 3] == ("", "")


async def test_mappings_can_be_asked_for_by_entity_and_status(reader: SqlCatalogReader) -> None:
    """Both conditions combine; a failed one says why."""
    (row,) = await reader.mappings(
        MappingQuestion("hanoi", Entity.PRODUCTS, (MappingStatus.FAILED,)), after=None, limit=10
    )
    assert (row.nhanh_id, row.failure) == (2, PushFailure("NOT_FOUND", "It is gone.", False, 2, 9))
    assert len(await reader.mappings(MappingQuestion("hanoi", Entity.CUSTOMERS), after=None, limit=10)) == 2


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_pages_of_what_was_left_alone_hold_each_once(reader: SqlCatalogReader, size: int) -> None:
    """In order of side and id."""
    found: list[tuple[str, int, str]] = []
    after = None
    question = UnmatchedQuestion("hanoi", Entity.CUSTOMERS)
    while page := await reader.unmatched(question, after=after, limit=size):
        found += [(row.side.value, row.vendor_id, row.name) for row in page]
        after = UnmatchedPlace(page[-1].side, page[-1].vendor_id)
    assert found == [
        ("nhanh", 5, "Customer 5"),
        ("nhanh", 6, ""),
        ("shopify", 3, ""),
        ("shopify", 12, "An Nguyen"),
    ]


async def test_what_was_left_alone_by_side_and_reason(reader: SqlCatalogReader) -> None:
    """Conditions combine; candidates and keys come along."""
    question = UnmatchedQuestion("hanoi", Entity.CUSTOMERS, Side.NHANH, UnmatchedReason.CONTESTED)
    (row,) = await reader.unmatched(question, after=None, limit=10)
    assert (row.vendor_id, row.candidate_ids, row.keys) == (6, (7, 8), ("+84912345678",))


async def test_clearing_forgets_unfinished_pulls_only(database: Database, reader: SqlCatalogReader) -> None:
    """Of this store and these operations, and what they had seen."""
    pulls = SqlPullCatalog(database, ManualClock())
    scopes = [
        PullScope(store, operation, name, True, "job-2", Fence(2, ()))
        for store, operation, name in (
            ("hanoi", Operation.PULL_NHANH_PRODUCTS, "open"),
            ("hanoi", Operation.PULL_NHANH_PRODUCTS, "other"),
            ("hanoi", Operation.PULL_NHANH_CUSTOMERS, "other"),
            ("danang", Operation.PULL_NHANH_PRODUCTS, "other"),
        )
    ]
    for scope in scopes:
        place = await pulls.open(scope, PullMode.FULL)
        await pulls.store_step(scope, place, [], "1", read_time=1)
    place = await pulls.open(scopes[1], PullMode.FULL)
    await pulls.store_step(scopes[1], place, [], "1", read_time=1, refused=[RowRefusal(901, "cannot be read")])
    assert len(await database.read(lambda c: c.execute(pull_seen.select()).all())) == 1
    assert await reader.clear("hanoi", [Operation.PULL_NHANH_PRODUCTS]) == 2
    assert await reader.clear("hanoi", [Operation.PULL_NHANH_PRODUCTS]) == 0
    assert await reader.clear("danang", list(MIRRORS)) == 1
    assert await database.read(lambda c: c.execute(pull_seen.select()).all()) == []
    assert await reader.clear("hanoi", list(MIRRORS)) == 1


@pytest.mark.parametrize("mode", PullMode)
async def test_clearing_keeps_what_finished_pulls_covered(
    database: Database, reader: SqlCatalogReader, mode: PullMode
) -> None:
    """INCREMENTAL still goes on from there; and a page that was under way meanwhile is not stored."""
    pulls = SqlPullCatalog(database, ManualClock())
    first, then, last = (
        PullScope("hanoi", Operation.PULL_NHANH_CUSTOMERS, "open", True, f"job-{number}", Fence(number, ()))
        for number in (1, 2, 3)
    )
    place = await pulls.store_step(first, await pulls.open(first, PullMode.FULL), [], None, read_time=1)
    done = await pulls.finish(first, place, max_gone_percent=10)
    place = await pulls.open(then, mode)
    refused = [RowRefusal(901, "cannot be read")]
    place = await pulls.store_step(then, place, [], "1", read_time=1, refused=refused)
    assert await reader.clear("hanoi", list(MIRRORS)) == 1
    assert await reader.clear("hanoi", list(MIRRORS)) == 0
    assert await database.read(lambda c: c.execute(pull_seen.select()).all()) == []
    assert not await pulls.may_have_undated(then)
    with pytest.raises(OperationFailure, match="cleared") as failed:
        await pulls.store_step(then, place, [], "2", read_time=1, refused=refused)
    assert failed.value.code == "PULL_PLACE_CLEARED"
    anew = await pulls.open(last, PullMode.INCREMENTAL)
    assert (anew.mode, anew.since) == (PullMode.INCREMENTAL, done.began // 1_000_000 - OVERLAP_SECONDS)
    assert (anew.cursor, anew.counts, anew.left, anew.replaced) == (None, PullCounts(), None, None)
    assert anew.pull_id != place.pull_id
