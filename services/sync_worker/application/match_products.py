"""Auto-Match Products: by SKU, then by barcode."""

from sync_worker.application.match_steps import in_database
from sync_worker.application.matching import run_match
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.match_catalog import MatchCatalog
from sync_worker.domain.mappings import Entity
from sync_worker.domain.requests import MatchProductsRequest


async def run_match_products(
    job: JobContext, request: MatchProductsRequest, *, catalog: MatchCatalog
) -> OperationResult:
    """Link Nhanh's items with Shopify's variants where each is the other's only candidate.

    Raises:
        CatalogUnavailable, WorkStopped: The attempt ends; the next goes on where it stopped.
    """
    return await run_match(job, catalog, Entity.PRODUCTS, in_database, dry_run=request.dry_run)
