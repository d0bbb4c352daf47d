"""What unfinished pulls have seen and not written."""

from collections.abc import Sequence

from sqlalchemy import Connection

from sync_worker.adapters.catalog.driver_statements import insert_missing, read_by_id
from sync_worker.adapters.catalog.tables import pull_seen


def mark_seen(connection: Connection, pull_id: str, vendor_ids: Sequence[int]) -> int:
    """Keep that a pull has seen rows that it does not write; how many of them it had not seen before."""
    return insert_missing(connection, pull_seen, pull_id, vendor_ids)


def seen_before(connection: Connection, pull_id: str, vendor_ids: Sequence[int]) -> set[int]:
    """Find those of these ids that a pull has seen and had not written then."""
    if not vendor_ids:
        return set()
    found = read_by_id(connection, pull_seen, ("vendor_id",), {"pull_id": pull_id}, "vendor_id", vendor_ids)
    return {vendor_id for (vendor_id,) in found}
