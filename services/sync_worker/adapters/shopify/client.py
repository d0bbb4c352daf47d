"""Shopify's side of the operations: pages, read-backs and batched writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import orjson

from sync_worker.adapters.endless_lists import ListGuard
from sync_worker.adapters.http.port import Http
from sync_worker.adapters.shopify import decode, documents, search
from sync_worker.adapters.shopify.attempts import Attempts
from sync_worker.adapters.shopify.bulk import BulkClient
from sync_worker.adapters.shopify.bulk_download import Download
from sync_worker.adapters.shopify.checking import shop_access
from sync_worker.adapters.shopify.documents import PAGE_ROWS, Document
from sync_worker.adapters.shopify.gid import gid
from sync_worker.adapters.shopify.limiter import CostBucket
from sync_worker.adapters.shopify.session import ShopSession
from sync_worker.adapters.shopify.transport import CALL_SECONDS, Request, Transport
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.shopify import (
    MAX_METAFIELDS,
    MAX_QUANTITIES,
    BatchOutcome,
    PriceChange,
    QuantityChange,
    SpendChange,
    VariantPrice,
)
from sync_worker.application.ports.store_check import ShopifyAccess
from sync_worker.domain.customers import ShopifyCustomer
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.money import unscaled
from sync_worker.domain.products import ShopifyLocation, ShopifyVariant
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter
from sync_worker.domain.stores import ShopifyAccount
from sync_worker.domain.traffic import Traffic

Entry = TypeVar("Entry")

MAX_ENTRIES = 250
"""Shopify takes any array of at most so many elements (limits page)."""

NOTHING_TO_DO = BatchOutcome(True, {})


class ShopifyClient:
    """One store's shop, for one job; bucket and session are shared by all jobs that call this shop, the bucket by all workers."""

    def __init__(
        self,
        account: ShopifyAccount,
        http: Http,
        bucket: CostBucket,
        gate: CallGate,
        clock: Clock,
        uniform: Callable[[float, float], float],
        call_seconds: float = CALL_SECONDS,
        traffic: Traffic = Traffic.BULK,
        *,
        session: ShopSession,
    ) -> None:
        transport = Transport(account, http, bucket, gate, clock, call_seconds, traffic, session)
        self.metrics = transport.metrics
        self._transport = transport
        self._clock = clock
        self._attempts = Attempts(transport, clock, uniform)
        self._guards: dict[bytes, ListGuard] = {}
        download = Download(http, account.base_url, gate, clock, uniform, self.metrics, call_seconds)
        self.bulk = BulkClient(self._attempts, download)

    async def check_access(self) -> ShopifyAccess:
        """Ask what the shop is and what our app may do there."""
        return await shop_access(self._attempts, self._transport, self._clock)

    async def variant_page(self, wanted: ShopifyProductFilter, cursor: str | None) -> Page[ShopifyVariant]:
        """Read a page of variants in order of their ids."""
        variables = {"query": search.variant_query(wanted)}
        rows, after = await self._page(documents.VARIANTS, variables, cursor)
        variants, refused = decode.variants(rows)
        return Page(variants, after, refused)

    async def customer_page(self, wanted: ShopifyCustomerFilter, cursor: str | None) -> Page[ShopifyCustomer]:
        """Read a page of customers in order of their ids; changed ones in order of their change, which is quicker."""
        sort_key = "ID" if wanted.updated_since is None else "UPDATED_AT"
        variables = {"query": search.customer_query(wanted), "sortKey": sort_key}
        rows, after = await self._page(documents.CUSTOMERS, variables, cursor)
        customers, refused = decode.customers(rows)
        return Page(customers, after, refused)

    async def locations(self) -> Sequence[ShopifyLocation]:
        """Read every location, the inactive ones too."""
        found: list[ShopifyLocation] = []
        cursor: str | None = None
        while True:
            rows, cursor = await self._page(documents.LOCATIONS, {}, cursor)
            found.extend(decode.location(row) for row in rows)
            if cursor is None:
                return found

    async def quantities_of(
        self, inventory_item_ids: Sequence[int], location_ids: Sequence[int]
    ) -> Mapping[tuple[int, int], int | None]:
        """Read what is available, in as many requests as one request's cost makes necessary."""
        _bounded(inventory_item_ids, MAX_QUANTITIES)
        found: dict[tuple[int, int], int | None] = {}
        for places in _cut(location_ids, documents.MAX_LOCATIONS):
            document = documents.quantities_document(len(places))
            variables = {f"location{index}": gid("Location", place) for index, place in enumerate(places)}
            for items in _cut(inventory_item_ids, documents.items_at_once(len(places))):
                nodes = await self._nodes(document, "InventoryItem", items, variables)
                for item, node in nodes.items():
                    for index, place in enumerate(places):
                        found[item, place] = decode.available(node, f"level{index}")
        return found

    async def set_quantities(self, changes: Sequence[QuantityChange], idempotency_key: str) -> BatchOutcome:
        """Set quantities; `changeFromQuantity` is always sent, since Shopify demands it, null or not."""
        quantities = [
            {
                "inventoryItemId": gid("InventoryItem", change.inventory_item_id),
                "locationId": gid("Location", change.location_id),
                "quantity": change.quantity,
                "changeFromQuantity": change.change_from,
            }
            for change in _bounded(changes, MAX_QUANTITIES)
        ]
        variables = {
            "input": {"name": "available", "reason": "correction", "quantities": quantities},
            "key": idempotency_key,
        }
        return await self._write(documents.SET_QUANTITIES, variables, len(changes), keyed=True)

    async def spends_of(self, customer_ids: Sequence[int]) -> Mapping[int, int | None]:
        """Read `custom.total_spent`."""
        variables = {"namespace": documents.SPEND_NAMESPACE, "key": documents.SPEND_KEY}
        nodes = await self._nodes(documents.SPENDS, "Customer", _bounded(customer_ids, MAX_ENTRIES), variables)
        return {customer: decode.spend(node) for customer, node in nodes.items()}

    async def set_spends(self, changes: Sequence[SpendChange]) -> BatchOutcome:
        """Set `custom.total_spent`."""
        metafields = [
            {
                "ownerId": gid("Customer", change.customer_id),
                "namespace": documents.SPEND_NAMESPACE,
                "key": documents.SPEND_KEY,
                "type": documents.SPEND_TYPE,
                "value": str(change.total_spent),
            }
            for change in _bounded(changes, MAX_METAFIELDS)
        ]
        return await self._write(documents.SET_SPENDS, {"metafields": metafields}, len(changes))

    async def prices_of(self, variant_ids: Sequence[int]) -> Mapping[int, VariantPrice]:
        """Read prices."""
        nodes = await self._nodes(documents.PRICES, "ProductVariant", _bounded(variant_ids, MAX_ENTRIES), {})
        return {variant: decode.price(node) for variant, node in nodes.items()}

    async def set_prices(self, product_id: int, changes: Sequence[PriceChange]) -> BatchOutcome:
        """Set prices of one product's variants."""
        variants = [
            {
                "id": gid("ProductVariant", change.variant_id),
                "price": _money(change.price),
                "compareAtPrice": None if change.compare_at_price is None else _money(change.compare_at_price),
            }
            for change in _bounded(changes, MAX_ENTRIES)
        ]
        variables = {"productId": gid("Product", product_id), "variants": variants}
        return await self._write(documents.SET_PRICES, variables, len(changes))

    async def _page(
        self, document: Document, variables: Mapping[str, object], cursor: str | None
    ) -> tuple[Sequence[decode.Row], str | None]:
        after = decode.cursor_text(cursor)
        asked = Request(document, {**variables, "first": PAGE_ROWS, "after": after})
        rows, following = decode.page(await self._attempts.read(asked), after)
        guard = self._guards.setdefault(_name_of(document, variables), ListGuard())
        objection = guard.objection(cursor, following, empty=not rows)
        if objection is not None:
            raise MalformedAnswer("shopify", f"Shopify's list {document.root} {objection}")
        return rows, following

    async def _nodes(
        self, document: Document, kind: str, numbers: Sequence[int], variables: Mapping[str, object]
    ) -> dict[int, decode.Row]:
        if not numbers:
            return {}
        ids = [gid(kind, number) for number in numbers]
        listed = await self._attempts.read(Request(document, {**variables, "ids": ids}, len(ids)))
        return decode.nodes(listed, kind, numbers)

    async def _write(
        self, document: Document, variables: Mapping[str, object], entries: int, *, keyed: bool = False
    ) -> BatchOutcome:
        if not entries:
            return NOTHING_TO_DO
        return await self._attempts.write(Request(document, variables, entries, keyed))


def _name_of(document: Document, variables: Mapping[str, object]) -> bytes:
    """Tell lists apart: two of one kind, under other conditions, are two lists."""
    return orjson.dumps([document.root, dict(variables)], option=orjson.OPT_SORT_KEYS)


def _money(amount: int) -> str:
    return format(unscaled(amount), "f")


def _bounded(given: Sequence[Entry], most: int) -> Sequence[Entry]:
    if len(given) > most:
        raise ValueError(f"{len(given)} entries; Shopify takes at most {most} a call")
    return given


def _cut(given: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(given), size):
        yield given[start : start + size]
