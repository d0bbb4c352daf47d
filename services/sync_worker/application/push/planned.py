"""What planning makes of an item."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync_worker.application.ports.push_catalog import DoneItem, ItemOutcome, LogLine, PushRow, Unpushable
from sync_worker.application.push.item_keys import item_key, missing_key
from sync_worker.domain.failures import ItemFailure, Origin
from sync_worker.domain.mass_guard import DropFigures
from sync_worker.domain.push_plan import Entry, Lane


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """An item with something to write; `lanes` are all that were asked for, those that need no write included."""

    mapping_id: str
    nhanh_id: int
    attempts: int
    entries: tuple[Entry, ...]
    lanes: frozenset[Lane]
    figures: DropFigures
    metrics: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """An item that is done, with what its job counts of it."""

    item: DoneItem
    figures: DropFigures = field(default_factory=DropFigures)
    metrics: Mapping[str, int] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()


def refuse(row: PushRow, lanes: frozenset[Lane], origin: Origin, code: str, message: str) -> Settled:
    """Fail an item before anything of it is written: the same cause for each lane that was asked for.

    Time alone heals none of these causes.
    """
    failures = tuple(
        ItemFailure(item_key(row.nhanh_id), lane, origin, code, message, retryable=False, attempts=row.attempts + 1)
        for lane in sorted(lanes)
    )
    log = tuple(
        LogLine(row.mapping_id, lane.kinds[0], None, None, None, failure)
        for lane, failure in zip(sorted(lanes), failures, strict=True)
    )
    return Settled(DoneItem(row.mapping_id, ItemOutcome.FAILED, lanes, failures=failures), log=log)


def leave_out(unpushable: Unpushable) -> Settled:
    """Fail a selected id that no push takes; whatever its mapping says stays as it is."""
    if unpushable.nhanh_id is None or unpushable.status is None:
        key, code = missing_key(unpushable.mapping_id), "MAPPING_NOT_FOUND"
        message = f"There is no mapping {unpushable.mapping_id} in this store."
    else:
        key, code = item_key(unpushable.nhanh_id), "MAPPING_NOT_PUSHABLE"
        message = f"The mapping {unpushable.mapping_id} is {unpushable.status}; it is pushed once a person decides."
    failure = ItemFailure(key, "selection", Origin.RULE, code, message, retryable=False)
    return Settled(
        DoneItem(unpushable.mapping_id, ItemOutcome.FAILED, failures=(failure,)),
        log=(LogLine(unpushable.mapping_id, "selection", None, None, None, failure),),
    )


def leave_alone(row: PushRow, lanes: frozenset[Lane], *, pushed: bool, metric: str, figures: DropFigures) -> Settled:
    """Be done with an item that needs no write; `pushed` says that an earlier attempt of the job has written it."""
    outcome = ItemOutcome.OK if pushed else ItemOutcome.SKIPPED
    return Settled(
        DoneItem(row.mapping_id, outcome, lanes, pushed=pushed), figures, {"pushed" if pushed else metric: 1}
    )
