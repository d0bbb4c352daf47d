"""The location rule."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.failures import GuardTripped
from sync_worker.domain.money import SCALE
from sync_worker.domain.products import NhanhStock, ShopifyLocation
from sync_worker.domain.stock import mapped_rule, single_location_rule
from sync_worker.domain.stores import LocationMapping

depots = st.dictionaries(st.integers(1, 8), st.integers(-30 * SCALE, 30 * SCALE))
mapped = st.dictionaries(st.integers(1, 8), st.integers(101, 103), min_size=1)


@given(depots, mapped, st.integers(-30 * SCALE, 30 * SCALE))
def test_sum_of_depots(by_depot: dict[int, int], mappings: dict[int, int], total: int) -> None:
    """Each location holds the floored sum over its own depots, never less than nothing; the total plays no part."""
    rule = mapped_rule([LocationMapping(depot, location) for depot, location in mappings.items()])
    sums: Counter[int] = Counter()
    for depot, location in mappings.items():
        sums[location] += by_depot.get(depot, 0)
    for held in rule.stock(NhanhStock(total, by_depot)):
        amount = sums.pop(held.location_id)
        assert held.quantity == max(amount // SCALE, 0)
        assert held.clamped == (amount < 0)
        assert held.floored == (amount % SCALE != 0)
    assert not sums


@given(mapped, st.one_of(st.none(), st.frozensets(st.integers(1, 8))))
def test_ungranted_depots(mappings: dict[int, int], granted: frozenset[int] | None) -> None:
    """A depot is ungranted when it is mapped and the token, which grants only some, does not grant it."""
    rule = mapped_rule([LocationMapping(depot, location) for depot, location in mappings.items()])
    expected = set() if granted is None else set(mappings) - granted
    assert set(rule.ungranted(granted)) == expected


def test_confirmed_without_stock_is_zero_everywhere() -> None:
    """A product that Nhanh confirmed to have no stock is zero at every mapped location."""
    rule = mapped_rule([LocationMapping(7, 71), LocationMapping(8, 81)])
    assert [(held.location_id, held.quantity) for held in rule.stock(None)] == [(71, 0), (81, 0)]


def test_depot_feeds_one_location() -> None:
    """A depot that feeds two locations would be sold twice."""
    with pytest.raises(GuardTripped, match="depot 7"):
        mapped_rule([LocationMapping(7, 71), LocationMapping(7, 81)])


def test_single_location() -> None:
    """The one active location gets the total; none, or several, are refused."""
    open_shop, closed = ShopifyLocation(71, "Shop", True), ShopifyLocation(81, "Closed", False)
    rule = single_location_rule([closed, open_shop])
    (held,) = rule.stock(NhanhStock(25_000, {9: 25_000}))
    assert (held.location_id, held.quantity, held.floored) == (71, 2, True)
    assert rule.ungranted(frozenset()) == ()
    for locations, code in (([closed], "NO_ACTIVE_LOCATION"), ([open_shop, open_shop], "LOCATIONS_NOT_MAPPED")):
        with pytest.raises(GuardTripped) as refusal:
            single_location_rule(locations)
        assert refusal.value.code == code
