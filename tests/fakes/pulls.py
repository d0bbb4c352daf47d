"""The four pulls, as a caller starts them: by which list of which vendor, and how it is read."""

from dataclasses import dataclass
from typing import Any

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.faults import FaultKind, Rule

from tests.fakes.mirrors import NHANH_CUSTOMERS, NHANH_PRODUCTS, SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, Mirror


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull: its RPC, the vendor that it reads and by which calls, the mirror that it fills, and the way it is asked to go."""

    name: str
    rpc: str
    request: type[Any]
    vendor: str
    calls: tuple[str, ...]
    mirror: Mirror
    method: int = pb.PULL_METHOD_UNSPECIFIED

    def __str__(self) -> str:
        """Name it."""
        return self.name

    @property
    def by_bulk(self) -> bool:
        """Whether it goes by a bulk operation."""
        return self.method == pb.PULL_METHOD_BULK

    async def start(self, client: Client, store_id: str, mode: int = pb.PULL_MODE_UNSPECIFIED) -> job_pb2.Job:
        """Start it for a store."""
        more = {"method": self.method} if self.method else {}
        request = self.request(options=pb.StartOptions(store_id=store_id), mode=mode, **more)
        return (await getattr(client.sync, self.rpc)(request)).job

    def fault(self, call: str, kind: FaultKind, store_id: str, **more: Any) -> Rule:
        """Make a rule that hits one of its calls."""
        return Rule(self.vendor, call, kind, store_id, **more)


BULK_CALLS = ("bulkOperations", "bulkOperationRunQuery", "bulkOperation", "bulk/download")
"""An operation is looked for, started, looked at, and its file read."""

TOKEN_CHECK = "app/checkaccesstoken"
"""A FULL pull from Nhanh asks for how long its access token is good."""

TOKEN_GRANT = "oauth/access_token"
"""Before anything is asked of a Shopify shop whose app has no access token of its own."""


def _variants(way: str, calls: tuple[str, ...], method: int) -> Pull:
    request = pb.PullShopifyProductsRequest
    return Pull(f"shopify_products_{way}", "PullShopifyProducts", request, "shopify", calls, SHOPIFY_VARIANTS, method)


def _buyers(way: str, calls: tuple[str, ...], method: int) -> Pull:
    request = pb.PullShopifyCustomersRequest
    return Pull(
        f"shopify_customers_{way}", "PullShopifyCustomers", request, "shopify", calls, SHOPIFY_CUSTOMERS, method
    )


NHANH_PULLS = (
    Pull(
        "nhanh_products",
        "PullNhanhProducts",
        pb.PullNhanhProductsRequest,
        "nhanh",
        ("product/list", TOKEN_CHECK),
        NHANH_PRODUCTS,
    ),
    Pull(
        "nhanh_customers",
        "PullNhanhCustomers",
        pb.PullNhanhCustomersRequest,
        "nhanh",
        ("customer/list", TOKEN_CHECK),
        NHANH_CUSTOMERS,
    ),
)
PAGED_PULLS = (
    _variants("by_pages", ("productVariants",), pb.PULL_METHOD_PAGES),
    _buyers("by_pages", ("customers",), pb.PULL_METHOD_PAGES),
)
BULK_PULLS = (
    _variants("by_bulk", BULK_CALLS, pb.PULL_METHOD_BULK),
    _buyers("by_bulk", BULK_CALLS, pb.PULL_METHOD_BULK),
)
AUTO_PULLS = (
    _variants("as_usual", ("productVariants",), pb.PULL_METHOD_UNSPECIFIED),
    _buyers("as_usual", ("customers",), pb.PULL_METHOD_UNSPECIFIED),
)
"""Those that nobody tells which way to go, by their calls where they are INCREMENTAL."""

PULLS = (*NHANH_PULLS, *PAGED_PULLS, *BULK_PULLS)
"""All four, those from Shopify by either way."""
