"""Settles writes whose outcome nobody stored, before anything new is planned.

A kill or a lost answer leaves an intent open. A write of quantities that may still be on its way is sent again with
its own key, which Shopify applies at most once; everything else is settled by reading back what Shopify has.
"""

from collections.abc import Mapping, Sequence

from sync_worker.application.ports.push_catalog import Intent, IntentOutcome, Settlement
from sync_worker.application.push.batches import STILL_RUNNING
from sync_worker.application.push.lanes import LaneCalls
from sync_worker.application.push.ledger import confirmed_values, log_lines
from sync_worker.application.push.push_run import PushRun
from sync_worker.domain.failures import VendorRefusal, VendorUnavailable
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import MICROS, Lane

REPEAT_WITHIN_SECONDS = 15 * 60
"""Quantities older than this are read back, not sent again.

Shopify would know the key for 24 hours, but if the first sending never arrived, the repeat is the write: it would then
set a stock of hours ago, over whatever has been sold since. No request is on its way for so long.
"""


async def settle_open_intents(run: PushRun, entity: Entity, lanes: Mapping[Lane, LaneCalls]) -> None:
    """Settle every open write of an entity, whichever job sent it. A dry run writes nothing and leaves them.

    Raises:
        VendorFailure: Shopify did not answer; what is open stays open.
    """
    if run.dry_run:
        return
    run.phase = "settling"
    for intent in await run.catalog.open_intents(run.job.store.store_id, entity):
        run.job.check()
        run.resumed = run.resumed or intent.job_id == run.job.job_id
        age = run.clock.now_micros() - intent.create_time
        settlement = None
        if intent.lane is Lane.INVENTORY and age < REPEAT_WITHIN_SECONDS * MICROS:
            settlement = await _repeat(intent, lanes[intent.lane])
        if settlement is None:
            settlement = await _read_back(run, intent, lanes[intent.lane])
        await run.settle(entity, [], settlement, {"intents_settled": 1})


async def _repeat(intent: Intent, lane: LaneCalls) -> Settlement | None:
    try:
        outcome = await lane.send(intent.entries, intent.idempotency_key)
    except VendorRefusal:
        return None
    if outcome.applied and not outcome.refusals:
        return Settlement(
            intent=(intent.intent_id, IntentOutcome.APPLIED),
            # The first sending may be the one that was applied, so the values are as old as that.
            confirmed=[v for e in intent.entries for v in confirmed_values(e, e.wanted, intent.create_time)],
            log=[line for entry in intent.entries for line in log_lines(entry)],
            log_job_id=intent.job_id,
        )
    refusal = outcome.batch_refusal
    if not outcome.applied and refusal is not None and refusal.code == STILL_RUNNING:
        raise VendorUnavailable("shopify", refusal.code, refusal.message, outcome_unknown=True)
    return None


async def _read_back(run: PushRun, intent: Intent, lane: LaneCalls) -> Settlement:
    readings: Sequence[tuple[int | None, ...] | None] = await lane.read_back(intent.entries)
    now = run.clock.now_micros()
    pairs = list(zip(intent.entries, readings, strict=True))
    return Settlement(
        intent=(intent.intent_id, IntentOutcome.READ_BACK),
        confirmed=[v for e, values in pairs if values is not None for v in confirmed_values(e, values, now)],
        forgotten=[(entry.lane, entry.owner_id) for entry, values in pairs if values is None],
        log=[line for entry, values in pairs if values == entry.wanted for line in log_lines(entry)],
        log_job_id=intent.job_id,
    )
