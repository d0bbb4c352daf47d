"""Bulk Sync Customers: total spend to Shopify, from the catalog."""

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.push_catalog import PushCatalog
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.push.lanes import lanes_of
from sync_worker.application.push.messages import in_words
from sync_worker.application.push.plan_customers import CustomerPlanner
from sync_worker.application.push.push_run import PushRun
from sync_worker.application.push.push_selection import MassGuard, check_selection, push_selection
from sync_worker.application.push.settle_intents import settle_open_intents
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import SyncCustomersRequest


async def run_sync_customers(
    job: JobContext, request: SyncCustomersRequest, *, vendors: Vendors, catalog: PushCatalog, clock: Clock
) -> OperationResult:
    """Push the total spend of the selected mappings. An unknown spend is never pushed: its customer is skipped.

    Raises:
        GuardTripped: Too much would become zero.
        VendorFailure, CatalogUnavailable, WorkStopped: The attempt ends; the next goes on where it stopped.
    """
    check_selection(request.selection)
    run = PushRun(job, catalog, clock, dry_run=request.dry_run)
    finished = await run.resume((Entity.CUSTOMERS,))
    if finished is not None:
        return finished
    shopify = vendors.shopify(job.store, job.gate)
    run.watch(shopify.metrics)
    lanes = lanes_of(shopify)
    await settle_open_intents(run, Entity.CUSTOMERS, lanes)
    run.total = run.processed + await catalog.count_selected(run.scope(Entity.CUSTOMERS), request.selection)
    planner = CustomerPlanner(run, lanes[Lane.TOTAL_SPENT], repush=request.repush)
    guard = MassGuard(request.max_drop_percent, request.allow_mass_zero)
    plan = await push_selection(run, request.selection, planner, lanes, guard)
    result: dict[str, JsonValue] = {"dry_run": request.dry_run, "plan": plan.result()}
    if request.dry_run:
        result |= plan.shown()
    return await run.finish(result, in_words(run, "customer", "customers"))
