"""What a service may ask of its database, whichever kind it is, and how it can fail."""

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from sqlalchemy import Connection

Result = TypeVar("Result")

Dialect = Literal["sqlite", "postgresql"]


class DatabaseUrlError(Exception):
    """The database's address cannot be used; the message says what is allowed."""


class DatabaseInUseError(Exception):
    """Another process has the database, and this service shares it with nobody."""


class DatabaseUnavailableError(Exception):
    """The database could not be reached, or could not commit.

    Nothing of the unit was stored, with one exception that no database over a network can avoid: when the connection
    broke while a COMMIT waited for its answer, the unit was stored whole or not at all, and nobody can tell. Whoever
    repeats it must be safe in both cases, as every call of our services is.
    """


class Database(Protocol):
    """An open database. Units of work are plain functions of a SQLAlchemy `Connection`, each a transaction."""

    @property
    def dialect(self) -> Dialect:
        """Which kind it is, for the few statements that differ."""
        ...

    async def write(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work, and answer after its commit.

        A unit that raises is undone whole, and alone. A caller that is cancelled while it waits does not take the unit
        back. On PostgreSQL a unit may run more than once (only its last run is stored), so it must change nothing but
        the database.

        Raises:
            DatabaseUnavailableError: As its text says; and whatever the unit raises.
        """
        ...

    async def read(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work that only reads, on a snapshot of what is committed.

        Raises:
            DatabaseUnavailableError: The database cannot be read; and whatever the unit raises.
        """
        ...

    async def close(self) -> None:
        """Finish what is queued and close every connection."""
        ...
