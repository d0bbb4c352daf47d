"""The demo's story: which operation runs on which store, in which order, and which faults the sandbox is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nhanhsync.client import Client
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as operations

Start = Callable[[Client], Awaitable[job_pb2.Job]]

MAIN, SECOND, THIRD = "hanoi", "danang", "saigon"
STORES = (MAIN, SECOND, THIRD)
FAULTY_ITEMS = 5
"""So many products and so many customers are made to fail in the two syncs, and heal before the retry."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on one store. Steps of one stage run side by side."""

    label: str
    store: str
    start: Start


def stages() -> tuple[tuple[Step, ...], ...]:
    """Give the whole story: pulls, matches, two syncs of which some items fail, and the retry that heals them."""
    return (
        (
            Step("Pull Nhanh Products", MAIN, _pull_nhanh_products),
            Step("Pull Shopify Products", MAIN, _pull_shopify_products),
            *(Step("Pull Nhanh Customers", store, _pull_nhanh_customers(store)) for store in STORES),
            *(Step("Pull Shopify Customers", store, _pull_shopify_customers(store)) for store in STORES),
        ),
        (
            Step("Auto Match Products", MAIN, _match_products),
            Step("Auto Match Customers", MAIN, _match_customers(MAIN, operations.CUSTOMER_MATCH_STRATEGY_IN_MEMORY)),
            Step("Auto Match SQL", SECOND, _match_customers(SECOND, operations.CUSTOMER_MATCH_STRATEGY_SQL)),
            Step("Auto Match Batch", THIRD, _match_customers(THIRD, operations.CUSTOMER_MATCH_STRATEGY_BATCH)),
        ),
        (
            Step("Product Sync", MAIN, _sync_products),
            Step("Customer Sync", MAIN, _sync_customers),
        ),
        (Step("Retry Failed Sync", MAIN, _retry_failed),),
    )


def faults(product_items: list[str], customers: list[str]) -> list[dict[str, object]]:
    """Plan that these inventory items and customers are refused in every write until the plan is cleared."""
    common: dict[str, object] = {"vendor": "shopify", "store": MAIN, "kind": "bad_item", "times": -1}
    return [
        common
        | {
            "operation": "inventorySetQuantities",
            "item": item,
            "code": "CHANGE_FROM_QUANTITY_STALE",
            "message": "The changeFromQuantity value does not match persisted value.",
        }
        for item in product_items
    ] + [
        common
        | {
            "operation": "metafieldsSet",
            "item": customer,
            "code": "INTERNAL_ERROR",
            "message": "An internal error occurred.",
        }
        for customer in customers
    ]


def _options(store: str) -> operations.StartOptions:
    return operations.StartOptions(store_id=store, created_by="demo")


def _selection() -> operations.MappingSelection:
    return operations.MappingSelection(statuses=operations.MappingStatuses())


async def _pull_nhanh_products(client: Client) -> job_pb2.Job:
    request = operations.PullNhanhProductsRequest(options=_options(MAIN))
    return (await client.sync.PullNhanhProducts(request)).job


async def _pull_shopify_products(client: Client) -> job_pb2.Job:
    request = operations.PullShopifyProductsRequest(options=_options(MAIN))
    return (await client.sync.PullShopifyProducts(request)).job


def _pull_nhanh_customers(store: str) -> Start:
    async def start(client: Client) -> job_pb2.Job:
        request = operations.PullNhanhCustomersRequest(options=_options(store))
        return (await client.sync.PullNhanhCustomers(request)).job

    return start


def _pull_shopify_customers(store: str) -> Start:
    async def start(client: Client) -> job_pb2.Job:
        request = operations.PullShopifyCustomersRequest(options=_options(store))
        return (await client.sync.PullShopifyCustomers(request)).job

    return start


async def _match_products(client: Client) -> job_pb2.Job:
    return (await client.sync.AutoMatchProducts(operations.AutoMatchProductsRequest(options=_options(MAIN)))).job


def _match_customers(store: str, strategy: operations.CustomerMatchStrategy.ValueType) -> Start:
    async def start(client: Client) -> job_pb2.Job:
        request = operations.AutoMatchCustomersRequest(options=_options(store), strategy=strategy)
        return (await client.sync.AutoMatchCustomers(request)).job

    return start


async def _sync_products(client: Client) -> job_pb2.Job:
    request = operations.SyncProductsRequest(options=_options(MAIN), selection=_selection())
    return (await client.sync.SyncProducts(request)).job


async def _sync_customers(client: Client) -> job_pb2.Job:
    request = operations.SyncCustomersRequest(options=_options(MAIN), selection=_selection())
    return (await client.sync.SyncCustomers(request)).job


async def _retry_failed(client: Client) -> job_pb2.Job:
    return (await client.sync.RetryFailed(operations.RetryFailedRequest(options=_options(MAIN)))).job
