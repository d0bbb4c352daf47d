"""Pulls on a real catalog: what a page stores, where a pull goes on, what goes, and who is overtaken."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from chassis.database import Database
from sqlalchemy import Table, select, update
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.pulls_place import OUTDATED_MICROS
from sync_worker.adapters.catalog.tables import (
    fences,
    nhanh_customers,
    nhanh_products,
    phone_keys,
    pull_runs,
    pull_seen,
    shopify_variants,
)
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullPlace, PullScope
from sync_worker.domain.failures import GuardTripped, LeaseLost, OperationFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.pulls import PullCounts
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_nhanh_customer, a_nhanh_product, a_variant

KEY = "hanoi/nhanh/products"
PRODUCTS = PullScope("hanoi", Operation.PULL_NHANH_PRODUCTS, "open", True, "job-1", Fence(1, (KEY,)))
VARIANTS = replace(PRODUCTS, operation=Operation.PULL_SHOPIFY_PRODUCTS)
CUSTOMERS = replace(PRODUCTS, operation=Operation.PULL_NHANH_CUSTOMERS)
FULL, INCREMENTAL = PullMode.FULL, PullMode.INCREMENTAL


class Pulls:
    """A catalog with its clock, and short ways to do whole pulls."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()
        numbers = count(1)
        self.catalog = SqlPullCatalog(database, self.clock, lambda: f"pull-{next(numbers)}")

    async def store(
        self, scope: PullScope, place: PullPlace, *rows: Any, cursor: str | None = None, read_time: int | None = None
    ) -> PullPlace:
        """Store a page; without a cursor it is the last."""
        read_time = self.clock.now_micros() if read_time is None else read_time
        return await self.catalog.store_step(
            scope, place, await self.catalog.prepare(scope, rows), cursor, read_time=read_time
        )

    async def whole(self, scope: PullScope, *rows: Any, percent: int = 10) -> PullPlace:
        """Pull these rows from beginning to end."""
        self.clock.advance(1)
        place = await self.store(scope, await self.catalog.open(scope, FULL), *rows)
        return await self.catalog.finish(scope, place, max_gone_percent=percent)

    async def rows(self, table: Table, *columns: str) -> list[tuple[Any, ...]]:
        """Read columns of a table, in order."""
        wanted = select(*(table.c[name] for name in columns)).order_by(*(table.c[name] for name in columns))
        return [tuple(row) for row in await self.database.read(lambda c: c.execute(wanted).all())]


@pytest.fixture
def pulls(database: Database) -> Pulls:
    """An empty catalog."""
    return Pulls(database)


async def test_created_updated_and_unchanged_are_told_apart(pulls: Pulls) -> None:
    """A second pull writes only what differs, and a row's first sight stays known."""
    await pulls.whole(PRODUCTS, a_nhanh_product(1), a_nhanh_product(2))
    second = await pulls.whole(
        replace(PRODUCTS, job_id="job-2"), a_nhanh_product(1), a_nhanh_product(2, name="Renamed"), a_nhanh_product(3)
    )
    assert second.counts == PullCounts(created=1, updated=1, unchanged=1, pages=1, gone=0)
    began = pulls.clock.wall_micros
    assert await pulls.rows(nhanh_products, "nhanh_id", "name", "first_time", "change_time") == [
        (1, "Item 1", began + 1_000_000, began + 1_000_000),
        (2, "Renamed", began + 1_000_000, began + 2_000_000),
        (3, "Item 3", began + 2_000_000, began + 2_000_000),
    ]


async def test_of_several_rows_with_one_id_the_last_counts(pulls: Pulls) -> None:
    """Duplicates inside a page are merged, and counted once."""
    done = await pulls.whole(
        PRODUCTS, a_nhanh_product(1, name="old"), a_nhanh_product(2), a_nhanh_product(1, name="new")
    )
    assert done.counts.rows == 2
    assert await pulls.rows(nhanh_products, "nhanh_id", "name") == [(1, "new"), (2, "Item 2")]


@pytest.mark.parametrize("marks_gone", [True, False])
async def test_a_row_on_several_pages_counts_once(pulls: Pulls, marks_gone: bool) -> None:
    """A list that moves while it is read, and windows that overlap, tell of some rows again."""
    scope = replace(PRODUCTS, marks_gone=marks_gone)
    await pulls.whole(scope, a_nhanh_product(1), a_nhanh_product(2))
    scope = replace(scope, job_id="job-2")
    pulls.clock.advance(1)
    place = await pulls.catalog.open(scope, FULL)
    page = a_nhanh_product(1), a_nhanh_product(2, name="Renamed"), a_nhanh_product(3)
    for cursor in ("1", "2"):
        place = await pulls.store(scope, place, *page, cursor=cursor)
    refused = [RowRefusal(number, "cannot be read") for number in (1, 2, 3, 4)]
    for _ in range(2):
        place = await pulls.catalog.store_step(scope, place, [], "3", read_time=1, refused=refused)
    assert place.counts == PullCounts(created=1, updated=1, unchanged=1, pages=4, failed=1)


