"""Work on many rows, part after part, each in a transaction of its own: none is long, and a crash costs one part."""

from collections.abc import Callable

from chassis.database import Database
from sqlalchemy import Connection

PART = 10_000
"""Rows that one transaction marks or deletes at most."""

Part = Callable[[Connection, int, int], int]
"""Works on at most so many rows (the first number), behind so many that are done; how many they were."""


async def part_after_part(database: Database, part: Part) -> int:
    """Work until a part is not full; how many rows there were in all.

    Raises:
        Exception: Whatever the part or the database raises; the parts before stay.
    """
    limit, done = PART, 0
    while True:

        def unit(connection: Connection, done: int = done) -> int:
            return part(connection, limit, done)

        rows = await database.write(unit)
        done += rows
        if rows < limit:
            return done
