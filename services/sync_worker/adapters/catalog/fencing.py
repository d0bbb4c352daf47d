"""Fencing: a transaction of an attempt that has been overtaken aborts."""

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from sync_worker.adapters.catalog.tables import fences
from sync_worker.application.ports.job import Fence
from sync_worker.domain.failures import LeaseLost


def raise_fence(connection: Connection, fence: Fence) -> None:
    """Raise the highest fence of each of the attempt's keys, in the transaction that writes on its behalf.

    Raises:
        LeaseLost: A later attempt has written under one of the keys.
    """
    for key in sorted(fence.keys):
        statement = insert(fences).values(lock_key=key, fence=fence.token)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[fences.c.lock_key],
                set_={"fence": func.max(fences.c.fence, statement.excluded.fence)},
            )
        )
        highest = connection.execute(select(fences.c.fence).where(fences.c.lock_key == key)).scalar_one()
        if highest > fence.token:
            raise LeaseLost(f"a later attempt holds {key} (fence {highest}, ours {fence.token})")