async def test_an_unfinished_pull_goes_on_at_its_page(pulls: Pulls) -> None:
    """The next attempt, or the next job with the same filter, has the cursor and the counts."""
    place = await pulls.catalog.open(PRODUCTS, FULL)
    place = await pulls.store(PRODUCTS, place, a_nhanh_product(1), cursor='{"id":1}')
    for job_id in ("job-1", "job-2"):
        found = await pulls.catalog.open(replace(PRODUCTS, job_id=job_id), FULL)
        assert found == place
        assert (found.cursor, found.counts, found.read_to_end) == ('{"id":1}', PullCounts(created=1, pages=1), False)


async def test_a_pull_read_to_the_end_has_only_the_end_left(pulls: Pulls) -> None:
    """A crash between the last page and the end repeats no page."""
    await pulls.store(PRODUCTS, await pulls.catalog.open(PRODUCTS, FULL), a_nhanh_product(1))
    assert (await pulls.catalog.open(PRODUCTS, FULL)).read_to_end


async def test_a_finished_pull_is_finished_for_its_job_alone(pulls: Pulls) -> None:
    """The job that finished it only says so again; the next job begins anew."""
    done = await pulls.whole(PRODUCTS, a_nhanh_product(1))
    assert await pulls.catalog.open(PRODUCTS, FULL) == done
    anew = await pulls.catalog.open(replace(PRODUCTS, job_id="job-2"), FULL)
    assert (anew.finished, anew.cursor, anew.counts) == (False, None, PullCounts())
    assert anew.pull_id != done.pull_id


async def test_another_filter_has_another_place(pulls: Pulls) -> None:
    """A filtered pull never goes on from another filter's cursor."""
    await pulls.store(PRODUCTS, await pulls.catalog.open(PRODUCTS, FULL), a_nhanh_product(1), cursor="1")
    other = await pulls.catalog.open(replace(PRODUCTS, filter_hash="status-2", marks_gone=False), FULL)
    assert other.cursor is None


async def test_an_outdated_place_is_given_up(pulls: Pulls) -> None:
    """After a day without a page the pull begins anew and says how old it was; what it had seen is forgotten."""
    await pulls.store(PRODUCTS, await pulls.catalog.open(PRODUCTS, FULL), a_nhanh_product(1), cursor="1")
    pulls.clock.advance(OUTDATED_MICROS / 1_000_000 - 1)
    assert (await pulls.catalog.open(PRODUCTS, FULL)).cursor == "1"
    pulls.clock.advance(1)
    anew = await pulls.catalog.open(PRODUCTS, FULL)
    assert (anew.cursor, anew.outdated_hours) == (None, 24)
    assert await pulls.rows(pull_seen, "vendor_id") == []


async def test_what_a_pull_has_taken_the_place_of_is_known_until_it_has_stored_a_step(pulls: Pulls) -> None:
    """To every attempt, and to whoever takes its place: each may have died before it could clear up."""
    await pulls.whole(PRODUCTS, a_nhanh_product(1))
    later = replace(PRODUCTS, job_id="job-2")
    await pulls.store(later, await pulls.catalog.open(later, FULL), a_nhanh_product(1), cursor="1")
    anew = await pulls.catalog.open(later, INCREMENTAL)
    assert (anew.left, anew.replaced, anew.outdated_hours) == ("1", 1, None)
    assert await pulls.catalog.open(later, INCREMENTAL) == anew
    pulls.clock.advance(OUTDATED_MICROS / 1_000_000)
    anew = await pulls.catalog.open(later, INCREMENTAL)
    assert (anew.left, anew.replaced, anew.outdated_hours) == ("1", None, 24)
    await pulls.catalog.give_up(later, anew)
    anew = await pulls.catalog.open(later, FULL)
    assert (anew.left, anew.replaced, anew.outdated_hours) == ("1", None, None)
    stored = await pulls.store(later, anew, a_nhanh_product(1), cursor="2")
    assert (stored.left, stored.cursor) == (None, "2")
    assert await pulls.catalog.open(later, FULL) == stored


