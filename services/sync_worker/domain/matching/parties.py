"""What a match knows of the objects on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sync_worker.domain.keys import PHONE_RULES, phone_text
from sync_worker.domain.mappings import Entity, Rule, Side

MAX_LISTED = 10
"""So many candidates and keys are kept with an object that is left alone."""

EMAIL_CONFIDENCE = 0.90
BARCODE_CONFIDENCE = 0.95
SKU_CONFIDENCE = 1.00


class StrongKey(NamedTuple):
    """A strong key as text, where it stood, and how sure it is (0 to 1)."""

    text: str
    rule: Rule
    confidence: float


@dataclass(frozen=True, slots=True)
class Party:
    """A live object of one side. `taken` says that it is mapped already."""

    party_id: int
    strong: Sequence[StrongKey] = ()
    weak: str | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """All live objects of both sides of one store and entity, each side in order of id."""

    nhanh: Sequence[Party]
    shopify: Sequence[Party]

    def side(self, side: Side) -> Sequence[Party]:
        """Give one side's objects."""
        return self.nhanh if side is Side.NHANH else self.shopify


@dataclass(frozen=True, slots=True)
class WeakRule:
    """The rule that a weak key stands for, and how sure it is."""

    rule: Rule
    confidence: float


WEAK_RULES = {
    Entity.PRODUCTS: WeakRule(Rule.BARCODE, BARCODE_CONFIDENCE),
    Entity.CUSTOMERS: WeakRule(Rule.EMAIL, EMAIL_CONFIDENCE),
}

STRENGTH = (Rule.SKU, *PHONE_RULES)
"""Rules of strong keys, the strongest first."""


def opposite(side: Side) -> Side:
    """Name the other side."""
    return Side.SHOPIFY if side is Side.NHANH else Side.NHANH


def phone_strong_key(key: int, rule: Rule, confidence: float) -> StrongKey:
    """Make a strong key of a canonical phone."""
    return StrongKey(phone_text(key), rule, confidence)
