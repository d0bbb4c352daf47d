"""The sandbox's world: a few stores with the same rows, each with a state of its own."""

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultPlan
from sandbox.generator.customers import CustomerWriter, forget_times
from sandbox.generator.products import ProductWriter
from sandbox.generator.truth import EntityTruth
from sandbox.history import WriteHistory
from sandbox.nhanh.business import Business, Depot
from sandbox.nhanh.habits import NhanhHabits
from sandbox.options import SandboxOptions
from sandbox.shopify.app_access import AppAccess
from sandbox.shopify.shop import Location, Shop

DEPOTS = {7: "Kho chính", 8: "Kho phụ", 9: "Cửa hàng", 12: "Kho bảo hành"}
GRANTED = {7, 8, 9}
"""The access token does not grant the last depot, so that no answer tells of its stock."""
LOCATIONS = {64_000_000_007: "Main warehouse", 64_000_000_009: "Store", 64_000_000_011: "Pop-up"}
DEPOT_TO_LOCATION = {7: 64_000_000_007, 8: 64_000_000_007, 9: 64_000_000_009}
"""Two depots feed the first location; nothing feeds the last."""
WRITTEN_AT = 1_782_900_000
"""Every row was last changed in the 400 days before this (Unix seconds; 2026-07-01), so that a seed always means the same."""
YEAR = 365 * 86_400


@dataclass(slots=True)
class StoreWorld:
    """One store: both vendors' states, what is true of it, and what was asked of and written to it."""

    store_id: str
    business: Business
    shop: Shop
    products: EntityTruth
    customers: EntityTruth
    clock: Clock
    calls: CallCounts = field(default_factory=CallCounts)
    history: WriteHistory = field(default_factory=WriteHistory)


@dataclass(slots=True)
class World:
    """All stores, the fault plan, and how much slower every answer is (milliseconds)."""

    stores: dict[str, StoreWorld]
    plan: FaultPlan
    clock: Clock
    limits_scale: float | None
    latency_ms: float
    nhanh: NhanhHabits
    seed: int
    prepared: bool = False


def make_world(options: SandboxOptions, clock: Clock) -> World:
    """Make a world from its options: the same options make the same one."""
    with _uncollected():
        stores = {
            store_id: _make_store(store_id, number, options, clock) for number, store_id in enumerate(options.stores, 1)
        }
    return World(
        stores,
        FaultPlan(list(options.faults)),
        clock,
        options.limits_scale,
        options.latency_ms,
        options.nhanh,
        options.seed,
        options.prepared,
    )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile: writing rows leaves none, and every collection would walk all that are written."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _make_store(store_id: str, number: int, options: SandboxOptions, clock: Clock) -> StoreWorld:
    business = Business(
        app_id=100 + number,
        business_id=1_000 + number,
        access_token=f"sandbox-nhanh-{store_id}-{'x' * 128}",
        secret_key=f"sandbox-secret-{store_id}",
        token_expires_at=int(clock.now()) + YEAR,
        depots={depot_id: Depot(depot_id, name) for depot_id, name in DEPOTS.items()},
        granted_depots=set(GRANTED),
    )
    shop = Shop(
        shop=store_id,
        access_token=f"shpat_sandbox_{store_id}",
        locations={location_id: Location(location_id, name) for location_id, name in LOCATIONS.items()},
    )
    shop.app = AppAccess(f"sandbox-app-{number}", f"shpss_sandbox_{store_id}", options.token_seconds)
    shop.bulk.seconds = options.bulk_seconds
    shop.bulk.prepared = {} if options.prepared else None
    products = ProductWriter(Random(f"{options.seed}/products"), business, shop, WRITTEN_AT)  # noqa: S311 - no secret
    products.write(options.products)
    customers = CustomerWriter(Random(f"{options.seed}/customers"), business, shop, WRITTEN_AT)  # noqa: S311 - no secret
    customers.write(options.customers)
    forget_times(business, Random(f"{options.seed}/undated"), options.nhanh.undated)  # noqa: S311 - no secret
    return StoreWorld(store_id, business, shop, products.truth, customers.truth, clock)