async def test_incremental_goes_on_from_what_was_covered(pulls: Pulls) -> None:
    """It reads changes since the last finished pull began, with an overlap, and marks nothing as gone."""
    first = await pulls.catalog.open(PRODUCTS, INCREMENTAL)
    assert (first.mode, first.since) == (FULL, None)
    began = pulls.clock.now_micros() // 1_000_000
    pulls.clock.advance(100)
    place = await pulls.store(PRODUCTS, first, a_nhanh_product(1), a_nhanh_product(2))
    await pulls.catalog.finish(PRODUCTS, place, max_gone_percent=10)
    later = replace(PRODUCTS, job_id="job-2")
    second = await pulls.catalog.open(later, INCREMENTAL)
    assert (second.mode, second.since) == (INCREMENTAL, began - 600)
    done = await pulls.catalog.finish(
        later, await pulls.store(later, second, a_nhanh_product(2, name="Renamed")), max_gone_percent=10
    )
    assert done.counts == PullCounts(updated=1, pages=1)
    assert await pulls.rows(nhanh_products, "nhanh_id", "gone_time") == [(1, None), (2, None)]


async def test_what_a_full_pull_did_not_see_is_marked_gone(pulls: Pulls) -> None:
    """Rows are marked, never deleted; a row that is told of again comes back as an update."""
    await pulls.whole(PRODUCTS, *map(a_nhanh_product, range(1, 31)))
    done = await pulls.whole(replace(PRODUCTS, job_id="job-2"), *map(a_nhanh_product, range(1, 29)))
    assert done.counts == PullCounts(unchanged=28, pages=1, gone=2)
    gone = [row for row in await pulls.rows(nhanh_products, "nhanh_id", "gone_time") if row[1] is not None]
    assert gone == [(29, pulls.clock.now_micros()), (30, pulls.clock.now_micros())]
    assert await pulls.rows(pull_seen, "vendor_id") == []
    back = await pulls.whole(replace(PRODUCTS, job_id="job-3"), *map(a_nhanh_product, range(1, 31)))
    assert back.counts == PullCounts(unchanged=28, updated=2, pages=1)
    assert {row[0] for row in await pulls.rows(nhanh_products, "gone_time")} == {None}


async def test_a_filtered_pull_marks_nothing(pulls: Pulls) -> None:
    """It cannot know what it was not shown."""
    await pulls.whole(PRODUCTS, *map(a_nhanh_product, range(1, 4)))
    done = await pulls.whole(replace(PRODUCTS, job_id="job-2", filter_hash="f", marks_gone=False), a_nhanh_product(1))
    assert done.counts.gone == 0


async def test_another_stores_rows_do_not_go(pulls: Pulls) -> None:
    """Stores are apart."""
    await pulls.whole(PRODUCTS, a_nhanh_product(1))
    await pulls.whole(replace(PRODUCTS, store_id="danang", job_id="job-2"), a_nhanh_product(2))
    assert await pulls.rows(nhanh_products, "store_id", "gone_time") == [("danang", None), ("hanoi", None)]


async def test_the_mass_gone_guard(pulls: Pulls) -> None:
    """More than the share, and at least twenty: nothing is marked, and the next pull reads everything again."""
    await pulls.whole(PRODUCTS, *map(a_nhanh_product, range(100)))
    less = replace(PRODUCTS, job_id="job-2")
    with pytest.raises(GuardTripped, match="20 of 100 rows") as tripped:
        await pulls.whole(less, *map(a_nhanh_product, range(80)), percent=19)
    assert tripped.value.code == "MASS_GONE_GUARD"
    assert "max_gone_percent in the stores file, restart SyncWorker" in tripped.value.message
    assert {row[0] for row in await pulls.rows(nhanh_products, "gone_time")} == {None}
    assert (await pulls.catalog.open(less, FULL)).counts == PullCounts()
    assert await pulls.rows(pull_seen, "vendor_id") == []
    assert (await pulls.catalog.open(less, INCREMENTAL)).mode is INCREMENTAL
    allowed = await pulls.whole(less, *map(a_nhanh_product, range(80)), percent=20)
    assert allowed.counts.gone == 20


async def test_fewer_than_twenty_may_always_go(pulls: Pulls) -> None:
    """A small shop may lose most of its rows."""
    await pulls.whole(PRODUCTS, *map(a_nhanh_product, range(19)))
    assert (await pulls.whole(replace(PRODUCTS, job_id="job-2"), percent=0)).counts.gone == 19


