"""Both vendors in memory, as pushes meet them: Shopify keeps keys, compares before it writes, and can be made to fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.nhanh import MAX_IDS, NhanhAccess, ProductAnswer, StockAnswer
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.shopify import (
    MAX_METAFIELDS,
    MAX_QUANTITIES,
    BatchOutcome,
    ItemRefusal,
    PriceChange,
    QuantityChange,
    SpendChange,
    VariantPrice,
)
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.customers import NhanhCustomer, ShopifyCustomer
from sync_worker.domain.failures import VendorRefusal, VendorUnavailable
from sync_worker.domain.products import NhanhProduct, NhanhStock, ShopifyLocation, ShopifyVariant
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)
from sync_worker.domain.stores import Store

STALE = ItemRefusal("CHANGE_FROM_QUANTITY_STALE", "The quantity has changed.", retryable=True)
UNKNOWN_ITEM = ItemRefusal("INVALID_INVENTORY_ITEM", "The item could not be found.", retryable=False)
NO_OWNER = ItemRefusal("INVALID", "Owner does not exist.", retryable=False)

Trouble = Callable[[Callable[[], BatchOutcome]], BatchOutcome]
"""What goes wrong with one write: it is handed the write itself, and may run it."""


class Killed(BaseException):
    """The worker's process ended here, as by kill -9."""


