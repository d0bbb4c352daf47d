"""Auto-Match Customers: by phone, then by e-mail. Three strategies, the same verdicts."""

from sync_worker.application.match_steps import Walk, in_batches, in_database, in_memory
from sync_worker.application.matching import run_match
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.match_catalog import MatchCatalog
from sync_worker.domain.mappings import Entity
from sync_worker.domain.operations import Strategy
from sync_worker.domain.requests import MatchCustomersRequest


async def run_match_customers(
    job: JobContext, request: MatchCustomersRequest, *, catalog: MatchCatalog
) -> OperationResult:
    """Link customers where each is the other's only candidate.

    Raises:
        CatalogUnavailable, WorkStopped: The attempt ends; the next goes on where it stopped.
    """
    strategy = request.strategy
    return await run_match(
        job, catalog, Entity.CUSTOMERS, _walk(request), dry_run=request.dry_run, strategy=strategy.value
    )


def _walk(request: MatchCustomersRequest) -> Walk:
    match request.strategy:
        case Strategy.IN_MEMORY:
            return in_memory
        case Strategy.SQL:
            return in_database
        case Strategy.BATCH:
            return in_batches(request.batch_size)
