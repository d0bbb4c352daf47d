"""Addresses of databases. They may hold passwords: no message repeats one that it cannot take apart."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from chassis.database.contract import DatabaseUrlError, Dialect

SQLITE = "sqlite:///relative.db or sqlite:////absolute.db"
POSTGRESQL = "postgresql://user:password@host:port/name"


def dialect_of(url: str) -> Dialect:
    """Tell which kind of database an address names.

    Raises:
        DatabaseUrlError: It names none that we can open.
    """
    allowed = f"{SQLITE} or {POSTGRESQL}"
    if _parsed(url, allowed).drivername == "postgresql":
        return "postgresql"
    _sqlite_file(url, allowed)
    return "sqlite"


def sqlite_path(url: str) -> Path:
    """Find the file that a SQLite database's address names.

    Raises:
        DatabaseUrlError: The address is not one of a SQLite file.
    """
    return _sqlite_file(url, SQLITE)


def shown(url: str) -> str:
    """Name a PostgreSQL database in a message: neither password nor options."""
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host") or "localhost"
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.database or parsed.username or 'postgres'} at {host}{port}"


def _sqlite_file(url: str, allowed: str) -> Path:
    parsed = _parsed(url, allowed)
    if parsed.drivername != "sqlite":
        raise DatabaseUrlError(f"{parsed.drivername} is no kind of database that can be used here; use {allowed}")
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUrlError(f"{parsed.render_as_string()!r} names no file; use {allowed}")
    return Path(parsed.database)


def _parsed(url: str, allowed: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUrlError(f"that is not a database address; use {allowed}") from None
