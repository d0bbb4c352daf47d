"""Stores what an answer decided, and reads it again after a crash."""

from collections.abc import Sequence
from typing import Any

import orjson
from chassis.database.upserts import insert
from sqlalchemy import Connection, Row, and_, bindparam, delete, select, update
from sqlalchemy import insert as plain_insert

from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.job_runs import save_job_run
from sync_worker.adapters.catalog.pulls_levels import forget_levels
from sync_worker.adapters.catalog.pushes_selection import in_parts
from sync_worker.adapters.catalog.tables import confirmed_values, mappings, push_intents, push_items, sync_log
from sync_worker.application.ports.push_catalog import (
    ConfirmedValue,
    DoneItem,
    ItemOutcome,
    LogLine,
    PushScope,
    Settlement,
)
from sync_worker.domain.failures import ItemFailure, Origin
from sync_worker.domain.mappings import MappingStatus
from sync_worker.domain.push_plan import Lane, lane_of

Values = list[dict[str, Any]]


def settle(connection: Connection, scope: PushScope, settlement: Settlement, now: int) -> None:
    """Store everything that one answer decides.

    Raises:
        LeaseLost: A later attempt has begun; nothing is stored.
    """
    raise_fence(connection, scope.fence)
    if settlement.intent is not None:
        intent_id, outcome = settlement.intent
        connection.execute(
            update(push_intents).where(push_intents.c.intent_id == intent_id).values(settle_time=now, outcome=outcome)
        )
    _confirm(connection, scope.store_id, settlement.confirmed)
    _forget(connection, scope.store_id, settlement.forgotten)
    _log(connection, scope, settlement.log_job_id or scope.job_id, settlement.log, now)
    _mark(connection, settlement.items, now)
    if settlement.items:
        connection.execute(
            plain_insert(push_items),
            [
                {"job_id": scope.job_id, "mapping_id": item.mapping_id, "outcome": item.outcome}
                for item in settlement.items
            ],
        )
    save_job_run(connection, scope.job_id, now=now, cursor=None, state=settlement.state)


def pushed_by(connection: Connection, scope: PushScope, mapping_ids: Sequence[str]) -> frozenset[tuple[str, str, int]]:
    """Find what this job has written already, as (mapping id, aspect, location or 0)."""
    written: set[tuple[str, str, int]] = set()
    for part in in_parts(mapping_ids):
        found = connection.execute(
            select(sync_log.c.mapping_id, sync_log.c.aspect, sync_log.c.location_id).where(
                sync_log.c.store_id == scope.store_id,
                sync_log.c.entity == scope.entity,
                sync_log.c.mapping_id.in_(part),
                sync_log.c.job_id == scope.job_id,
                sync_log.c.outcome == ItemOutcome.OK,
            )
        )
        written.update((mapping_id, aspect, location or 0) for mapping_id, aspect, location in found)
    return frozenset(written)


def failures_of(connection: Connection, scope: PushScope) -> list[ItemFailure]:
    """Read the failures of items that the job is done with."""
    found = connection.execute(
        select(sync_log.c.detail)
        .join(
            push_items,
            and_(push_items.c.job_id == scope.job_id, push_items.c.mapping_id == sync_log.c.mapping_id),
        )
        .where(
            sync_log.c.store_id == scope.store_id,
            sync_log.c.entity == scope.entity,
            sync_log.c.job_id == scope.job_id,
            sync_log.c.outcome == ItemOutcome.FAILED,
            push_items.c.outcome == ItemOutcome.FAILED,
        )
        .order_by(sync_log.c.log_id)
    )
    return [_failure(orjson.loads(detail)) for detail in found.scalars()]


def forget_done(connection: Connection, job_id: str) -> None:
    """Drop what only an unfinished job needs; its failed items stay, so that their failures can be reported again."""
    connection.execute(
        delete(push_items).where(push_items.c.job_id == job_id, push_items.c.outcome != ItemOutcome.FAILED)
    )


def _confirm(connection: Connection, store_id: str, values: Sequence[ConfirmedValue]) -> None:
    if not values:
        return
    statement = insert(connection, confirmed_values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "kind", "owner_id", "location_id"],
            set_={"value": statement.excluded.value, "confirm_time": statement.excluded.confirm_time},
            # Another push may have confirmed a later value while this write was on its way.
            where=statement.excluded.confirm_time >= confirmed_values.c.confirm_time,
        ),
        [
            {
                "store_id": store_id,
                "kind": each.kind,
                "owner_id": each.owner_id,
                "location_id": each.location_id,
                "value": each.value,
                "confirm_time": each.time,
            }
            for each in values
        ],
    )


