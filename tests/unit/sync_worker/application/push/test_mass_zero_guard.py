"""The guard against a mass of zeros in Bulk Sync Products."""

import asyncio
from dataclasses import replace

import pytest
from sync_worker.domain.failures import GuardTripped, VendorUnavailable
from sync_worker.domain.stores import LocationMapping

from tests.fakes.push_vendors import down, normal
from tests.fakes.push_world import DEPOT, LOCATION, OTHER_DEPOT, OTHER_LOCATION, PushWorld


async def test_mass_zero_guard(world: PushWorld) -> None:
    """More than the allowed share of positive stock is not set to zero, unless that is allowed by name."""
    numbers = range(1, 41)
    await asyncio.gather(*(world.product(n, 0 if n <= 21 else 3, at_shopify=3) for n in numbers))
    await asyncio.gather(*(world.confirm("quantity", 1000 + n, 3, location=LOCATION) for n in numbers))
    with pytest.raises(GuardTripped, match="21 of 40") as refusal:
        await world.sync_products()
    assert refusal.value.code == "MASS_ZERO_GUARD"
    assert world.vendors.shop.writes == []
    done = await world.sync_products(allow_mass_zero=True)
    assert done.progress.metrics["zeroed"] == 21
    assert sum(quantity == 0 for quantity in world.vendors.shop.quantities.values()) == 21


async def test_guard_counts_over_all_attempts(world: PushWorld) -> None:
    """A later attempt that has only the sold-out items left is held against the whole run, not against these alone."""
    numbers = range(1, 281)
    await asyncio.gather(*(world.product(n, 4 if n <= 250 else 0, at_shopify=3) for n in numbers))
    await asyncio.gather(*(world.confirm("quantity", 1000 + n, 3, location=LOCATION) for n in numbers))
    first = world.job()
    world.vendors.shop.troubles = [normal, down]
    with pytest.raises(VendorUnavailable):
        await world.sync_products(job=first)
    done = await world.sync_products(job=world.job(first.job_id, attempt=2))
    assert done.progress.successful == 280
    plan = done.result["plan"]
    assert isinstance(plan, dict)
    assert (plan["items"], plan["positive_before"], plan["set_to_zero"]) == (30, 280, 30)


async def test_guard_sees_what_was_pulled(world: PushWorld) -> None:
    """Before the first push the guard goes by the stock that Shopify was pulled with."""
    await asyncio.gather(*(world.product(number, 0, at_shopify=3) for number in range(1, 21)))
    await asyncio.gather(*(world.catalog_variant(number, 3) for number in range(1, 21)))
    with pytest.raises(GuardTripped, match="20 of 20"):
        await world.sync_products(max_drop_percent=100)
    assert world.vendors.shop.writes == []


async def test_guard_sees_what_each_location_had(world: PushWorld) -> None:
    """What one has sold beyond what it had does not hide that another is emptied."""
    world.store = replace(
        world.store,
        locations=(LocationMapping(DEPOT, LOCATION), LocationMapping(OTHER_DEPOT, OTHER_LOCATION)),
    )
    for number in range(1, 21):
        await world.product(number, 0, other_stock=0)
        await world.confirm("quantity", 1000 + number, -3, location=LOCATION)
        await world.confirm("quantity", 1000 + number, 3, location=OTHER_LOCATION)
    with pytest.raises(GuardTripped, match="20 of 20"):
        await world.sync_products(max_drop_percent=100)
    assert world.vendors.shop.writes == []


async def test_dry_run_tells_of_the_guard(world: PushWorld) -> None:
    """A dry run says that the guard would stop the run."""
    await asyncio.gather(*(world.product(number, 0) for number in range(1, 21)))
    await asyncio.gather(*(world.confirm("quantity", 1000 + n, 3, location=LOCATION) for n in range(1, 21)))
    done = await world.sync_products(dry_run=True)
    assert done.result["plan"]["mass_zero_guard_trips"] is True  # type: ignore[index,call-overload]
