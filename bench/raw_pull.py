"""The limit of a pull: parse the bytes that the vendor sent, and write the rows that a pull made of them, and nothing else.

`python -m bench.raw_pull FOLDER URL` reads FOLDER/answers (one file an answer) and FOLDER/rows.json (by vendor id the rows of
each table, keys and hashes already made), writes them into the empty catalog at URL with the driver's own bulk statements,
and prints how long parsing and writing took. It validates nothing, compares nothing and keeps no place.
"""

import asyncio
import gc
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from chassis.database import open_database

OBJECTS_A_COMMIT = 5_000
MIGRATIONS = Path(__file__).parents[1] / "services" / "sync_worker" / "migrations"

Batch = dict[str, list[tuple[Any, ...]]]


def objects(body: bytes) -> Iterator[dict[str, Any]]:
    """Find the vendor's objects in an answer: Nhanh's page, Shopify's page, or a line each of a bulk result."""
    if body.count(b"\n") > 1:
        yield from map(orjson.loads, body.splitlines())
        return
    data = orjson.loads(body).get("data") or []
    if isinstance(data, list):
        yield from data
        return
    for connection in data.values():
        yield from connection.get("nodes", ()) if isinstance(connection, dict) else ()


async def pull(answers: list[bytes], rows: dict[str, Batch], write: Callable[[Batch], Any]) -> dict[str, float]:
    """Parse everything and write everything; seconds of each, and how many objects were found."""
    found, writing = 0, 0.0
    began, spent = time.perf_counter(), time.process_time()
    batch: Batch = {}
    held = 0

    async def flush() -> float:
        before = time.perf_counter()
        await write(batch)
        batch.clear()
        return time.perf_counter() - before

    for body in answers:
        for each in objects(body):
            made = rows.pop(str(each.get("id")), None)
            if made is None:
                continue  # a parent, another kind of object, or one that was told of before
            for table, of_it in made.items():
                batch.setdefault(table, []).extend(of_it)
            found += 1
            held += 1
            if held == OBJECTS_A_COMMIT:
                writing += await flush()
                held = 0
    writing += await flush()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - spent
    return {"objects": found, "seconds": seconds, "cpu_seconds": cpu_seconds, "write_seconds": writing}


async def into_sqlite(path: str, answers: list[bytes], columns: dict[str, list[str]], rows: Any) -> dict[str, float]:
    """Pull into SQLite, in one thread, with the catalog's own settings of durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    statements = {
        table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our own
        for table, names in columns.items()
    }

    async def write(batch: Batch) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for table, made in batch.items():
            connection.executemany(statements[table], made)
        connection.execute("COMMIT")

    try:
        return await pull(answers, rows, write)
    finally:
        connection.close()


async def into_postgresql(url: str, answers: list[bytes], columns: dict[str, list[str]], rows: Any) -> dict[str, float]:
    """Pull into PostgreSQL with COPY, over one connection."""
    connection = await asyncpg.connect(url)

    async def write(batch: Batch) -> None:
        async with connection.transaction():
            for table, made in batch.items():
                await connection.copy_records_to_table(table, records=made, columns=columns[table])

    try:
        return await pull(answers, rows, write)
    finally:
        await connection.close()


async def pull_into(url: str, answers: list[bytes], columns: dict[str, list[str]], rows: Any) -> dict[str, float]:
    """Pull into either kind of database."""
    if url.startswith("sqlite"):
        return await into_sqlite(url.removeprefix("sqlite:///"), answers, columns, rows)
    return await into_postgresql(url, answers, columns, rows)


async def main(folder: Path, url: str) -> None:
    """Make the schema, read what there is, and only then begin."""
    await (await open_database(url, migrations=MIGRATIONS)).close()
    answers = [path.read_bytes() for path in sorted((folder / "answers").iterdir())]
    kept = orjson.loads((folder / "rows.json").read_bytes())
    rows = {
        vendor_id: {table: [tuple(row) for row in made] for table, made in tables.items()}
        for vendor_id, tables in kept["rows"].items()
    }
    gc.freeze()  # else every collection would walk all that was made ready
    spent = await pull_into(url, answers, kept["columns"], rows)
    print(json.dumps(spent))  # noqa: T201 - this line is the interface


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
