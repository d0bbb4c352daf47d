"""Keeps what became of each write until an item's last one is decided."""

from collections.abc import Mapping, Sequence

from sync_worker.application.ports.push_catalog import (
    ConfirmedValue,
    DoneItem,
    ItemOutcome,
    LogLine,
)
from sync_worker.application.ports.shopify import ItemRefusal
from sync_worker.application.push.item_keys import item_key
from sync_worker.application.push.planned import PlannedItem, Settled
from sync_worker.domain.failures import ItemFailure, Origin
from sync_worker.domain.push_plan import Entry, Lane


class Ledger:
    """The open items of a push. An item is ok only when every one of its writes is."""

    def __init__(self, items: Sequence[PlannedItem]) -> None:
        self._open: dict[str, _OpenItem] = {item.mapping_id: _OpenItem(item) for item in items}

    def written(self, entry: Entry) -> Settled | None:
        """Note that Shopify has an entry's values; gives the item when it was the last."""
        return self._decide(entry, None)

    def refused(self, entry: Entry, refusal: ItemRefusal) -> Settled | None:
        """Note that Shopify refused an entry; gives the item when it was the last."""
        return self._decide(entry, refusal)

    def _decide(self, entry: Entry, refusal: ItemRefusal | None) -> Settled | None:
        item = self._open[entry.mapping_id]
        if refusal is None:
            item.written += 1
        else:
            item.refusals.append((entry, refusal))
        if item.written + len(item.refusals) < len(item.planned.entries):
            return None
        del self._open[entry.mapping_id]
        return item.settled()


class _OpenItem:
    def __init__(self, planned: PlannedItem) -> None:
        self.planned = planned
        self.written = 0
        self.refusals: list[tuple[Entry, ItemRefusal]] = []

    def settled(self) -> Settled:
        planned = self.planned
        metrics = {**planned.metrics, "values_pushed": self.written, "zeroed": planned.figures.zeroed}
        if not self.refusals:
            item = DoneItem(planned.mapping_id, ItemOutcome.OK, planned.lanes, pushed=True)
            return Settled(item, planned.figures, {**metrics, "pushed": 1})
        self.refusals.sort(key=lambda each: each[0].stage)
        failures = [(entry, _failure(entry, refusal, planned.attempts)) for entry, refusal in self.refusals]
        item = DoneItem(
            planned.mapping_id,
            ItemOutcome.FAILED,
            planned.lanes,
            pushed=self.written > 0,
            failures=tuple(failure for _, failure in failures),
        )
        log = tuple(
            LogLine(
                planned.mapping_id,
                entry.lane.kinds[0],
                entry.location_id or None,
                None if entry.before is None else entry.before[0],
                entry.wanted[0],
                failure,
            )
            for entry, failure in failures
        )
        return Settled(item, planned.figures, {**metrics, "zeroed": 0}, log)


def log_lines(entry: Entry) -> list[LogLine]:
    """Put a write that went well into words for the log: its first value, and others that changed."""
    before = entry.before or (None,) * len(entry.wanted)
    return [
        LogLine(entry.mapping_id, kind, entry.location_id or None, old, new)
        for index, (kind, old, new) in enumerate(zip(entry.lane.kinds, before, entry.wanted, strict=True))
        if index == 0 or old != new
    ]


def confirmed_values(entry: Entry, values: Sequence[int | None], time: int) -> list[ConfirmedValue]:
    """Note values that Shopify confirmed for an entry's owner."""
    return [
        ConfirmedValue(kind, entry.owner_id, entry.location_id, value, time)
        for kind, value in zip(entry.lane.kinds, values, strict=True)
    ]


_WHAT: Mapping[Lane, str] = {
    Lane.INVENTORY: "the stock",
    Lane.PRICE: "the price",
    Lane.TOTAL_SPENT: "the total spend",
}


def _failure(entry: Entry, refusal: ItemRefusal, attempts: int) -> ItemFailure:
    where = f" at location {entry.location_id}" if entry.location_id else ""
    return ItemFailure(
        item_key(entry.nhanh_id),
        entry.stage,
        Origin.SHOPIFY,
        refusal.code,
        f"Shopify did not take {_WHAT[entry.lane]} ({entry.wanted[0]}){where}: {refusal.message}",
        refusal.retryable,
        attempts + 1,
    )