async def test_whether_rows_may_have_no_time_of_their_change(pulls: Pulls) -> None:
    """Nobody knows before a pull without a filter has finished; after it the rows tell, of this store alone."""
    filtered = replace(CUSTOMERS, filter_hash="wholesale", marks_gone=False)
    assert await pulls.catalog.may_have_undated(CUSTOMERS)
    await pulls.whole(filtered, a_nhanh_customer(1, updated_at=5))
    await pulls.whole(replace(CUSTOMERS, store_id="danang"), a_nhanh_customer(1, updated_at=5))
    await pulls.store(CUSTOMERS, await pulls.catalog.open(CUSTOMERS, FULL), a_nhanh_customer(1, updated_at=5))
    assert await pulls.catalog.may_have_undated(CUSTOMERS)
    await pulls.whole(CUSTOMERS, a_nhanh_customer(1, updated_at=5))
    for scope in (CUSTOMERS, filtered):
        assert not await pulls.catalog.may_have_undated(scope)
    await pulls.catalog.open(replace(CUSTOMERS, job_id="job-2"), FULL)
    assert not await pulls.catalog.may_have_undated(CUSTOMERS)
    for undated in (None, 0):
        await pulls.whole(replace(CUSTOMERS, job_id=f"job-{undated}"), a_nhanh_customer(1, updated_at=undated))
        assert await pulls.catalog.may_have_undated(CUSTOMERS)


async def test_marking_goes_on_after_a_crash(pulls: Pulls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that were marked before are counted once, and the rest is marked by the next attempt."""
    monkeypatch.setattr("sync_worker.adapters.catalog.parts.PART", 2)
    await pulls.whole(PRODUCTS, *map(a_nhanh_product, range(5)))
    less = replace(PRODUCTS, job_id="job-2")
    pulls.clock.advance(1)
    await pulls.store(less, await pulls.catalog.open(less, FULL))
    await pulls.database.write(
        lambda c: [
            c.execute(update(nhanh_products).where(nhanh_products.c.nhanh_id < 2).values(gone_time=7)).rowcount,
            c.execute(update(pull_runs).values(gone=2)).rowcount,
        ]
    )
    place = await pulls.catalog.open(less, FULL)
    assert place.counts.gone == 2
    done = await pulls.catalog.finish(less, place, max_gone_percent=0)
    assert done.counts.gone == 5
    assert await pulls.rows(pull_runs, "gone", "finished_by") == [(5, "job-2")]


async def test_phones_follow_their_customer(pulls: Pulls) -> None:
    """A changed phone replaces the keys of its customer and of nobody else."""
    await pulls.whole(
        CUSTOMERS, a_nhanh_customer(1, phone="0912345678 / 0987654321"), a_nhanh_customer(2, phone="0912345678")
    )
    assert await pulls.rows(phone_keys, "owner_id", "phone_key") == [
        (1, 84912345678),
        (1, 84987654321),
        (2, 84912345678),
    ]
    await pulls.whole(
        replace(CUSTOMERS, job_id="job-2"), a_nhanh_customer(1, phone=None), a_nhanh_customer(2, phone="0912345678")
    )
    assert await pulls.rows(phone_keys, "owner_id", "phone_key") == [(2, 84912345678)]


async def test_the_tier_stands_beside_the_spend(pulls: Pulls) -> None:
    """It is computed at the pull; an unknown spend has none."""
    await pulls.whole(
        CUSTOMERS,
        a_nhanh_customer(1, total_spent=3_000_000 * 10_000),
        a_nhanh_customer(2, total_spent=None),
        a_nhanh_customer(3, total_spent=3_000_000 * 10_000 - 1),
    )
    assert await pulls.rows(nhanh_customers, "nhanh_id", "tier") == [(1, "SILVER"), (2, None), (3, "MEMBER")]


async def test_a_stale_fence_is_refused_by_every_write(pulls: Pulls) -> None:
    """Once a later attempt has written, an earlier one can store nothing, not even open the pull."""
    place = await pulls.catalog.open(PRODUCTS, FULL)
    later = replace(PRODUCTS, fence=Fence(2, (KEY,)))
    await pulls.store(later, await pulls.catalog.open(later, FULL), a_nhanh_product(1), cursor="1")
    for stale in (
        pulls.catalog.open(PRODUCTS, FULL),
        pulls.store(PRODUCTS, place, a_nhanh_product(2), cursor="2"),
        pulls.catalog.finish(PRODUCTS, place, max_gone_percent=10),
    ):
        with pytest.raises(LeaseLost):
            await stale
    assert await pulls.rows(nhanh_products, "nhanh_id") == [(1,)]
    assert await pulls.rows(pull_runs, "cursor", "pages", "finish_time") == [("1", 1, None)]
    assert await pulls.rows(fences, "lock_key", "fence") == [(KEY, 2)]


async def test_a_place_that_was_cleared_under_a_pull(pulls: Pulls) -> None:
    """The attempt fails and may be retried; its page is not stored without a place."""
    place = await pulls.catalog.open(VARIANTS, FULL)
    await pulls.database.write(lambda c: c.execute(pull_runs.delete()).rowcount)
    with pytest.raises(OperationFailure, match="cleared") as failed:
        await pulls.store(VARIANTS, place, a_variant(1))
    assert failed.value.retryable
    assert await pulls.rows(shopify_variants, "variant_id") == []
