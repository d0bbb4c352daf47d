"""A world is made from its options alone."""

import gc

from sandbox.expectations import truth_document
from sandbox.options import SandboxOptions
from sandbox.shopify.state import prices, quantities
from sandbox.world import DEPOT_TO_LOCATION, World, make_world

from tests.fakes.clock import SandboxClock
from tests.unit.sandbox.conftest import StoreMaker


def a_world(seed: int = 1) -> World:
    """Make a world of two stores."""
    return make_world(SandboxOptions(products=40, customers=80, seed=seed, stores=("a", "b")), SandboxClock())


def test_the_same_seed_makes_the_same_rows_and_truth() -> None:
    """Both vendors' rows, the stock and the truth are equal, row by row."""
    for name in ("a", "b"):
        one, other = a_world().stores[name], a_world().stores[name]
        assert dict(one.business.products) == dict(other.business.products)
        assert dict(one.business.customers) == dict(other.business.customers)
        assert dict(one.business.stock) == dict(other.business.stock)
        assert dict(one.shop.products) == dict(other.shop.products)
        assert dict(one.shop.variants) == dict(other.shop.variants)
        assert dict(one.shop.customers) == dict(other.shop.customers)
        assert truth_document(one) == truth_document(other)


def test_another_seed_makes_other_rows() -> None:
    """A seed is what rows depend on."""
    one, other = a_world(1).stores["a"], a_world(2).stores["a"]
    assert dict(one.business.customers) != dict(other.business.customers)
    assert one.products.must_link != other.products.must_link


def test_stores_have_the_same_rows_and_a_state_of_their_own() -> None:
    """What is written to one store is not seen in the other; accounts and tokens differ."""
    world = a_world()
    a, b = world.stores["a"], world.stores["b"]
    assert quantities(a.shop) == quantities(b.shop)
    assert prices(a.shop) == prices(b.shop)
    next(iter(a.shop.variants.values())).quantities[64_000_000_007] = 12_345
    next(iter(a.business.customers.values()))["name"] = "Another"
    assert quantities(a.shop) != quantities(b.shop)
    assert dict(a.business.customers) != dict(b.business.customers)
    assert a.business.access_token != b.business.access_token
    assert a.shop.access_token != b.shop.access_token
    assert (a.business.app_id, a.business.business_id) != (b.business.app_id, b.business.business_id)


def test_more_customers_leave_products_as_they_are(make_store: StoreMaker) -> None:
    """Products and customers are drawn apart, so that one count does not change the other's rows."""
    assert dict(make_store(customers=5).business.products) == dict(make_store(customers=50).business.products)
    assert dict(make_store(products=5).shop.customers) == dict(make_store(products=50).shop.customers)


def test_depots_that_feed_a_location_are_granted(make_store: StoreMaker) -> None:
    """The token grants every depot that a location is fed by, and not every depot that the business has."""
    business = make_store().business
    assert business.granted_depots is not None
    assert business.granted_depots >= DEPOT_TO_LOCATION.keys()
    assert business.granted_depots < business.depots.keys()


def test_making_a_world_leaves_the_collection_of_garbage_as_it_was() -> None:
    """It pauses it only meanwhile, and does not begin it for whoever has it off."""
    assert gc.isenabled()
    a_world()
    assert gc.isenabled()
    gc.disable()
    try:
        a_world()
        assert not gc.isenabled()
    finally:
        gc.enable()
