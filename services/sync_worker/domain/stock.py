"""How much of a product each Shopify location is told to have.

A location holds the sum of `available` over the Nhanh depots that feed it. A depot that an answered product does not
list holds none of it; a missing depot is never replaced by the product's total.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_worker.domain.failures import GuardTripped
from sync_worker.domain.money import SCALE
from sync_worker.domain.products import NhanhStock, ShopifyLocation
from sync_worker.domain.stores import LocationMapping


@dataclass(frozen=True, slots=True)
class LocationStock:
    """Whole pieces at a location, and what had to be done to the vendor's figure to get them."""

    location_id: int
    quantity: int
    clamped: bool
    """It was below zero."""
    floored: bool
    """It was not whole."""


@dataclass(frozen=True, slots=True)
class LocationRule:
    """Which depots feed which location; None stands for the product's total, where nothing is mapped."""

    depots_by_location: Mapping[int, tuple[int, ...] | None]

    @property
    def location_ids(self) -> tuple[int, ...]:
        """Every location that is told of stock, in order."""
        return tuple(sorted(self.depots_by_location))

    def ungranted(self, granted: frozenset[int] | None) -> tuple[int, ...]:
        """Find mapped depots that the access token does not grant; None grants every depot."""
        if granted is None:
            return ()
        mapped = {depot for depots in self.depots_by_location.values() for depot in depots or ()}
        return tuple(sorted(mapped - granted))

    def stock(self, stock: NhanhStock | None) -> tuple[LocationStock, ...]:
        """Say what each location holds; None stands for a product that Nhanh confirmed to have no stock."""
        return tuple(
            _whole_pieces(location_id, 0 if stock is None else _sum(stock, self.depots_by_location[location_id]))
            for location_id in self.location_ids
        )


def mapped_rule(mappings: Sequence[LocationMapping]) -> LocationRule:
    """Make the rule of a store whose depots are mapped.

    Raises:
        GuardTripped: DEPOT_MAPPED_TWICE, since its stock would be sold twice.
    """
    depots_by_location: dict[int, list[int]] = defaultdict(list)
    seen: set[int] = set()
    for mapping in mappings:
        if mapping.depot_id in seen:
            raise GuardTripped(
                "DEPOT_MAPPED_TWICE",
                f"Nhanh depot {mapping.depot_id} is mapped more than once, so its stock would be sold twice; "
                "map each depot to one Shopify location.",
            )
        seen.add(mapping.depot_id)
        depots_by_location[mapping.location_id].append(mapping.depot_id)
    return LocationRule({location: tuple(sorted(depots)) for location, depots in depots_by_location.items()})


def single_location_rule(locations: Sequence[ShopifyLocation]) -> LocationRule:
    """Make the rule of a store without mapped depots: its one active location gets each product's total.

    Raises:
        GuardTripped: NO_ACTIVE_LOCATION, or LOCATIONS_NOT_MAPPED where the total could go to several.
    """
    active = sorted((location for location in locations if location.active), key=lambda found: found.location_id)
    if not active:
        raise GuardTripped("NO_ACTIVE_LOCATION", "The Shopify shop has no active location, so stock can go nowhere.")
    if len(active) > 1:
        names = ", ".join(f"{location.name} ({location.location_id})" for location in active[:5])
        raise GuardTripped(
            "LOCATIONS_NOT_MAPPED",
            f"The Shopify shop has {len(active)} active locations ({names}) and no Nhanh depot is mapped to any; "
            "map depots to locations in the stores file.",
        )
    return LocationRule({active[0].location_id: None})


def _sum(stock: NhanhStock, depots: tuple[int, ...] | None) -> int:
    if depots is None:
        return stock.available
    return sum(stock.by_depot.get(depot, 0) for depot in depots)


def _whole_pieces(location_id: int, amount: int) -> LocationStock:
    pieces, rest = divmod(amount, SCALE)  # floors towards minus infinity
    return LocationStock(location_id, max(pieces, 0), clamped=amount < 0, floored=rest != 0)
