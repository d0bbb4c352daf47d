"""Random shops with rows that cannot be read, random pages, random crashes: the mirror always ends as the shop is."""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import nhanh_products
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.operations import Operation
from sync_worker.domain.pulls import PullCounts
from sync_worker.domain.requests import PullMode

from tests.fakes.catalog_database import catalog_database
from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_nhanh_product

UNREADABLE = "?"
SHOPS = st.dictionaries(st.integers(1, 12), st.sampled_from(["a", "b", "c", UNREADABLE]), max_size=10)


@dataclass
class Model:
    """What the mirror should hold: each row's name, and whether it is gone."""

    rows: dict[int, tuple[str, bool]] = field(default_factory=dict)

    def pull(self, told: dict[int, str]) -> PullCounts:
        """Take over a shop: what it tells of and cannot be read stays as it was."""
        shop = {number: name for number, name in told.items() if name != UNREADABLE}
        created = sum(1 for number in shop if number not in self.rows)
        unchanged = sum(1 for number, name in shop.items() if self.rows.get(number) == (name, False))
        going = [number for number, (_, is_gone) in self.rows.items() if number not in told and not is_gone]
        self.rows = (
            self.rows
            | {number: (self.rows[number][0], True) for number in going}
            | {number: (name, False) for number, name in shop.items()}
        )
        return PullCounts(
            created=created,
            updated=len(shop) - created - unchanged,
            unchanged=unchanged,
            gone=len(going),
            failed=len(told) - len(shop),
        )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(SHOPS, st.integers(1, 4), st.sets(st.integers(0, 6))), min_size=1, max_size=4))
async def test_the_mirror_ends_as_the_shop_is(pulls: list[tuple[dict[int, str], int, set[int]]]) -> None:
    """Whatever page is repeated after whichever crash, rows and counts are those of a pull without crashes."""
    model, clock = Model(), ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        async with catalog_database(Path(folder)) as database:
            catalog = SqlPullCatalog(database, clock)
            fence = 0
            for number, (shop, page_size, crashes) in enumerate(pulls):
                clock.advance(1)
                scope = PullScope(
                    "s", Operation.PULL_NHANH_PRODUCTS, "open", True, f"job-{number}", Fence(fence, ("key",))
                )
                rows = sorted(shop)
                place = await catalog.open(scope, PullMode.FULL)
                step = 0
                while not place.read_to_end:
                    first = int(place.cursor or 0)
                    behind = first + page_size
                    following = str(behind) if behind < len(rows) else None
                    page = rows[first:behind]
                    told = [a_nhanh_product(one, name=shop[one]) for one in page if shop[one] != UNREADABLE]
                    place = await catalog.store_step(
                        scope,
                        place,
                        await catalog.prepare(scope, told),
                        following,
                        read_time=clock.now_micros(),
                        refused=[RowRefusal(one, UNREADABLE) for one in page if shop[one] == UNREADABLE],
                    )
                    if step in crashes:  # the next attempt knows nothing but what is stored
                        fence += 1
                        scope = replace(scope, fence=Fence(fence, ("key",)))
                        place = await catalog.open(scope, PullMode.FULL)
                    step += 1
                counts = (await catalog.finish(scope, place, max_gone_percent=100)).counts
                assert replace(counts, pages=0) == model.pull(shop)
                stored = await database.read(
                    lambda c: c.execute(
                        select(nhanh_products.c.nhanh_id, nhanh_products.c.name, nhanh_products.c.gone_time)
                    ).all()
                )
                assert {row.nhanh_id: (row.name, row.gone_time is not None) for row in stored} == model.rows
