"""The four pulls, as a caller starts them: by which list of which vendor, and how it is read."""

from dataclasses import dataclass
from typing import Any

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.faults import FaultKind, Rule

from tests.fakes.pull_truth import NHANH_CUSTOMERS, NHANH_PRODUCTS, SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, Mirror


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull: its RPC, the vendor's list that it reads, the mirror that it fills, and what else it is asked with."""

    name: str
    rpc: str
    request: type[Any]
    vendor: str
    operation: str
    mirror: Mirror
    method: int = pb.PULL_METHOD_UNSPECIFIED

    def __str__(self) -> str:
        """Name it."""
        return self.name

    async def start(self, client: Client, store_id: str) -> job_pb2.Job:
        """Start it for a store."""
        more = {"method": self.method} if self.method else {}
        request = self.request(options=pb.StartOptions(store_id=store_id), **more)
        return (await getattr(client.sync, self.rpc)(request)).job

    def fault(self, kind: FaultKind, store_id: str, **more: Any) -> Rule:
        """Make a rule that hits calls of its list."""
        return Rule(self.vendor, self.operation, kind, store_id, **more)


PULLS = (
    Pull("nhanh_products", "PullNhanhProducts", pb.PullNhanhProductsRequest, "nhanh", "product/list", NHANH_PRODUCTS),
    Pull(
        "nhanh_customers", "PullNhanhCustomers", pb.PullNhanhCustomersRequest, "nhanh", "customer/list", NHANH_CUSTOMERS
    ),
    Pull(
        "shopify_products",
        "PullShopifyProducts",
        pb.PullShopifyProductsRequest,
        "shopify",
        "productVariants",
        SHOPIFY_VARIANTS,
        pb.PULL_METHOD_PAGES,
    ),
    Pull(
        "shopify_customers",
        "PullShopifyCustomers",
        pb.PullShopifyCustomersRequest,
        "shopify",
        "customers",
        SHOPIFY_CUSTOMERS,
        pb.PULL_METHOD_PAGES,
    ),
)
