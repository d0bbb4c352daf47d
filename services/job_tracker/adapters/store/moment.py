"""The moment of a transaction, by the clock that its leases are measured with."""

from collections.abc import Callable

from chassis.database.server_time import server_micros
from sqlalchemy import Connection

from job_tracker.application.ports.clock import Clock
from job_tracker.domain.moves import Now

Moment = Callable[[Connection], Now]


def usual(dialect: str, clock: Clock) -> Moment:
    """Choose the clock of a kind of database."""
    return of_clock(clock) if dialect == "sqlite" else of_postgresql


def of_clock(clock: Clock) -> Moment:
    """Tell time by this process's clocks: right where one process has the database."""
    return lambda _connection: clock.now()


def of_postgresql(connection: Connection) -> Now:
    """Tell time by the database's clock, the same for every replica.

    It is steady as long as nobody sets it, and `watch_leases` sees when somebody did.
    """
    micros = server_micros(connection)
    return Now(micros, micros / 1_000_000)
