"""How far an operation is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of items; `processed` is their sum. Metrics carry the unit in their name."""

    total: int | None = None
    successful: int = 0
    failed: int = 0
    skipped: int = 0
    phase: str = ""
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        """Items that are done with, one way or another."""
        return self.successful + self.failed + self.skipped
