"""The place of a pull that goes by a bulk operation."""

from dataclasses import asdict, dataclass, replace

import orjson

from sync_worker.application.ports.shopify_bulk import BEGINNING, BulkPosition
from sync_worker.application.pull.sources import unreadable_place


@dataclass(frozen=True, slots=True)
class BulkPlace:
    """Which operation is read, and how far it has been; `read_time` (Unix microseconds) is before it was started."""

    operation_id: int
    read_time: int
    position: BulkPosition = BEGINNING

    def at(self, position: BulkPosition) -> "BulkPlace":
        """Go to another position of the same result."""
        return replace(self, position=position)

    def written(self) -> str:
        """Write the place as the catalog keeps it."""
        return orjson.dumps(
            {"bulk_operation": self.operation_id, "read_time": self.read_time, **asdict(self.position)}
        ).decode()


def is_bulk_place(place: str) -> bool:
    """Whether a place is one of a bulk operation, and not a cursor of Shopify's, which is a JSON string."""
    return isinstance(orjson.loads(place), dict)


def read_place(place: str) -> BulkPlace:
    """Read a place that was written.

    Raises:
        PlaceUseless: It was not written by this release.
    """
    try:
        kept = orjson.loads(place)
        position = BulkPosition(kept["offset"], kept["lines"], kept["roots"])
        return BulkPlace(kept["bulk_operation"], kept["read_time"], position)
    except (KeyError, TypeError, ValueError):
        raise unreadable_place() from None