def lost_after(apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """The write is applied, and its answer lost."""
    apply()
    raise VendorUnavailable("shopify", "TIMEOUT", "no answer came", outcome_unknown=True)


def lost_before(_apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """The write is lost on its way, which nobody can know."""
    raise VendorUnavailable("shopify", "TIMEOUT", "no answer came", outcome_unknown=True)


def down(_apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """Shopify is known not to have taken the write."""
    raise VendorUnavailable("shopify", "HTTP_503", "Shopify is not available")


def refused_whole(_apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """Shopify refuses the request as such."""
    raise VendorRefusal("shopify", "INVALID_VARIABLE", "A variable is invalid.")


def killed_after(apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """The write is applied, and our process dies before it hears of it."""
    apply()
    raise Killed


def killed_before(_apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """Our process dies before the write leaves."""
    raise Killed


def normal(apply: Callable[[], BatchOutcome]) -> BatchOutcome:
    """Nothing goes wrong."""
    return apply()


@dataclass
class ShopInMemory:
    """A Shopify shop. `refusals` and `silent_refusals` hold item, variant or customer ids that it does not take."""

    quantities: dict[tuple[int, int], int | None] = field(default_factory=dict)
    prices: dict[int, VariantPrice] = field(default_factory=dict)
    spends: dict[int, int | None] = field(default_factory=dict)
    shop_locations: list[ShopifyLocation] = field(default_factory=list)
    refusals: dict[int, ItemRefusal] = field(default_factory=dict)
    silent_refusals: dict[int, ItemRefusal] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    before_write: Callable[[], None] = lambda: None
    keys: dict[str, tuple[tuple[QuantityChange, ...], BatchOutcome]] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    writes: list[tuple[str, int, int | None]] = field(default_factory=list)
    metrics: VendorMetrics = field(default_factory=VendorMetrics)

    async def variant_page(self, wanted: ShopifyProductFilter, cursor: str | None) -> Page[ShopifyVariant]:
        """Pushes never list variants."""
        raise AssertionError("a push lists no variants")

    async def customer_page(self, wanted: ShopifyCustomerFilter, cursor: str | None) -> Page[ShopifyCustomer]:
        """Pushes never list customers."""
        raise AssertionError("a push lists no customers")

    async def locations(self) -> Sequence[ShopifyLocation]:
        """Every location."""
        return self.shop_locations

    async def quantities_of(
        self, inventory_item_ids: Sequence[int], location_ids: Sequence[int]
    ) -> Mapping[tuple[int, int], int | None]:
        """What is available."""
        self._called("quantities_of", len(inventory_item_ids))
        known = {item for item, _ in self.quantities}
        return {
            (item, location): self.quantities.get((item, location))
            for item in inventory_item_ids
            if item in known
            for location in location_ids
        }

    async def set_quantities(self, changes: Sequence[QuantityChange], idempotency_key: str) -> BatchOutcome:
        """Set all or none; the same key with the same changes gives the first answer again."""
        assert len(changes) <= MAX_QUANTITIES
        self._called("set_quantities", len(changes))
        self.before_write()

        def apply() -> BatchOutcome:
            if idempotency_key in self.keys:
                known, outcome = self.keys[idempotency_key]
                assert known == tuple(changes), "the same key came with other changes"
                return outcome
            outcome = self._outcome([change.inventory_item_id for change in changes], self._quantity_faults(changes))
            if outcome.applied:
                for change in changes:
                    self.quantities[change.inventory_item_id, change.location_id] = change.quantity
                    self.writes.append(("quantity", change.inventory_item_id, change.quantity))
            self.keys[idempotency_key] = (tuple(changes), outcome)
            return outcome

        return self._trouble()(apply)

    async def spends_of(self, customer_ids: Sequence[int]) -> Mapping[int, int | None]:
        """Spends of customers that exist."""
        self._called("spends_of", len(customer_ids))
        return {customer: self.spends[customer] for customer in customer_ids if customer in self.spends}

    async def set_spends(self, changes: Sequence[SpendChange]) -> BatchOutcome:
        """Set all or none."""
        assert len(changes) <= MAX_METAFIELDS
        self._called("set_spends", len(changes))

        def apply() -> BatchOutcome:
            gone = {i: NO_OWNER for i, change in enumerate(changes) if change.customer_id not in self.spends}
            outcome = self._outcome([change.customer_id for change in changes], gone)
            if outcome.applied:
                for change in changes:
                    self.spends[change.customer_id] = change.total_spent
                    self.writes.append(("total_spent", change.customer_id, change.total_spent))
            return outcome

        return self._trouble()(apply)

    async def prices_of(self, variant_ids: Sequence[int]) -> Mapping[int, VariantPrice]:
        """Prices of variants that exist."""
        self._called("prices_of", len(variant_ids))
        return {variant: self.prices[variant] for variant in variant_ids if variant in self.prices}

    async def set_prices(self, product_id: int, changes: Sequence[PriceChange]) -> BatchOutcome:
        """Set all or none."""
        self._called(f"set_prices {product_id}", len(changes))

        def apply() -> BatchOutcome:
            gone = {
                i: ItemRefusal("PRODUCT_VARIANT_DOES_NOT_EXIST", "Variant does not exist", retryable=False)
                for i, change in enumerate(changes)
                if change.variant_id not in self.prices
            }
            outcome = self._outcome([change.variant_id for change in changes], gone)
            if outcome.applied:
                for change in changes:
                    self.prices[change.variant_id] = VariantPrice(change.price, change.compare_at_price)
                    self.writes.append(("price", change.variant_id, change.price))
            return outcome

        return self._trouble()(apply)

    def calls_of(self, name: str) -> list[int]:
        """The sizes of the calls of a kind, in order."""
        return [size for called, size in self.calls if called.split()[0] == name]

    def _called(self, name: str, size: int) -> None:
        self.calls.append((name, size))
        self.metrics.api_calls += 1
        self.metrics.api_points += 10

    def _trouble(self) -> Trouble:
        return self.troubles.pop(0) if self.troubles else normal

    def _quantity_faults(self, changes: Sequence[QuantityChange]) -> dict[int, ItemRefusal]:
        faults = {}
        known = {item for item, _ in self.quantities}
        for index, change in enumerate(changes):
            if change.inventory_item_id not in known:
                faults[index] = UNKNOWN_ITEM
            elif change.change_from not in {
                None,
                self.quantities.get((change.inventory_item_id, change.location_id)),
            }:
                faults[index] = STALE
        return faults

    def _outcome(self, ids: Sequence[int], faults: Mapping[int, ItemRefusal]) -> BatchOutcome:
        named = {**faults, **{i: self.refusals[each] for i, each in enumerate(ids) if each in self.refusals}}
        if named:
            return BatchOutcome(False, named)
        silent = [self.silent_refusals[each] for each in ids if each in self.silent_refusals]
        return BatchOutcome(False, {}, silent[0]) if silent else BatchOutcome(True, {})


@dataclass
class BusinessInMemory:
    """A Nhanh business: `stock` answers `product/inventory`, `products` answers `product/list`.

    What is in `unreadable_stock` or `unreadable_products` cannot be read there, and why.
    """

    stock: dict[int, NhanhStock] = field(default_factory=dict)
    products: dict[int, NhanhProduct] = field(default_factory=dict)
    unreadable_stock: dict[int, str] = field(default_factory=dict)
    unreadable_products: dict[int, str] = field(default_factory=dict)
    depot_ids: frozenset[int] | None = None
    failures: list[Exception] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)
    metrics: VendorMetrics = field(default_factory=VendorMetrics)

    async def check_access(self) -> NhanhAccess:
        """Grants `depot_ids`."""
        self._called("check_access", 0)
        return NhanhAccess(None, self.depot_ids)

    async def product_page(self, wanted: NhanhProductFilter, cursor: str | None) -> Page[NhanhProduct]:
        """Pushes never list products."""
        raise AssertionError("a push lists no products")

    async def customer_page(self, wanted: NhanhCustomerFilter, cursor: str | None) -> Page[NhanhCustomer]:
        """Pushes never list customers."""
        raise AssertionError("a push lists no customers")

    async def stock_of(self, nhanh_ids: Sequence[int]) -> StockAnswer:
        """Stock of items that have a stock record."""
        assert len(nhanh_ids) <= MAX_IDS
        self._called("stock_of", len(nhanh_ids))
        refused = {one: self.unreadable_stock[one] for one in nhanh_ids if one in self.unreadable_stock}
        return StockAnswer({one: self.stock[one] for one in nhanh_ids if one in self.stock.keys() - refused}, refused)

    async def products_by_id(self, nhanh_ids: Sequence[int]) -> ProductAnswer:
        """Items that exist."""
        assert len(nhanh_ids) <= MAX_IDS
        self._called("products_by_id", len(nhanh_ids))
        refused = {one: self.unreadable_products[one] for one in nhanh_ids if one in self.unreadable_products}
        known = self.products.keys() - refused
        return ProductAnswer({one: self.products[one] for one in nhanh_ids if one in known}, refused)

    def _called(self, name: str, size: int) -> None:
        self.calls.append((name, size))
        self.metrics.api_calls += 1
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class VendorsInMemory:
    """Opens one business and one shop, whatever the store."""

    business: BusinessInMemory = field(default_factory=BusinessInMemory)
    shop: ShopInMemory = field(default_factory=ShopInMemory)

    def nhanh(self, store: Store, gate: CallGate) -> BusinessInMemory:
        """Open the business; each job counts its own calls."""
        self.business.metrics = VendorMetrics()
        return self.business

    def shopify(self, store: Store, gate: CallGate) -> ShopInMemory:
        """Open the shop; each job counts its own calls."""
        self.shop.metrics = VendorMetrics()
        return self.shop
