"""What a pull asks the catalog about its own rows."""

from dataclasses import replace

import pytest
from chassis.database import Database
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.application.pull.mirrored import MirrorOfPull
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_nhanh_customer

SCOPE = PullScope("hanoi", Operation.PULL_NHANH_CUSTOMERS, "open", True, "job-1", Fence(1, ()))


@pytest.mark.parametrize("mode", PullMode)
@pytest.mark.parametrize("marks_gone", [True, False])
async def test_only_a_pull_that_marks_rows_as_gone_has_unseen_ones(
    database: Database, mode: PullMode, marks_gone: bool
) -> None:
    """Whatever it has stored meanwhile: the pull keeps its id and its mode."""
    clock = ManualClock()
    catalog = SqlPullCatalog(database, clock)
    rows = await catalog.prepare(SCOPE, list(map(a_nhanh_customer, range(1, 6))))
    place = await catalog.store_step(SCOPE, await catalog.open(SCOPE, PullMode.FULL), rows, None, read_time=1)
    await catalog.finish(SCOPE, place, max_gone_percent=10)
    some = await catalog.prepare(SCOPE, list(map(a_nhanh_customer, range(1, 4))))
    clock.advance(1)
    scope = replace(SCOPE, job_id="job-2", marks_gone=marks_gone)
    place = await catalog.open(scope, mode)
    mirrored = MirrorOfPull(catalog, scope, place.pull_id, scope.marks_gone_in(place.mode))
    expected = [1, 2, 3, 4, 5] if marks_gone and mode is PullMode.FULL else []
    assert list(await mirrored.unseen(0, 100)) == expected
    await catalog.store_step(scope, place, some, "1", read_time=1)
    assert list(await mirrored.unseen(0, 100)) == expected[3:]
    assert list(await mirrored.unseen(4, 100)) == expected[4:]
