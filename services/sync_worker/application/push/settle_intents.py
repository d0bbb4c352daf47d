"""Settles writes whose outcome nobody stored, before anything new is planned.

A kill or a lost answer leaves an intent open. It is settled by reading back what Shopify has, never by sending it again:
if the first sending did not arrive, the repeat would be the write, of a value that nobody has checked today.
"""

from collections.abc import Mapping, Sequence

from sync_worker.application.ports.push_catalog import Intent, IntentOutcome, Settlement
from sync_worker.application.push.lanes import LaneCalls
from sync_worker.application.push.ledger import confirmed_values, log_lines
from sync_worker.application.push.push_run import PushRun
from sync_worker.domain.mappings import Entity
from sync_worker.domain.push_plan import Lane

QUIET_SECONDS = 10.0
"""So long nothing is read: what an earlier attempt sent may still be worked on.

Shopify gives up on a request after about ten seconds (https://shopify.dev/docs/api/usage/response-codes, 504).
"""


async def settle_open_intents(run: PushRun, entity: Entity, lanes: Mapping[Lane, LaneCalls]) -> None:
    """Settle every open write of an entity, whichever job sent it. A dry run leaves them.

    Raises:
        VendorFailure: Shopify did not answer; what is open stays open.
    """
    if run.dry_run:
        return
    run.phase = "settling"
    intents = await run.catalog.open_intents(run.job.store.store_id, entity)
    if not intents:
        return
    await run.job.report(run.progress())
    await run.clock.sleep(QUIET_SECONDS)
    for intent in intents:
        run.job.check()
        run.resumed = run.resumed or intent.job_id == run.job.job_id
        await run.settle(entity, [], await _read_back(run, intent, lanes[intent.lane]), {"intents_settled": 1})


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
