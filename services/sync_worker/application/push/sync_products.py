"""Bulk Sync Products: stock and prices to Shopify."""

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.push_catalog import PushCatalog
from sync_worker.application.ports.shopify import Shopify
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.push.lanes import lanes_of
from sync_worker.application.push.messages import in_words
from sync_worker.application.push.plan_products import ProductPlanner, check_depots
from sync_worker.application.push.push_run import PushRun
from sync_worker.application.push.push_selection import MassGuard, check_selection, push_selection
from sync_worker.application.push.settle_intents import settle_open_intents
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import ProductAspect, SyncProductsRequest
from sync_worker.domain.stock import LocationRule, mapped_rule, single_location_rule

LANES = {ProductAspect.INVENTORY: Lane.INVENTORY, ProductAspect.PRICE: Lane.PRICE}


async def run_sync_products(
    job: JobContext, request: SyncProductsRequest, *, vendors: Vendors, catalog: PushCatalog, clock: Clock
) -> OperationResult:
    """Push stock and prices of the selected mappings.

    Raises:
        GuardTripped: A depot is not granted, locations are not mapped, or too much would become zero.
        VendorFailure, CatalogUnavailable, WorkStopped: The attempt ends; the next goes on where it stopped.
    """
    check_selection(request.selection)
    run = PushRun(job, catalog, clock, dry_run=request.dry_run)
    finished = await run.resume((Entity.PRODUCTS,))
    if finished is not None:
        return finished
    nhanh, shopify = vendors.nhanh(job.store, job.gate), vendors.shopify(job.store, job.gate)
    run.watch(shopify.metrics, nhanh.metrics)
    lanes = lanes_of(shopify)
    await settle_open_intents(run, Entity.PRODUCTS, lanes)
    wanted = frozenset(LANES[aspect] for aspect in request.aspects)
    rule = await location_rule(job, nhanh, shopify) if Lane.INVENTORY in wanted else None
    run.total = run.processed + await catalog.count_selected(run.scope(Entity.PRODUCTS), request.selection)
    planner = ProductPlanner(run, nhanh, rule, lambda _row: wanted, repush=request.repush)
    guard = MassGuard(request.max_drop_percent, request.allow_mass_zero)
    plan = await push_selection(run, request.selection, planner, lanes, guard)
    result: dict[str, JsonValue] = {"dry_run": request.dry_run, "plan": plan.result()}
    if request.dry_run:
        result |= plan.shown()
    return await run.finish(result, in_words(run, "product", "products"))


async def location_rule(job: JobContext, nhanh: Nhanh, shopify: Shopify) -> LocationRule:
    """Find which depots feed which location, before anything is written.

    Raises:
        GuardTripped: DEPOT_NOT_GRANTED, or the locations are not mapped as they must be.
    """
    if not job.store.locations:
        return single_location_rule(await shopify.locations())
    rule = mapped_rule(job.store.locations)
    await check_depots(job, nhanh, rule)
    return rule
