"""Does again what failed in an earlier job, and nothing else: narrows a push to the items on record as failed.

What must be done again has to be known for certain. Where it cannot be, the attempt fails and says so: to push everything in
place of a few items, or a part of them in place of all, is not what somebody asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.failure_records import FailurePage, FailureRecords
from sync_worker.application.ports.push_catalog import PushCatalog
from sync_worker.application.ports.work_queue import ClaimedJob
from sync_worker.application.push.item_keys import item_key, item_of
from sync_worker.application.refusals import TrackerRefusal, TrackerUnavailable
from sync_worker.application.runner.backoff import Backoff
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.mappings import Entity
from sync_worker.domain.requests import OperationRequest, Selection, SyncCustomersRequest, SyncProductsRequest

log = structlog.get_logger()

GONE = frozenset({"ERROR_REASON_JOB_NOT_FOUND", "ERROR_REASON_JOB_DELETED"})


@dataclass(frozen=True)
class FailedItems:
    """Knows what failed. `uniform` draws a number between its two arguments."""

    records: FailureRecords
    catalog: PushCatalog
    clock: Clock
    uniform: Callable[[float, float], float]

    async def narrowed(self, job: ClaimedJob, request: OperationRequest) -> OperationRequest:
        """Select the failed items of the job that this one repeats, if it asks for those alone; all else stays as it was asked.

        Waits for a JobTracker that is away.

        Raises:
            OperationFailure: RETRY_SCOPE_UNSUPPORTED, RETRIED_JOB_DELETED, FAILED_ITEMS_UNKNOWN, NO_FAILED_ITEMS or
                JOB_TRACKER_REFUSED, none of which time heals; CATALOG_UNAVAILABLE.
        """
        if not job.failed_items_only:
            return request
        match request:
            case SyncProductsRequest():
                return replace(request, selection=await self._selection(job, Entity.PRODUCTS))
            case SyncCustomersRequest():
                return replace(request, selection=await self._selection(job, Entity.CUSTOMERS))
            case _:
                raise _final(
                    "RETRY_SCOPE_UNSUPPORTED",
                    f"{job.type} cannot do its failed items alone again; retry all of the job",
                )

    async def _selection(self, job: ClaimedJob, entity: Entity) -> Selection:
        items = [item for key in await self._failed_keys(job.retry_of_job_id) if (item := item_of(key)) is not None]
        if not items:
            raise _final(
                "NO_FAILED_ITEMS",
                f"job {job.retry_of_job_id} has no failed items on record, so there are none to do again; retry all of it",
            )
        nhanh_ids = [item for item in items if isinstance(item, int)]
        linked = await self.catalog.mapping_ids(job.store_id, entity, nhanh_ids)
        # What is not linked any more is selected by its own name, under which there is no mapping: it fails, and is seen.
        names = [linked.get(item, item_key(item)) if isinstance(item, int) else item for item in items]
        log.info("failed items are done again", retry_of_job_id=job.retry_of_job_id, items=len(names))
        return Selection(mapping_ids=tuple(dict.fromkeys(names)))

    async def _failed_keys(self, job_id: str) -> list[str]:
        """Read the keys of all items that failed in a job, each once."""
        stored = 0
        keys: dict[str, None] = {}
        token = ""
        while True:
            page = await self._page(job_id, token)
            stored += len(page.item_keys)
            keys.update(dict.fromkeys(page.item_keys))
            token = page.next_page
            if not token:
                break
        if page.total > stored:
            raise _final(
                "FAILED_ITEMS_UNKNOWN",
                f"job {job_id} has {page.total:,} item failures, of which {stored:,} are on record: which items failed "
                "is not fully known; retry all of the job",
            )
        return list(keys)

    async def _page(self, job_id: str, token: str) -> FailurePage:
        if not job_id:
            raise _deleted("that this one repeats")
        backoff = Backoff(self.uniform)
        while True:
            try:
                return await self.records.failure_page(job_id, token)
            except TrackerUnavailable as error:
                log.warning("item failures not answered; trying on", error=str(error))
            except TrackerRefusal as refusal:
                if refusal.details.reason in GONE:
                    raise _deleted(job_id) from refusal
                raise _final(
                    "JOB_TRACKER_REFUSED", f"JobTracker does not tell what failed in job {job_id}: {refusal}"
                ) from refusal
            await self.clock.sleep(backoff.next())


def _deleted(which: str) -> OperationFailure:
    return _final(
        "RETRIED_JOB_DELETED",
        f"the job {which} has been deleted, and with it the record of what failed; start the operation again",
    )


def _final(code: str, message: str) -> OperationFailure:
    return OperationFailure(code, message, retryable=False)
