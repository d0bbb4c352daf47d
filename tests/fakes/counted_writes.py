"""A database that counts how many rows of a table each transaction deletes, and that can die between two of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chassis.database import Database, DatabaseUnavailableError, Dialect
from sqlalchemy import Connection, Table, func, select

Result = TypeVar("Result")


@dataclass
class CountedWrites:
    """`Database` over another; `most` is what one transaction has deleted at most. It is away after `dies_after` transactions."""

    database: Database
    table: Table
    most: int = 0
    dies_after: int | None = None

    @property
    def dialect(self) -> Dialect:
        """Which kind it is."""
        return self.database.dialect

    async def write(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work and count."""
        if self.dies_after is not None:
            if not self.dies_after:
                raise DatabaseUnavailableError("away")
            self.dies_after -= 1

        def counted(connection: Connection) -> tuple[Result, int]:
            before = self._rows(connection)
            return unit(connection), before - self._rows(connection)

        result, deleted = await self.database.write(counted)
        self.most = max(self.most, deleted)
        return result

    async def read(self, unit: Callable[[Connection], Result]) -> Result:
        """Run a unit of work that reads."""
        return await self.database.read(unit)

    async def close(self) -> None:
        """Close the database."""
        await self.database.close()

    def _rows(self, connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(self.table)).scalar_one()
