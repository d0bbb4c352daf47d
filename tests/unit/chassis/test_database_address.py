"""Addresses of databases, and what is said of those that cannot be used."""

from pathlib import Path

import pytest
from chassis.database import DatabaseUrlError, dialect_of, sqlite_path
from chassis.database.address import shown

UNUSABLE = [
    "",
    "jobs.db",
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite+pysqlite:///jobs.db",
    "mysql://u:secret@h/d",
    "postgresql+psycopg2://u:secret@h/d",
    "postgres//u:secret@h/d",
    "postgresql://u:secret@h:port/d",
]


@pytest.mark.parametrize("url", UNUSABLE)
def test_other_addresses_are_refused(url: str) -> None:
    """The sentence says what is allowed, and shows no password."""
    with pytest.raises(DatabaseUrlError, match=r"use sqlite:///relative\.db .* or postgresql://user") as refused:
        dialect_of(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", [*UNUSABLE, "postgresql://u:secret@h/d"])
def test_whoever_needs_a_file_takes_no_other(url: str) -> None:
    """A service that keeps its data in SQLite says so."""
    with pytest.raises(DatabaseUrlError, match=r"use sqlite:///relative\.db or sqlite:////absolute\.db$") as refused:
        sqlite_path(url)
    assert "secret" not in str(refused.value)


def test_files_are_relative_or_absolute() -> None:
    """Three slashes are relative, four absolute."""
    assert sqlite_path("sqlite:///jobs.db") == Path("jobs.db")
    assert sqlite_path("sqlite:////var/jobs.db") == Path("/var/jobs.db")
    assert dialect_of("sqlite:///jobs.db") == "sqlite"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://user:secret@db.example:5433/jobs?sslmode=require&password=secret", "jobs at db.example:5433"),
        ("postgresql://user:secret@db.example/jobs", "jobs at db.example"),
        ("postgresql://postgres:@/jobs?host=/run/postgres", "jobs at /run/postgres"),
        ("postgresql://user@", "user at localhost"),
    ],
)
def test_a_server_is_named_without_its_password(url: str, name: str) -> None:
    """A database on PostgreSQL is told by its name and its host, by a name or a folder of sockets."""
    assert dialect_of(url) == "postgresql"
    assert shown(url) == name
