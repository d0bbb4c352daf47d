"""Writes to Shopify, as they were meant before their call."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from sync_worker.adapters.catalog.fencing import raise_fence
from sync_worker.adapters.catalog.tables import push_intents
from sync_worker.application.ports.push_catalog import Intent, PushScope
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import Entry, Lane


def store_intent(connection: Connection, scope: PushScope, intent: Intent) -> None:
    """Store a write before its call."""
    raise_fence(connection, scope.fence)
    connection.execute(
        insert(push_intents).values(
            intent_id=intent.intent_id,
            store_id=scope.store_id,
            entity=scope.entity,
            kind=intent.lane,
            idempotency_key=intent.idempotency_key,
            payload=orjson.dumps([_packed(entry) for entry in intent.entries]).decode(),
            job_id=intent.job_id,
            create_time=intent.create_time,
        )
    )


def open_intents(connection: Connection, store_id: str, entity: Entity) -> list[Intent]:
    """Read the writes whose outcome nobody has stored, oldest first."""
    found = connection.execute(
        select(push_intents)
        .where(
            push_intents.c.store_id == store_id,
            push_intents.c.entity == entity,
            push_intents.c.settle_time.is_(None),
        )
        .order_by(push_intents.c.create_time, push_intents.c.intent_id)
    )
    return [
        Intent(
            row.intent_id,
            Lane(row.kind),
            row.idempotency_key,
            tuple(_unpacked(Lane(row.kind), packed) for packed in orjson.loads(row.payload)),
            row.job_id,
            row.create_time,
        )
        for row in found
    ]


def _packed(entry: Entry) -> dict[str, object]:
    return {
        "mapping_id": entry.mapping_id,
        "nhanh_id": entry.nhanh_id,
        "owner_id": entry.owner_id,
        "location_id": entry.location_id,
        "group_id": entry.group_id,
        "wanted": entry.wanted,
        "before": entry.before,
        "fresh": entry.fresh,
    }


def _unpacked(lane: Lane, packed: Mapping[str, Any]) -> Entry:
    before = packed["before"]
    return Entry(
        lane,
        packed["mapping_id"],
        packed["nhanh_id"],
        packed["owner_id"],
        packed["location_id"],
        packed["group_id"],
        tuple(packed["wanted"]),
        None if before is None else tuple(before),
        packed["fresh"],
    )
