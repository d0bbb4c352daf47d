"""Fencing: a transaction of an attempt that has been overtaken aborts."""

from sqlalchemy import Connection, text

from sync_worker.application.ports.job import Fence
from sync_worker.domain.failures import LeaseLost

_RAISE = text(
    "INSERT INTO fences (lock_key, fence) VALUES (:lock_key, :fence) ON CONFLICT (lock_key) DO UPDATE SET fence ="
    " CASE WHEN fences.fence > excluded.fence THEN fences.fence ELSE excluded.fence END RETURNING fence"
)
"""As text, since every step of every job runs it: to put it together anew costs more than to run it."""


def raise_fence(connection: Connection, fence: Fence) -> None:
    """Raise the highest fence of each of the attempt's keys, before anything that is written on its behalf.

    On PostgreSQL the rows stay locked to the end of the transaction: those of rival attempts pass one after the other, and every
    later statement sees what the one before has stored. Keys are taken in order, so that no two transactions wait for each other.

    Raises:
        LeaseLost: A later attempt has written under one of the keys.
    """
    for key in sorted(fence.keys):
        highest = connection.execute(_RAISE, {"lock_key": key, "fence": fence.token}).scalar_one()
        if highest > fence.token:
            raise LeaseLost(f"a later attempt holds {key} (fence {highest}, ours {fence.token})")