def _forget(connection: Connection, store_id: str, owners: Sequence[tuple[Lane, int]]) -> None:
    for lane, owner_id in owners:
        connection.execute(
            delete(confirmed_values).where(
                confirmed_values.c.store_id == store_id,
                confirmed_values.c.kind.in_([kind.value for kind in lane.kinds]),
                confirmed_values.c.owner_id == owner_id,
            )
        )
        if lane is Lane.INVENTORY:
            forget_levels(connection, store_id, owner_id)


def _log(connection: Connection, scope: PushScope, job_id: str, lines: Sequence[LogLine], now: int) -> None:
    if not lines:
        return
    connection.execute(
        plain_insert(sync_log),
        [
            {
                "store_id": scope.store_id,
                "entity": scope.entity,
                "mapping_id": line.mapping_id,
                "aspect": line.aspect,
                "location_id": line.location_id,
                "old_value": line.old,
                "new_value": line.new,
                "outcome": ItemOutcome.OK if line.failure is None else ItemOutcome.FAILED,
                "detail": None if line.failure is None else orjson.dumps(_detail(line.failure)).decode(),
                "job_id": job_id,
                "log_time": now,
            }
            for line in lines
        ],
    )


def _mark(connection: Connection, items: Sequence[DoneItem], now: int) -> None:
    """Let what was decided of each item's lanes replace what its mapping said of them."""
    decided = {item.mapping_id: item for item in items if item.lanes}
    before: dict[str, Row[Any]] = {}
    for part in in_parts(list(decided)):
        rows = connection.execute(
            select(
                mappings.c.mapping_id,
                mappings.c.failed_lanes,
                mappings.c.failure_attempts,
                mappings.c.failure_time,
                mappings.c.push_time,
            ).where(mappings.c.mapping_id.in_(part))
        )
        before |= {row.mapping_id: row for row in rows}
    values = [_marked(decided[mapping_id], row, now) for mapping_id, row in before.items()]
    if values:
        columns = [name for name in values[0] if name != "mapping"]
        statement = update(mappings).where(mappings.c.mapping_id == bindparam("mapping"))
        connection.execute(statement.values({name: bindparam(name) for name in columns}), values)


def _marked(item: DoneItem, before: Row[Any], now: int) -> dict[str, Any]:
    left = {
        lane: failure for lane, failure in orjson.loads(before.failed_lanes or "{}").items() if lane not in item.lanes
    }
    for failure in item.failures:
        known = left.setdefault(
            lane_of(failure.stage).value, {"code": failure.code, "message": failure.message, "retryable": False}
        )
        known["retryable"] = known["retryable"] or failure.retryable
    first = next((left[lane.value] for lane in Lane if lane.value in left), None)
    return {
        "mapping": item.mapping_id,
        "status": (MappingStatus.SYNCED if first is None else MappingStatus.FAILED).value,
        "failure_code": None if first is None else _storable(first["code"]),
        "failure_message": None if first is None else _storable(first["message"]),
        "failure_retryable": None if first is None else any(each["retryable"] for each in left.values()),
        "failure_attempts": before.failure_attempts + 1 if item.failures else before.failure_attempts if left else 0,
        "failure_time": now if item.failures else before.failure_time if left else None,
        "failed_lanes": orjson.dumps(left).decode() if left else None,
        "push_time": now if item.pushed else before.push_time,
    }


def _storable(text: str) -> str:
    """Show a NUL, which PostgreSQL does not take, as a reader of text would. JSON beside it says it in its own way."""
    return text.replace("\x00", "\ufffd")


def _detail(failure: ItemFailure) -> dict[str, Any]:
    return {
        "item_key": failure.item_key,
        "stage": failure.stage,
        "origin": failure.origin,
        "code": failure.code,
        "message": failure.message,
        "retryable": failure.retryable,
        "attempts": failure.attempts,
    }


def _failure(detail: dict[str, Any]) -> ItemFailure:
    return ItemFailure(
        detail["item_key"],
        detail["stage"],
        Origin(detail["origin"]),
        detail["code"],
        detail["message"],
        detail["retryable"],
        detail["attempts"],
    )
