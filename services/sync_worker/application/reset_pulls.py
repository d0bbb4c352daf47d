"""ResetPullCheckpoint: the next pull begins anew."""

from collections.abc import Sequence

from sync_worker.application.ports.job_tracker import JobTracker
from sync_worker.application.ports.listings import PullPlaces
from sync_worker.application.refusals import PullRunning
from sync_worker.domain.operations import Operation

PULLS = (
    Operation.PULL_NHANH_PRODUCTS,
    Operation.PULL_SHOPIFY_PRODUCTS,
    Operation.PULL_NHANH_CUSTOMERS,
    Operation.PULL_SHOPIFY_CUSTOMERS,
)


async def reset_pulls(
    store_id: str, operations: Sequence[Operation], *, tracker: JobTracker, places: PullPlaces
) -> int:
    """Clear the places of a store's unfinished pulls; how many there were. Rows stay.

    Raises:
        PullRunning: A pull of one of the operations has not ended, a waiting one included.
        TrackerUnavailable: JobTracker cannot be asked, so nothing is cleared.
    """
    active = await tracker.active_jobs(store_id, operations)
    if active:
        raise PullRunning(active[0])
    return await places.clear(store_id, operations)
