"""What is true of a store: who belongs together, and what each push must lead to."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class EntityTruth:
    """Pairs of (Nhanh id, Shopify id).

    Every pair that is in neither list must not be linked; the lists of ids name those that are in none.
    """

    must_link: list[tuple[int, int]] = field(default_factory=list)
    link_or_review: list[tuple[int, int]] = field(default_factory=list)
    must_not_link_nhanh: list[int] = field(default_factory=list)
    must_not_link_shopify: list[int] = field(default_factory=list)
