"""What was asked of a store, and how much of it was refused by a limit."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallCounts:
    """A store's calls by `vendor operation`, such as `nhanh customer/list` or `shopify inventorySetQuantities`."""

    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Refused by a limit of the vendor; faults of the plan are not counted here."""
    faulted: Counter[str] = field(default_factory=Counter)
    """Hit by a fault of the plan."""
    held: Counter[str] = field(default_factory=Counter)
    """Waiting now, held by a fault of the plan."""
    points: float = 0.0
    """Shopify points spent, by actual cost."""

    def as_json(self) -> dict[str, object]:
        """Give the counts as a document."""
        return {
            "answered": dict(self.answered),
            "refused": dict(self.refused),
            "faulted": dict(self.faulted),
            "held": {name: count for name, count in self.held.items() if count},
            "points": self.points,
        }
