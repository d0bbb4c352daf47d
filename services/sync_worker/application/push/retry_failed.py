"""Retry Failed: pushes failed mappings again, oldest failure first, through the same code as the bulk syncs."""

from collections.abc import Callable, Mapping

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.push_catalog import PushCatalog, PushRow, RetryChoice
from sync_worker.application.ports.shopify import Shopify
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.push.lanes import LaneCalls, lanes_of
from sync_worker.application.push.messages import in_words
from sync_worker.application.push.plan_customers import CustomerPlanner
from sync_worker.application.push.plan_products import ProductPlanner
from sync_worker.application.push.push_run import PushRun
from sync_worker.application.push.push_selection import SHOWN_CHANGES, MassGuard, Planner, PushPlan, push_selection
from sync_worker.application.push.settle_intents import settle_open_intents
from sync_worker.application.push.sync_products import location_rule
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import Lane
from sync_worker.domain.requests import RetryFailedRequest, Selection

GUARD = MassGuard(max_drop_percent=50, allow_mass_zero=False)
"""A retry never lifts the guard."""


async def run_retry_failed(
    job: JobContext, request: RetryFailedRequest, *, vendors: Vendors, catalog: PushCatalog, clock: Clock
) -> OperationResult:
    """Push failed mappings again.

    Raises:
        GuardTripped: As the bulk syncs say.
        VendorFailure, CatalogUnavailable, WorkStopped: The attempt ends without counting as a try of any item.
    """
    run = PushRun(job, catalog, clock, dry_run=request.dry_run)
    finished = await run.resume(request.entities)
    if finished is not None:
        return finished
    nhanh, shopify = vendors.nhanh(job.store, job.gate), vendors.shopify(job.store, job.gate)
    run.watch(shopify.metrics, nhanh.metrics)
    lanes = lanes_of(shopify)
    for entity in request.entities:
        await settle_open_intents(run, entity, lanes)
    choice = await catalog.choose_retries(
        job.store.store_id,
        request.entities,
        job.job_id,
        max(request.limit - run.processed, 0),
        include_permanent=request.include_permanent,
    )
    run.total = run.processed + sum(len(ids) for ids in choice.mapping_ids.values())
    plans: dict[str, JsonValue] = {}
    changes: list[JsonValue] = []
    total = 0
    for entity, mapping_ids in choice.mapping_ids.items():
        if not mapping_ids:
            continue
        plan = await _retry(run, entity, mapping_ids, nhanh, shopify, lanes, _lanes_to_retry(request))
        plans[entity.value] = plan.result()
        changes.extend(plan.changes)
        total += plan.values
    result: dict[str, JsonValue] = {
        "dry_run": request.dry_run,
        "plan": plans,
        "resting": choice.resting,
        "need_a_person": choice.exhausted,
        "permanent": choice.permanent,
    }
    if request.dry_run:
        result |= {"changes": changes[:SHOWN_CHANGES], "changes_total": total}
    return await run.finish(result, f"{in_words(run, 'item', 'items')}{_left_out(choice)}")


def _left_out(choice: RetryChoice) -> str:
    """Say which failed items were not tried, and why."""
    reasons = {
        "failed again a short while ago": choice.resting,
        "failed so often that a person is needed": choice.exhausted,
        "failed for good": choice.permanent,
    }
    said = [f"{count} {why}" for why, count in reasons.items() if count]
    return f"; not tried: {', '.join(said)}" if said else ""


async def _retry(
    run: PushRun,
    entity: Entity,
    mapping_ids: tuple[str, ...],
    nhanh: Nhanh,
    shopify: Shopify,
    lanes: Mapping[Lane, LaneCalls],
    wanted: Callable[[PushRow], frozenset[Lane]],
) -> PushPlan:
    planner: Planner = CustomerPlanner(run, lanes[Lane.TOTAL_SPENT], repush=True)
    if entity is Entity.PRODUCTS:
        rule = await location_rule(run.job, nhanh, shopify)
        planner = ProductPlanner(run, nhanh, rule, wanted, repush=True)
    return await push_selection(run, Selection(mapping_ids=mapping_ids), planner, lanes, GUARD)


def _lanes_to_retry(request: RetryFailedRequest) -> Callable[[PushRow], frozenset[Lane]]:
    """Retry the writes that failed, those for which time may heal something unless all are asked for."""

    def wanted(row: PushRow) -> frozenset[Lane]:
        return frozenset(lane for lane, retryable in row.failed_lanes.items() if retryable or request.include_permanent)

    return wanted
