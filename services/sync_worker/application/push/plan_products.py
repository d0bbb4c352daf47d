"""Plans what products need: fresh stock from Nhanh, prices from the catalog."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.nhanh import MAX_IDS, Nhanh
from sync_worker.application.ports.push_catalog import PushRow
from sync_worker.application.push.messages import nothing_written
from sync_worker.application.push.planned import (
    PlannedItem,
    Settled,
    leave_alone,
    refuse,
)
from sync_worker.application.push.push_run import PushRun
from sync_worker.domain.failures import GuardTripped, Origin
from sync_worker.domain.mappings import Entity
from sync_worker.domain.mass_guard import DropFigures, figures_of
from sync_worker.domain.products import NhanhStock
from sync_worker.domain.push_plan import (
    Confirmed,
    Entry,
    Lane,
    Values,
    is_fresh,
    must_write,
    wanted_prices,
)
from sync_worker.domain.stock import LocationRule, LocationStock

Key = tuple[Lane, int, int]
"""Lane, owner, location."""


class ProductPlanner:
    """Plans chunks of products."""

    entity = Entity.PRODUCTS
    chunk_size = MAX_IDS

    def __init__(
        self,
        run: PushRun,
        nhanh: Nhanh,
        rule: LocationRule | None,
        lanes_of: Callable[[PushRow], frozenset[Lane]],
        *,
        repush: bool,
    ) -> None:
        self._run = run
        self._nhanh = nhanh
        self._rule = rule
        self._lanes_of = lanes_of
        self._repush = repush

    async def plan(self, rows: Sequence[PushRow]) -> tuple[list[PlannedItem], list[Settled]]:
        """Tell items with something to write from those that are done already, or cannot be done.

        Raises:
            VendorFailure: Nhanh did not answer: nothing is planned without knowing.
        """
        settled: list[Settled] = []
        sound: list[PushRow] = []
        for row in rows:
            fault = self._fault(row)
            if fault is None:
                sound.append(row)
            else:
                settled.append(refuse(row, self._lanes_of(row), *fault))
        stocks, unreadable = await self._stocks(
            [row.nhanh_id for row in sound if Lane.INVENTORY in self._lanes_of(row)]
        )
        confirmed = await self._confirmed(sound)
        pushed = frozenset[tuple[str, str, int]]()
        if self._run.resumed and sound:
            scope = self._run.scope(self.entity)
            pushed = await self._run.catalog.pushed_by(scope, [row.mapping_id for row in sound])
        planned: list[PlannedItem] = []
        for row in sound:
            made = self._plan_row(row, stocks, unreadable, confirmed, pushed)
            if isinstance(made, PlannedItem):
                planned.append(made)
            else:
                settled.append(made)
        return planned, settled

    async def confirm(self) -> None:
        """Ask again what the access token grants: a depot that it lost while stock was read has read as none.

        Raises:
            GuardTripped: DEPOT_NOT_GRANTED.
        """
        if self._rule is not None:
            await check_depots(self._run.job, self._nhanh, self._rule)

    def _fault(self, row: PushRow) -> tuple[Origin, str, str] | None:
        lanes = self._lanes_of(row)
        if row.shopify_gone:
            return Origin.SHOPIFY, "NOT_FOUND", f"Shopify's variant {row.shopify_id} is gone; link the item anew."
        missing = (Lane.INVENTORY in lanes and row.inventory_item_id is None) or (
            Lane.PRICE in lanes and row.shopify_product_id is None
        )
        if missing:
            return Origin.WORKER, "MAPPING_INCOMPLETE", "The mapping lacks Shopify's ids; pull Shopify, then link anew."
        if Lane.PRICE in lanes and not row.nhanh_known:
            return Origin.NHANH, "NOT_FOUND", f"Nhanh's product {row.nhanh_id} is not in the catalog any more."
        if Lane.PRICE in lanes and wanted_prices(row.price_retail, row.price_old) is None:
            return Origin.NHANH, "PRICE_UNKNOWN", f"Nhanh's product {row.nhanh_id} has no retail price."
        return None

    async def _stocks(self, nhanh_ids: Sequence[int]) -> tuple[Mapping[int, NhanhStock | None], Mapping[int, str]]:
        """Read fresh stock; None: Nhanh knows the product and has no stock of it. Beside it, what cannot be read, and why.

        What is in neither is unknown to Nhanh.
        """
        if not nhanh_ids:
            return {}, {}
        answer = await self._nhanh.stock_of(nhanh_ids)
        found: dict[int, NhanhStock | None] = dict(answer.stock)
        unreadable = dict(answer.refused)
        missing = [nhanh_id for nhanh_id in nhanh_ids if nhanh_id not in found and nhanh_id not in unreadable]
        if missing:
            known = await self._nhanh.products_by_id(missing)
            found.update(
                (nhanh_id, known.products[nhanh_id].stock) for nhanh_id in missing if nhanh_id in known.products
            )
            unreadable.update((nhanh_id, known.refused[nhanh_id]) for nhanh_id in missing if nhanh_id in known.refused)
        return found, unreadable

    async def _confirmed(self, rows: Sequence[PushRow]) -> Mapping[Key, Confirmed]:
        owners: dict[Lane, list[int]] = defaultdict(list)
        for row in rows:
            for lane in self._lanes_of(row):
                owners[lane].append(_owner(row, lane))
        store_id = self._run.job.store.store_id
        return {
            (lane, owner, location): value
            for lane, ids in owners.items()
            for (owner, location), value in (await self._run.catalog.confirmed(store_id, lane, ids)).items()
        }

    def _plan_row(
        self,
        row: PushRow,
        stocks: Mapping[int, NhanhStock | None],
        unreadable: Mapping[int, str],
        confirmed: Mapping[Key, Confirmed],
        pushed: frozenset[tuple[str, str, int]],
    ) -> PlannedItem | Settled:
        lanes = self._lanes_of(row)
        wanted: list[tuple[Lane, int, Values]] = []
        held: tuple[LocationStock, ...] = ()
        if Lane.INVENTORY in lanes and self._rule is not None:
            if row.nhanh_id in unreadable:
                message = f"{unreadable[row.nhanh_id]}; its stock at Shopify was left as it is."
                return refuse(row, lanes, Origin.NHANH, "UNREADABLE_STOCK", message)
            if row.nhanh_id not in stocks:
                message = f"Nhanh does not know product {row.nhanh_id}; its stock at Shopify was left as it is."
                return refuse(row, lanes, Origin.NHANH, "NOT_FOUND", message)
            held = self._rule.stock(stocks[row.nhanh_id])
            wanted.extend((Lane.INVENTORY, each.location_id, (each.quantity,)) for each in held)
        prices = wanted_prices(row.price_retail, row.price_old) if Lane.PRICE in lanes else None
        if prices is not None:
            wanted.append((Lane.PRICE, 0, prices))
        entries = [self._entry(row, lane, location, values, confirmed) for lane, location, values in wanted]
        by_this_job = {e for e in entries if (e.mapping_id, e.lane.kinds[0], e.location_id) in pushed}
        changed = tuple(
            e for e in entries if self._must_write(e, confirmed, again=self._repush and e not in by_this_job)
        )
        figures = _figures(row, held, confirmed)
        if not changed:
            return leave_alone(row, lanes, pushed=bool(by_this_job), metric="unchanged", figures=figures)
        metrics = {"clamped": sum(e.clamped for e in held), "floored": sum(e.floored for e in held)}
        return PlannedItem(row.mapping_id, row.nhanh_id, row.attempts, changed, lanes, figures, metrics)

    def _entry(
        self, row: PushRow, lane: Lane, location: int, wanted: Values, confirmed: Mapping[Key, Confirmed]
    ) -> Entry:
        owner = _owner(row, lane)
        known = confirmed.get((lane, owner, location))
        max_age = self._run.job.store.max_confirmed_age_seconds
        return Entry(
            lane,
            row.mapping_id,
            row.nhanh_id,
            owner,
            location,
            (row.shopify_product_id or 0) if lane is Lane.PRICE else 0,
            wanted,
            None if known is None else known.values,
            is_fresh(known, now=self._run.clock.now_micros(), max_age_seconds=max_age),
        )

    def _must_write(self, entry: Entry, confirmed: Mapping[Key, Confirmed], *, again: bool) -> bool:
        known = confirmed.get((entry.lane, entry.owner_id, entry.location_id))
        return must_write(entry.lane, entry.wanted, known, fresh=entry.fresh, repush=again)


async def check_depots(job: JobContext, nhanh: Nhanh, rule: LocationRule) -> None:
    """Make sure that the access token grants every mapped depot; without mapped ones there is nothing to ask.

    Raises:
        GuardTripped: DEPOT_NOT_GRANTED.
    """
    if not job.store.locations:
        return
    ungranted = rule.ungranted((await nhanh.check_access()).depot_ids)
    if ungranted:
        raise GuardTripped(
            "DEPOT_NOT_GRANTED",
            f"Nhanh's access token does not grant depot {', '.join(map(str, ungranted))}, so its stock would read as "
            f"none; grant it to the app at Nhanh, or unmap it. {nothing_written(job)}",
        )


def _owner(row: PushRow, lane: Lane) -> int:
    return row.shopify_id if lane is Lane.PRICE else (row.inventory_item_id or 0)


def _figures(row: PushRow, held: Sequence[LocationStock], confirmed: Mapping[Key, Confirmed]) -> DropFigures:
    """Count the item for the guard: before, by what Shopify confirmed at each location, or by what it was pulled with.

    A location that has sold more than it had takes nothing from what another has.
    """
    if not held or row.inventory_item_id is None:
        return DropFigures()
    known = [confirmed.get((Lane.INVENTORY, row.inventory_item_id, each.location_id)) for each in held]
    quantities = [max(each.values[0], 0) for each in known if each is not None and each.values[0] is not None]
    before: int | None = sum(quantities)
    if len(quantities) < len(held):
        pulled = row.shopify_quantity
        before = max(sum(quantities), pulled) if pulled is not None else (sum(quantities) if quantities else None)
    return figures_of(before, sum(each.quantity for each in held))
