"""The calls that start an operation: convert, call, convert."""

from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as asked
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb

from sync_worker.application.start_operation import Starter, start_operation
from sync_worker.domain.operations import Operation
from sync_worker.entrypoints.params import KINDS, params_of
from sync_worker.entrypoints.reading import Reader
from sync_worker.entrypoints.requests import start_options

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in its stubs alone
Answer = TypeVar("Answer", bound=Message)


class StartCalls:
    """Answers the nine calls that start the eleven operations, each with its job."""

    def __init__(self, starter: Starter) -> None:
        self._starter = starter

    async def PullNhanhProducts(  # noqa: N802
        self, request: asked.PullNhanhProductsRequest, _context: Context
    ) -> pb.PullNhanhProductsResponse:
        """Start Pull Nhanh Products."""
        return await self._start(Operation.PULL_NHANH_PRODUCTS, request, pb.PullNhanhProductsResponse)

    async def PullShopifyProducts(  # noqa: N802
        self, request: asked.PullShopifyProductsRequest, _context: Context
    ) -> pb.PullShopifyProductsResponse:
        """Start Pull Shopify Products."""
        return await self._start(Operation.PULL_SHOPIFY_PRODUCTS, request, pb.PullShopifyProductsResponse)

    async def PullNhanhCustomers(  # noqa: N802
        self, request: asked.PullNhanhCustomersRequest, _context: Context
    ) -> pb.PullNhanhCustomersResponse:
        """Start Pull Nhanh Customers."""
        return await self._start(Operation.PULL_NHANH_CUSTOMERS, request, pb.PullNhanhCustomersResponse)

    async def PullShopifyCustomers(  # noqa: N802
        self, request: asked.PullShopifyCustomersRequest, _context: Context
    ) -> pb.PullShopifyCustomersResponse:
        """Start Pull Shopify Customers."""
        return await self._start(Operation.PULL_SHOPIFY_CUSTOMERS, request, pb.PullShopifyCustomersResponse)

    async def SyncProducts(  # noqa: N802
        self, request: asked.SyncProductsRequest, _context: Context
    ) -> pb.SyncProductsResponse:
        """Start Bulk Sync Products."""
        return await self._start(Operation.PRODUCT_SYNC, request, pb.SyncProductsResponse)

    async def SyncCustomers(  # noqa: N802
        self, request: asked.SyncCustomersRequest, _context: Context
    ) -> pb.SyncCustomersResponse:
        """Start Bulk Sync Customers."""
        return await self._start(Operation.CUSTOMER_SYNC, request, pb.SyncCustomersResponse)

    async def AutoMatchProducts(  # noqa: N802
        self, request: asked.AutoMatchProductsRequest, _context: Context
    ) -> pb.AutoMatchProductsResponse:
        """Start Auto-Match Products."""
        return await self._start(Operation.AUTO_MATCH_PRODUCTS, request, pb.AutoMatchProductsResponse)

    async def AutoMatchCustomers(  # noqa: N802
        self, request: asked.AutoMatchCustomersRequest, _context: Context
    ) -> pb.AutoMatchCustomersResponse:
        """Start Auto-Match Customers."""
        return await self._start(Operation.AUTO_MATCH_CUSTOMERS, request, pb.AutoMatchCustomersResponse)

    async def RetryFailed(self, request: asked.RetryFailedRequest, _context: Context) -> pb.RetryFailedResponse:  # noqa: N802
        """Start Retry Failed."""
        return await self._start(Operation.RETRY_FAILED_SYNC, request, pb.RetryFailedResponse)

    async def _start(self, operation: Operation, request: Message, answer: type[Answer]) -> Answer:
        read = Reader(request)
        options = start_options(read)
        wanted = KINDS[operation].read(read)
        read.refuse_faults()
        made = await start_operation(self._starter, operation, options, wanted, params_of(request))
        fields: dict[str, Any] = {"job": job_pb2.Job.FromString(made.message), "created": made.created}
        return answer(**fields)
