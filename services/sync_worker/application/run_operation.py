"""Which use case does the work of which operation."""

from dataclasses import dataclass

from sync_worker.application.match_customers import run_match_customers
from sync_worker.application.match_products import run_match_products
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.match_catalog import MatchCatalog
from sync_worker.application.ports.pull_catalog import PullCatalog
from sync_worker.application.ports.push_catalog import PushCatalog
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.pull.run_pull import run_pull
from sync_worker.application.pull.token_warning import with_token_warning
from sync_worker.application.push.retry_failed import run_retry_failed
from sync_worker.application.push.sync_customers import run_sync_customers
from sync_worker.application.push.sync_products import run_sync_products
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import (
    MatchCustomersRequest,
    MatchProductsRequest,
    OperationRequest,
    PullRequest,
    RetryFailedRequest,
    SyncCustomersRequest,
    SyncProductsRequest,
)


@dataclass(frozen=True)
class Operations:
    """The eleven operations on one catalog."""

    pulls: PullCatalog
    matches: MatchCatalog
    pushes: PushCatalog
    clock: Clock

    async def __call__(
        self, job: JobContext, operation: Operation, request: OperationRequest, vendors: Vendors
    ) -> OperationResult:
        """Do the work of a job; the request's class says which use case it is for."""
        clock = self.clock
        match request:
            case PullRequest():
                pull = run_pull(job, request, operation=operation, vendors=vendors, catalog=self.pulls, clock=clock)
                return await with_token_warning(job, request, pull, vendors=vendors, clock=clock)
            case MatchProductsRequest():
                return await run_match_products(job, request, catalog=self.matches)
            case MatchCustomersRequest():
                return await run_match_customers(job, request, catalog=self.matches)
            case SyncProductsRequest():
                return await run_sync_products(job, request, vendors=vendors, catalog=self.pushes, clock=clock)
            case SyncCustomersRequest():
                return await run_sync_customers(job, request, vendors=vendors, catalog=self.pushes, clock=clock)
            case RetryFailedRequest():
                return await run_retry_failed(job, request, vendors=vendors, catalog=self.pushes, clock=clock)
