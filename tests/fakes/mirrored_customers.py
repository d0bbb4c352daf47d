"""A catalog of customers in memory, as far as windows of time use it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sync_worker.application.pull.sources import Step
from sync_worker.domain.customers import NhanhCustomer


@dataclass
class MirroredInMemory:
    """A catalog in memory: rows of earlier pulls, what this one has seen, and its place.

    `read_before` says that a pull of the whole list has finished.
    """

    rows: dict[int, NhanhCustomer] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    place: str | None = None
    steps: int = 0
    ended: bool = False
    read_before: bool = True

    async def may_have_undated(self) -> bool:
        """Whether a row has no time, or nobody can know."""
        return not self.read_before or any(not row.updated_at for row in self.rows.values())

    async def unseen(self, after: int, limit: int) -> Sequence[int]:
        """Find what was not seen."""
        return sorted(one for one in self.rows if one > after and one not in self.seen)[:limit]

    def store(self, step: Step) -> None:
        """Keep a step's rows and the place behind them."""
        for row in cast("Sequence[NhanhCustomer]", step.rows):
            self.rows[row.nhanh_id] = row
            self.seen.add(row.nhanh_id)
        self.place = step.place
        self.steps += 1
        self.ended = step.place is None
