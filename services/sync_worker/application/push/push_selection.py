"""Pushes a selection: plan all of it, hold the plan against the guard, then write it batch by batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.push_catalog import DoneItem, ItemOutcome, PushRow
from sync_worker.application.push.batches import batches
from sync_worker.application.push.lanes import LaneCalls
from sync_worker.application.push.ledger import Ledger
from sync_worker.application.push.messages import nothing_written
from sync_worker.application.push.planned import PlannedItem, Settled, leave_out
from sync_worker.application.push.push_run import PushRun
from sync_worker.application.push.writing import BatchWriter
from sync_worker.domain.failures import GuardTripped
from sync_worker.domain.mappings import PUSHABLE, Entity
from sync_worker.domain.mass_guard import DropFigures, trips
from sync_worker.domain.push_plan import Entry, Lane
from sync_worker.domain.requests import Selection

SHOWN_CHANGES = 50
"""A dry run shows so many changes; how many there are stands beside them."""

DRY_RUN_REPORT = 500
"""A dry run counts so many items between two reports."""


class Planner(Protocol):
    """Plans the items of an entity."""

    entity: Entity
    chunk_size: int

    async def plan(self, rows: Sequence[PushRow]) -> tuple[list[PlannedItem], list[Settled]]:
        """Tell items with something to write from those that are done already, or cannot be done."""
        ...

    async def confirm(self) -> None:
        """Hold what the plan stands on against the vendor once more, right before the first write.

        Raises:
            GuardTripped: It does not stand any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class MassGuard:
    """How much may become zero."""

    max_drop_percent: int
    allow_mass_zero: bool


@dataclass(slots=True)
class PushPlan:
    """What a push writes, for its job's result."""

    batches: dict[Lane, int] = field(default_factory=dict)
    values: int = 0
    items: int = 0
    points: float = 0.0
    changes: list[JsonValue] = field(default_factory=list)
    figures: DropFigures = field(default_factory=DropFigures)
    guard_trips: bool = False

    def shown(self) -> dict[str, JsonValue]:
        """Put what a dry run shows into a job's result: the first changes, and how many there are."""
        return {"changes": self.changes, "changes_total": self.values}

    def result(self) -> dict[str, JsonValue]:
        """Put it into a job's result."""
        return {
            "items": self.items,
            "values": self.values,
            "batches": {lane.value: count for lane, count in self.batches.items()},
            "estimated_api_points": round(self.points, 1),
            "positive_before": self.figures.positive,
            "set_to_zero": self.figures.zeroed,
            "mass_zero_guard_trips": self.guard_trips,
        }


def check_selection(selection: Selection) -> None:
    """Refuse a selection that names nothing, or states that are never pushed.

    Raises:
        GuardTripped: EMPTY_SELECTION or STATUS_NOT_PUSHABLE.
    """
    if not selection.mapping_ids and not selection.statuses:
        raise GuardTripped("EMPTY_SELECTION", "Nothing was selected; name mapping ids or statuses.")
    barred = sorted(set(selection.statuses) - PUSHABLE)
    if barred:
        raise GuardTripped("STATUS_NOT_PUSHABLE", f"Mappings that are {', '.join(barred)} are never pushed.")


async def push_selection(
    run: PushRun, selection: Selection, planner: Planner, lanes: Mapping[Lane, LaneCalls], guard: MassGuard
) -> PushPlan:
    """Push what is selected and not done yet.

    Raises:
        GuardTripped: MASS_ZERO_GUARD, before the first write.
        VendorFailure, WorkStopped: The attempt ends; what is settled stays settled.
    """
    planned = await _plan(run, selection, planner)
    plan = _price_plan(run, planned, planner.entity, lanes)
    plan.guard_trips = trips(plan.figures, guard.max_drop_percent, allow_mass_zero=guard.allow_mass_zero)
    if run.dry_run:
        await _pretend(run, planner.entity, planned)
        return plan
    if plan.guard_trips:
        raise _tripped(plan.figures, guard, run)
    if planned:
        await planner.confirm()
    await _write(run, planned, lanes)
    return plan


async def _plan(run: PushRun, selection: Selection, planner: Planner) -> list[PlannedItem]:
    run.phase = "planning"
    scope = run.scope(planner.entity)
    planned: list[PlannedItem] = []
    place: str | None = None
    while True:
        run.job.check()
        chunk = await run.catalog.selected(scope, selection, place, planner.chunk_size)
        settled = [leave_out(each) for each in chunk.unpushable]
        if chunk.rows:
            to_write, done = await planner.plan(chunk.rows)
            planned.extend(to_write)
            settled.extend(done)
        if settled:
            await run.settle(planner.entity, settled)
        else:
            await run.job.report(run.progress())
        if chunk.next_place is None:
            return planned
        place = chunk.next_place


def _price_plan(
    run: PushRun, planned: Sequence[PlannedItem], entity: Entity, lanes: Mapping[Lane, LaneCalls]
) -> PushPlan:
    plan = PushPlan(items=len(planned), figures=run.figures(entity))
    for item in planned:
        plan.figures += item.figures
    for lane, entries in _by_lane(planned).items():
        sizes = [len(batch) for batch in batches(entries, lanes[lane].batch_size)]
        plan.batches[lane] = len(sizes)
        plan.values += sum(sizes)
        plan.points += sum(lanes[lane].points(size) for size in sizes)
    if run.dry_run:
        plan.changes += [_change(entry) for item in planned[:SHOWN_CHANGES] for entry in item.entries][:SHOWN_CHANGES]
    return plan


async def _write(run: PushRun, planned: Sequence[PlannedItem], lanes: Mapping[Lane, LaneCalls]) -> None:
    run.phase = "pushing"
    ledger = Ledger(planned)
    for lane, entries in _by_lane(planned).items():
        writer = BatchWriter(run, lanes[lane], ledger)
        for batch in batches(entries, lanes[lane].batch_size):
            await writer.write(batch)


async def _pretend(run: PushRun, entity: Entity, planned: Sequence[PlannedItem]) -> None:
    run.phase = "dry run"
    for start in range(0, len(planned), DRY_RUN_REPORT):
        run.job.check()
        await run.settle(
            entity,
            [
                Settled(
                    DoneItem(item.mapping_id, ItemOutcome.OK, item.lanes),
                    item.figures,
                    {**item.metrics, "would_push": 1},
                )
                for item in planned[start : start + DRY_RUN_REPORT]
            ],
        )


def _by_lane(planned: Sequence[PlannedItem]) -> dict[Lane, list[Entry]]:
    found: dict[Lane, list[Entry]] = {}
    for item in planned:
        for entry in item.entries:
            found.setdefault(entry.lane, []).append(entry)
    return {lane: found[lane] for lane in Lane if lane in found}


def _change(entry: Entry) -> dict[str, JsonValue]:
    """Put a change into a job's result; identifiers are strings there."""
    return {
        "mapping_id": entry.mapping_id,
        "nhanh_id": str(entry.nhanh_id),
        "stage": entry.stage,
        "old": None if entry.before is None else list(entry.before),
        "new": list(entry.wanted),
    }


def _tripped(figures: DropFigures, guard: MassGuard, run: PushRun) -> GuardTripped:
    return GuardTripped(
        "MASS_ZERO_GUARD",
        f"{figures.zeroed} of {figures.positive} positive items would be set to zero ({figures.percent:.0f} %, "
        f"allowed are {guard.max_drop_percent} %). {nothing_written(run.job)} "
        "If that is right, start again with allow_mass_zero.",
    )
