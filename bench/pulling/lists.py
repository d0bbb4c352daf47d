"""The vendor lists that are pulled, and the ways to read them."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2


class Way(StrEnum):
    """How a Shopify list is read."""

    PAGES = "PAGES"
    BULK = "BULK"


class NotOfferedError(Exception):
    """The contract knows no such way of reading."""


@dataclass(frozen=True, slots=True)
class VendorList:
    """One list: the call that pulls it, the table that it fills, and what the sandbox counts its pages as."""

    name: str
    rpc: str
    table: str
    id_column: str
    gid: str = ""
    """What Shopify's ids begin with; empty at Nhanh, whose ids are numbers."""
    counted_as: str = ""
    way: Way | None = None
    with_levels: bool = False
    """Whether its stock levels are read beside it."""

    def __str__(self) -> str:
        name = f"{self.name} with stock levels" if self.with_levels else self.name
        return name if self.way is None else f"{name} {'paged' if self.way is Way.PAGES else 'by bulk'}"

    def read(self, way: Way, *, with_levels: bool = False) -> "VendorList":
        """Give the same list, read in another way."""
        return replace(self, way=way, with_levels=with_levels)

    def request(self, store: str, *, queued: bool = False) -> Any:
        """Make the request that starts a full pull without a filter; `queued`: it waits for one that is in its way.

        Raises:
            NotOfferedError: The contract does not know this way of reading.
        """
        made = getattr(operations_pb2, f"{self.rpc}Request")(
            options=operations_pb2.StartOptions(store_id=store, created_by="bench"),
            mode=operations_pb2.PULL_MODE_FULL,
        )
        if queued:
            made.options.conflict_policy = job_pb2.CONFLICT_POLICY_QUEUE
        if self.way is not None:
            self._choose(made, self.way)
        return made

    async def start(self, client: Client, store: str, *, queued: bool = False) -> job_pb2.Job:
        """Start a full pull without a filter."""
        answer = await getattr(client.sync, self.rpc)(self.request(store, queued=queued))
        job: job_pb2.Job = answer.job
        return job

    @staticmethod
    def _choose(request: Any, way: Way) -> None:
        field = request.DESCRIPTOR.fields_by_name.get("method")
        names = {} if field is None else {name: each.number for name, each in field.enum_type.values_by_name.items()}
        number = next((number for name, number in names.items() if name.endswith(f"_{way}")), None)
        if number is not None:
            request.method = number
        elif way is not Way.PAGES or names:  # pages are all that there is where nothing can be chosen
            raise NotOfferedError(f"the contract offers no pull by {way}")


NHANH_PRODUCTS = VendorList(
    "Nhanh products", "PullNhanhProducts", "nhanh_products", "nhanh_id", counted_as="nhanh product/list"
)
NHANH_CUSTOMERS = VendorList(
    "Nhanh customers", "PullNhanhCustomers", "nhanh_customers", "nhanh_id", counted_as="nhanh customer/list"
)
SHOPIFY_VARIANTS = VendorList(
    "Shopify variants",
    "PullShopifyProducts",
    "shopify_variants",
    "variant_id",
    "gid://shopify/ProductVariant/",
    "shopify productVariants",
)
SHOPIFY_CUSTOMERS = VendorList(
    "Shopify customers",
    "PullShopifyCustomers",
    "shopify_customers",
    "customer_id",
    "gid://shopify/Customer/",
    "shopify customers",
)
