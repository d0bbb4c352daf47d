"""Databases that tests hand on to each other: the next one finds nothing of the last."""

from pathlib import Path

import asyncpg
import pytest
from asyncpg import Connection, Record

from tests.fakes.catalog_database import MIGRATIONS
from tests.fakes.postgres import fresh_database

ROW = "INSERT INTO quotas (quota_key, state, change_time) VALUES ('a', '', 0)"


async def left_with(folder: Path, *statements: str) -> str:
    """Use a database and leave it so, and an open transaction at it; its name."""
    with fresh_database("postgresql", folder, MIGRATIONS) as url:
        connection: Connection[Record] = await asyncpg.connect(url)
        name = str(await connection.fetchval("SELECT current_database()"))
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("BEGIN; LOCK TABLE quotas")
    connection.terminate()
    return name


async def test_rows_and_whoever_is_at_it_are_gone(tmp_path: Path) -> None:
    """It is handed on at once, and as empty as a new one."""
    name = await left_with(tmp_path, ROW)
    with fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        connection: Connection[Record] = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT current_database()") == name
        assert await connection.fetchval("SELECT count(*) FROM quotas") == 0
        assert await connection.fetchval("SELECT count(*) FROM catalog_version") == 1
        await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE quotas ADD COLUMN more text",
        "ALTER TABLE quotas ALTER COLUMN state DROP NOT NULL",
        "CREATE INDEX another ON quotas (change_time)",
        "CREATE TABLE another (id int)",
        "CREATE SCHEMA another",
        "CREATE FUNCTION another() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE catalog_version SET version_num = 'x'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
    ],
)
async def test_one_that_was_changed_is_not_handed_on(tmp_path: Path, change: str) -> None:
    """Whatever the change, other than of rows."""
    name = await left_with(tmp_path, change)
    with fresh_database("postgresql", tmp_path, MIGRATIONS) as url:
        assert f"/{name}?" not in url


def test_two_at_once_are_two(tmp_path: Path) -> None:
    """One that is in use is nobody else's."""
    with (
        fresh_database("postgresql", tmp_path, MIGRATIONS) as first,
        fresh_database("postgresql", tmp_path, MIGRATIONS) as second,
    ):
        assert first != second
