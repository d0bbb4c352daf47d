"""Work in parts: as many transactions as it takes, and no more."""

import pytest
from chassis.database import Database
from sqlalchemy import Connection
from sync_worker.adapters.catalog import parts
from sync_worker.adapters.catalog.parts import part_after_part


@pytest.mark.parametrize(
    ("rows", "seen"), [(0, [(2, 0)]), (1, [(2, 0)]), (2, [(2, 0), (2, 2)]), (5, [(2, 0), (2, 2), (2, 4)])]
)
async def test_a_part_that_is_not_full_is_the_last(
    database: Database, monkeypatch: pytest.MonkeyPatch, rows: int, seen: list[tuple[int, int]]
) -> None:
    """Each part is told how much it may do, and how much is done."""
    monkeypatch.setattr(parts, "PART", 2)
    asked: list[tuple[int, int]] = []

    def part(_connection: Connection, limit: int, done: int) -> int:
        asked.append((limit, done))
        return min(limit, rows - done)

    assert await part_after_part(database, part) == rows
    assert asked == seen
