"""What a pull counts, and the guard against a vendor that suddenly tells of far less."""

from dataclasses import dataclass

MIN_GONE = 20
"""Fewer rows than this may always go."""

OVERLAP_SECONDS = 600
"""An INCREMENTAL pull goes back so far behind what was covered, for clocks that differ and changes under way."""


@dataclass(frozen=True, slots=True)
class PullCounts:
    """Rows by what storing them meant.

    `gone` are rows that the vendor no longer tells of, `failed` those that it tells of and that cannot be read.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    pages: int = 0
    gone: int = 0
    failed: int = 0

    @property
    def rows(self) -> int:
        """Rows that the vendor told of and that could be read."""
        return self.created + self.updated + self.unchanged

    def __add__(self, other: "PullCounts") -> "PullCounts":
        return PullCounts(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.pages + other.pages,
            self.gone + other.gone,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """Stock levels that a pull was told of, each once; `unreadable` are those among them whose quantity cannot be read."""

    told: int = 0
    unreadable: int = 0

    def __add__(self, other: "LevelCounts") -> "LevelCounts":
        return LevelCounts(self.told + other.told, self.unreadable + other.unreadable)


def too_many_gone(going: int, living: int, max_gone_percent: int) -> bool:
    """Whether marking `going` of `living` rows as gone must not happen without a person."""
    return going >= MIN_GONE and going * 100 > max_gone_percent * living
