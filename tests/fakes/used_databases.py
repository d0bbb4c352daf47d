"""Databases on PostgreSQL that a test has given back, emptied for the next one: making one anew takes ten times as long.

What comes back as anything else than its template with rows is not used again: another schema, another version, a setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import asyncpg

SHAPE = """
SELECT md5(string_agg(part, E'\\n' ORDER BY part)) FROM (
    SELECT concat_ws(' ', relkind, relname, relnatts, relpersistence, reloptions) AS part
        FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', attrelid::regclass, attname, atttypid, atttypmod, attnotnull, attisdropped)
        FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND relkind = 'r'
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', 'function', proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'trigger', tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'schema', nspname) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT concat_ws(' ', 'setting', setconfig::text) FROM pg_db_role_setting JOIN pg_database ON setdatabase = pg_database.oid
        WHERE datname = current_database()
)
"""
"""Tells whether two databases are the same but for their rows."""

LEAVE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

RESTART = """
DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
END $$
"""


@dataclass(frozen=True)
class Template:
    """A database of which others are copies: its shape, and what its few rows are, by table, such as the schema's version."""

    name: str
    shape: str
    rows: Mapping[str, str]

    @classmethod
    async def known(cls, name: str, url: str) -> Self:
        """Look at it."""
        connection = await asyncpg.connect(url)
        try:
            rows = {table: await _rows(connection, table) for table in await _filled(connection)}
            return cls(name, str(await connection.fetchval(SHAPE)), rows)
        finally:
            await connection.close()

    async def restore(self, url: str) -> bool:
        """Send away whoever is still at a copy and empty it; whether it then is as it was made."""
        try:
            connection = await asyncpg.connect(url)
            try:
                return await self._restore(connection)
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    async def _restore(self, connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
        await connection.execute(LEAVE)
        if await connection.fetchval(SHAPE) != self.shape:
            return False
        if {table: await _rows(connection, table) for table in self.rows} != self.rows:
            return False
        filled = [table for table in await _filled(connection) if table not in self.rows]
        if filled:
            await connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        await connection.execute(RESTART)
        return True


async def _rows(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> str:
    return str(
        await connection.fetchval(f"SELECT string_agg(each::text, E'\\n' ORDER BY each::text) FROM {table} each")
    )


async def _filled(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """List the tables that hold rows."""
    tables = [str(row[0]) for row in await connection.fetch(TABLES)]
    if not tables:
        return []
    found = await connection.fetchrow("SELECT " + ", ".join(f"EXISTS (SELECT FROM {table})" for table in tables))
    assert found is not None
    return [table for table, filled in zip(tables, found.values(), strict=True) if filled]
