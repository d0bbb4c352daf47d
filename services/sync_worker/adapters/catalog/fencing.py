"""Fencing: a transaction of an attempt that has been overtaken aborts."""

from typing import Any

from chassis.database.upserts import insert
from sqlalchemy import Connection, case

from sync_worker.adapters.catalog.tables import fences
from sync_worker.application.ports.job import Fence
from sync_worker.domain.failures import LeaseLost


def raise_fence(connection: Connection, fence: Fence) -> None:
    """Raise the highest fence of each of the attempt's keys, before anything that is written on its behalf.

    On PostgreSQL the rows stay locked to the end of the transaction: those of rival attempts pass one after the other, and every
    later statement sees what the one before has stored. Keys are taken in order, so that no two transactions wait for each other.

    Raises:
        LeaseLost: A later attempt has written under one of the keys.
    """
    for key in sorted(fence.keys):
        statement = insert(connection, fences).values(lock_key=key, fence=fence.token)
        known: Any = fences.c.fence
        highest = connection.execute(
            statement.on_conflict_do_update(
                index_elements=[fences.c.lock_key],
                set_={"fence": case((known > statement.excluded.fence, known), else_=statement.excluded.fence)},
            ).returning(fences.c.fence)
        ).scalar_one()
        if highest > fence.token:
            raise LeaseLost(f"a later attempt holds {key} (fence {highest}, ours {fence.token})")
