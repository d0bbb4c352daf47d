"""Plans what customers need: their total spend, from the catalog."""

from collections.abc import Sequence

from sync_worker.application.ports.push_catalog import PushRow
from sync_worker.application.push.lanes import LaneCalls
from sync_worker.application.push.planned import PlannedItem, Settled, leave_alone, refuse
from sync_worker.application.push.push_run import PushRun
from sync_worker.domain.failures import Origin
from sync_worker.domain.mappings import Entity
from sync_worker.domain.mass_guard import DropFigures, figures_of
from sync_worker.domain.push_plan import Confirmed, Entry, Lane, is_fresh, must_write, wanted_spend

LANES = frozenset({Lane.TOTAL_SPENT})

MAX_READ = 250
"""Shopify is asked about so many customers at once."""


class CustomerPlanner:
    """Plans chunks of customers."""

    entity = Entity.CUSTOMERS
    chunk_size = 500

    def __init__(self, run: PushRun, lane: LaneCalls, *, repush: bool) -> None:
        self._run = run
        self._lane = lane
        self._repush = repush

    async def plan(self, rows: Sequence[PushRow]) -> tuple[list[PlannedItem], list[Settled]]:
        """Tell customers with something to write from those that are done already, or cannot be done."""
        catalog = self._run.catalog
        store = self._run.job.store
        confirmed = dict(await catalog.confirmed(store.store_id, Lane.TOTAL_SPENT, [row.shopify_id for row in rows]))
        confirmed |= await self._doubtful([row for row in rows if (row.shopify_id, 0) not in confirmed])
        pushed = frozenset[tuple[str, str, int]]()
        if self._run.resumed:
            pushed = await catalog.pushed_by(self._run.scope(self.entity), [row.mapping_id for row in rows])
        planned: list[PlannedItem] = []
        settled: list[Settled] = []
        for row in rows:
            fault = _fault(row)
            if fault is not None:
                settled.append(refuse(row, LANES, *fault))
                continue
            wanted = wanted_spend(row.total_spent)
            if wanted is None:
                # Whatever Shopify has stays, and so does what the mapping says: nothing was found out.
                settled.append(
                    leave_alone(row, frozenset(), pushed=False, metric="unknown_spend", figures=DropFigures())
                )
                continue
            known = confirmed.get((row.shopify_id, 0))
            fresh = is_fresh(known, now=self._run.clock.now_micros(), max_age_seconds=store.max_confirmed_age_seconds)
            by_this_job = (row.mapping_id, Lane.TOTAL_SPENT.kinds[0], 0) in pushed
            before = None if known is None else known.values
            figures = figures_of(None if before is None else before[0], wanted[0] or 0)
            again = self._repush and not by_this_job
            if not must_write(Lane.TOTAL_SPENT, wanted, known, fresh=fresh, repush=again):
                settled.append(leave_alone(row, LANES, pushed=by_this_job, metric="unchanged", figures=figures))
                continue
            entry = Entry(Lane.TOTAL_SPENT, row.mapping_id, row.nhanh_id, row.shopify_id, 0, 0, wanted, before, fresh)
            planned.append(PlannedItem(row.mapping_id, row.nhanh_id, row.attempts, (entry,), LANES, figures))
        return planned, settled

    async def confirm(self) -> None:
        """Nothing can have changed: the plan stands on the catalog alone."""

    async def _doubtful(self, unknown: Sequence[PushRow]) -> dict[tuple[int, int], Confirmed]:
        """Read what Shopify has where a spend of 0 would be the first one pushed: the guard must know what would be lost."""
        entries = [
            Entry(Lane.TOTAL_SPENT, row.mapping_id, row.nhanh_id, row.shopify_id, 0, 0, wanted, None, False)
            for row in unknown
            if _fault(row) is None and (wanted := wanted_spend(row.total_spent)) == (0,)
        ]
        found: dict[tuple[int, int], Confirmed] = {}
        for start in range(0, len(entries), MAX_READ):
            part = entries[start : start + MAX_READ]
            readings = await self._lane.read_back(part)
            now = self._run.clock.now_micros()
            found |= {
                (entry.owner_id, 0): Confirmed(reading, now)
                for entry, reading in zip(part, readings, strict=True)
                if reading is not None
            }
        return found


def _fault(row: PushRow) -> tuple[Origin, str, str] | None:
    if row.shopify_gone:
        return Origin.SHOPIFY, "NOT_FOUND", f"Shopify's customer {row.shopify_id} is gone; link the customer anew."
    if not row.nhanh_known:
        return Origin.NHANH, "NOT_FOUND", f"Nhanh's customer {row.nhanh_id} is not in the catalog any more."
    return None
