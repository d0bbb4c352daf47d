"""The customer tiers by total spend."""

from enum import StrEnum

from sync_worker.domain.money import SCALE


class Tier(StrEnum):
    """A customer's rank; each begins at its bound, inclusive."""

    MEMBER = "MEMBER"
    SILVER = "SILVER"
    GOLD = "GOLD"
    PLATINUM = "PLATINUM"
    DIAMOND = "DIAMOND"
    BLACK_DIAMOND = "BLACK_DIAMOND"


LOWER_BOUNDS_VND: tuple[tuple[Tier, int], ...] = (
    (Tier.BLACK_DIAMOND, 100_000_000),
    (Tier.DIAMOND, 20_000_000),
    (Tier.PLATINUM, 10_000_000),
    (Tier.GOLD, 6_000_000),
    (Tier.SILVER, 3_000_000),
)
"""Lower bounds in whole VND, highest first; below them all is MEMBER."""


def tier_of(total_spent: int | None) -> Tier | None:
    """Rank a total spend in ten-thousandths of a VND; an unknown spend has no tier."""
    if total_spent is None:
        return None
    for tier, bound in LOWER_BOUNDS_VND:
        if total_spent >= bound * SCALE:
            return tier
    return Tier.MEMBER
