"""The guard against emptying a shop: a vendor's bad hour looks just like a sell-out."""

from dataclasses import dataclass

MIN_ZEROED = 20
"""Fewer items than this may always become zero."""


@dataclass(frozen=True, slots=True)
class DropFigures:
    """How many items are known to be positive at Shopify, and how many of them a run sets to zero."""

    positive: int = 0
    zeroed: int = 0

    def __add__(self, other: "DropFigures") -> "DropFigures":
        return DropFigures(self.positive + other.positive, self.zeroed + other.zeroed)

    @property
    def percent(self) -> float:
        """The share of positive items that become zero."""
        return 100 * self.zeroed / self.positive if self.positive else 0.0


def figures_of(before: int | None, after: int) -> DropFigures:
    """Count one item. `before` None: nobody knows what Shopify has, so nothing positive can be lost."""
    positive = before is not None and before > 0
    return DropFigures(int(positive), int(positive and after <= 0))


def trips(figures: DropFigures, max_drop_percent: int, *, allow_mass_zero: bool) -> bool:
    """Whether a run must stop before its first write.

    It does when at least `MIN_ZEROED` items become zero, and they are more than `max_drop_percent` of the positive
    ones or all of them. Only `allow_mass_zero` lifts it: a share of 100 does not.
    """
    if allow_mass_zero or figures.zeroed < MIN_ZEROED:
        return False
    return figures.zeroed * 100 > max_drop_percent * figures.positive or figures.zeroed == figures.positive
