"""Where SQLite and PostgreSQL differ: counters, and how transactions that meet wait for each other."""

import hashlib
from collections.abc import Iterable
from typing import Any

from chassis.database.upserts import insert
from sqlalchemy import Connection, Sequence, case, select, text

from job_tracker.adapters.store.tables import counters

POSTGRESQL = "postgresql"

TICKETS = Sequence("job_tickets")
"""On PostgreSQL alone. A sequence holds up nobody; a ticket is drawn under its lock keys, so the tickets of a key rise as their
transactions commit."""


def serialise(connection: Connection, names: Iterable[str], *, shared: bool = False) -> None:
    """Let transactions that name the same thing pass one after the other, to the end of this one; `shared` ones pass together.

    On SQLite one writer has the database to itself. Locks are taken in order, and before any row's, so that no two wait for each
    other; two names that share a hash only wait for nothing.
    """
    if connection.dialect.name != POSTGRESQL:
        return
    keys = sorted({int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True) for name in names})
    if keys:
        connection.execute(_LOCK_SHARED if shared else _LOCK, {"keys": keys})


_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


def pausing(job_type: str) -> str:
    """Name what claims of a type share, and its pause and resume do not: who claims has seen the pause, or is seen by it."""
    return f"type/{job_type}"


def next_ticket(connection: Connection) -> int:
    """Draw the next place in a queue."""
    if connection.dialect.name == POSTGRESQL:
        ticket: int = connection.execute(select(TICKETS.next_value())).scalar_one()
        return ticket
    return raise_counter(connection, "ticket", 1, 0)


def raise_counter(connection: Connection, name: str, by: int, at_least: int) -> int:
    """Raise a counter by some steps, all of them `at_least` so high, and give the last of them.

    On PostgreSQL others wait for the counter until this transaction ends: raise it late.
    """
    floor = max(1, at_least) + by - 1
    raised: Any = counters.c.value + by
    statement = insert(connection, counters).values(name=name, value=floor)
    statement = statement.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"value": case((raised > floor, raised), else_=floor)}
    )
    value: int = connection.execute(statement.returning(counters.c.value)).scalar_one()
    return value
