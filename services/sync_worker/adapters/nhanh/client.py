"""One store's Nhanh business, for one job."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import orjson

from sync_worker.adapters.endless_lists import EmptyPageGuard
from sync_worker.adapters.http.port import Http
from sync_worker.adapters.nhanh import decode
from sync_worker.adapters.nhanh.envelope import VENDOR, Json
from sync_worker.adapters.nhanh.limiter import SlidingWindow
from sync_worker.adapters.nhanh.transport import CALL_SECONDS, NhanhTransport
from sync_worker.adapters.nhanh.walks import Walk
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.nhanh import MAX_IDS, NhanhAccess, ProductAnswer, StockAnswer
from sync_worker.application.ports.pages import Page, RowRefusal
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import AccessRefused, MalformedAnswer
from sync_worker.domain.products import NhanhProduct, NhanhStock
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter
from sync_worker.domain.stores import NhanhAccount
from sync_worker.domain.traffic import Traffic

PRODUCTS = "product/list"
INVENTORY = "product/inventory"
CUSTOMERS = "customer/list"
ACCESS = "app/checkaccesstoken"

Found = TypeVar("Found")

SELLABLE = 3
"""`gpid` of children and standalone products."""

MOST_FRUITLESS_PAGES = 10
"""Reading by id comes to an end: a list of at most a hundred rows has no more pages than this without one of them."""

EVERY_STATUS = (1, 2, 3, 4)
"""New, on sale, stopped, out of stock. Asked for by name, since Nhanh does not say which it shows unasked."""


class NhanhClient:
    """`Nhanh` over HTTP. `windows` finds the limiter of a path.

    `depots_matter` says that stock is sold by depot: then stock that is there and in no depot is refused, since every depot
    would count as empty.
    """

    def __init__(
        self,
        account: NhanhAccount,
        http: Http,
        windows: Callable[[str], SlidingWindow],
        gate: CallGate,
        clock: Clock,
        uniform: Callable[[float, float], float],
        *,
        depots_matter: bool,
        traffic: Traffic = Traffic.BULK,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._account = account
        self._transport = NhanhTransport(
            account, http, windows, gate, clock, uniform, traffic=traffic, call_seconds=call_seconds
        )
        self.metrics: VendorMetrics = self._transport.metrics
        self._depots_matter = depots_matter
        self._walks: dict[NhanhProductFilter | NhanhCustomerFilter, Walk] = {}

    async def check_access(self) -> NhanhAccess:
        """Ask what the token grants; see `Nhanh`."""
        if self._account.secret_key is None:
            message = (
                "Nhanh tells what the access token grants only to those who know the app's secret key; name it by "
                "secret_key_env or secret_key_file in the store's [stores.nhanh] of the stores file"
            )
            raise AccessRefused(VENDOR, "SECRET_KEY_MISSING", message)
        body = orjson.dumps({"secretKey": self._account.secret_key})
        return decode.access((await self._transport.call(ACCESS, body)).data)

    async def product_page(self, wanted: NhanhProductFilter, cursor: str | None) -> Page[NhanhProduct]:
        """Read a page of sellable items in order of id; see `Nhanh`."""
        walk = self._walks.setdefault(wanted, self._by_id(PRODUCTS, _product_filters(wanted)))
        data, following = await walk.page(cursor)
        rows, refused = decode.products(data)
        return Page(rows, following, refused)

    async def customer_page(self, wanted: NhanhCustomerFilter, cursor: str | None) -> Page[NhanhCustomer]:
        """Read a page of customers, in Nhanh's own order: none can be asked for. See `Nhanh`."""
        walk = self._walks.setdefault(wanted, Walk(self._transport, CUSTOMERS, _customer_filters(wanted), None))
        data, following = await walk.page(cursor)
        if following is None:
            self._walks.pop(wanted, None)  # a pull in windows of time walks many lists
        rows, refused = decode.customers(data)
        return Page(rows, following, refused)

    async def customers_by_id(self, nhanh_ids: Sequence[int]) -> Page[NhanhCustomer]:
        """Read customers of any type; see `Nhanh`."""
        found: dict[int, NhanhCustomer] = {}
        refused: dict[int, RowRefusal] = {}

        def keep(data: Json) -> Iterable[int]:
            rows, unreadable = decode.customers(data)
            found.update((row.nhanh_id, row) for row in rows)
            refused.update((row.vendor_id, row) for row in unreadable)
            return [*found, *refused]

        await self._read_ids(Walk(self._transport, CUSTOMERS, {"ids": list(nhanh_ids)}, None), nhanh_ids, keep)
        unreadable = _of_those(nhanh_ids, refused)
        customers = _of_those(nhanh_ids, {one: row for one, row in found.items() if one not in unreadable})
        return Page(list(customers.values()), None, list(unreadable.values()))

    async def stock_of(self, nhanh_ids: Sequence[int]) -> StockAnswer:
        """Read fresh stock; see `Nhanh`. A product of which Nhanh keeps no stock is missing too."""
        sort = {"productId": "asc"}
        rows: list[tuple[int, NhanhStock | None]] = []
        refused: dict[int, str] = {}

        def keep(data: Json) -> Iterable[int]:
            read, unreadable = decode.stock_rows(data)
            rows.extend(read)
            refused.update((row.vendor_id, row.message) for row in unreadable)
            return [*(product_id for product_id, _ in read), *(row.vendor_id for row in unreadable)]

        await self._read_ids(Walk(self._transport, INVENTORY, {"ids": list(nhanh_ids)}, sort), nhanh_ids, keep)
        answer = decode.stock_by_product(rows, refused)
        unsound = {each: self._unsound(each, stock) for each, stock in answer.stock.items()}
        refused = {**answer.refused, **{each: message for each, message in unsound.items() if message is not None}}
        stock = {each: found for each, found in answer.stock.items() if each not in refused}
        return StockAnswer(_of_those(nhanh_ids, stock), _of_those(nhanh_ids, refused))

    async def products_by_id(self, nhanh_ids: Sequence[int]) -> ProductAnswer:
        """Read items of any status; see `Nhanh`. A parent is no item, so its id is missing."""
        found: dict[int, NhanhProduct] = {}
        refused: dict[int, str] = {}

        def keep(data: Json) -> Iterable[int]:
            read, unreadable = decode.products(data, told=True)
            found.update((product.nhanh_id, product) for product in read)
            refused.update((row.vendor_id, row.message) for row in unreadable)
            for product in read:
                message = None if product.stock is None else self._unsound(product.nhanh_id, product.stock)
                if message is not None:
                    refused[product.nhanh_id] = message
            return [*found, *refused]

        walk = self._by_id(PRODUCTS, {"ids": list(nhanh_ids), "status": list(EVERY_STATUS)})
        await self._read_ids(walk, nhanh_ids, keep)
        products = {each: product for each, product in found.items() if each not in refused}
        return ProductAnswer(_of_those(nhanh_ids, products), _of_those(nhanh_ids, refused))

    def _by_id(self, path: str, filters: Mapping[str, object]) -> Walk:
        return Walk(self._transport, path, filters, {"id": "asc"})

    async def _read_ids(self, walk: Walk, nhanh_ids: Sequence[int], keep: Callable[[Json], Iterable[int]]) -> None:
        """Read on until every id was told of or the list ends: ids that a short page lacks may come on the next one.

        `keep` says which ids a page told of. A page that tells of none that was still wanted counts as an empty one.
        """
        if len(nhanh_ids) > MAX_IDS:
            raise ValueError(f"{len(nhanh_ids)} ids; Nhanh takes {MAX_IDS} a call")
        guard = EmptyPageGuard(MOST_FRUITLESS_PAGES)
        wanted = set(nhanh_ids)
        cursor: str | None = None
        while wanted:
            at = cursor
            data, cursor = await walk.page(at)
            before = len(wanted)
            wanted.difference_update(keep(data))
            if cursor is None:
                return
            if guard.too_many(at, empty=len(wanted) == before):
                message = f"more than {MOST_FRUITLESS_PAGES} pages in a row tell of none of the ids that were asked for"
                raise MalformedAnswer(VENDOR, f"Nhanh's list {walk.path} does not end: {message}")

    def _unsound(self, product_id: int, stock: NhanhStock) -> str | None:
        if self._depots_matter and stock.available != 0 and not stock.by_depot:
            return f"Nhanh tells of stock of product {product_id}, and of no depot that holds it"
        return None


def _of_those(nhanh_ids: Sequence[int], found: Mapping[int, Found]) -> dict[int, Found]:
    return {each: found[each] for each in dict.fromkeys(nhanh_ids) if each in found}


def _product_filters(wanted: NhanhProductFilter) -> dict[str, object]:
    filters: dict[str, object] = {"gpid": SELLABLE, "status": list(wanted.statuses or EVERY_STATUS)}
    if wanted.name:
        filters["name"] = wanted.name
    if wanted.category_ids:
        filters["categoryIds"] = list(wanted.category_ids)
    if wanted.brand_ids:
        filters["brandIds"] = list(wanted.brand_ids)
    if wanted.updated_since is not None:
        filters["updatedAtFrom"] = wanted.updated_since
    return filters


def _customer_filters(wanted: NhanhCustomerFilter) -> dict[str, object]:
    filters: dict[str, object] = {}
    if wanted.type is not None:
        filters["type"] = wanted.type
    if wanted.last_bought_from:
        filters["lastBoughtDateFrom"] = wanted.last_bought_from
    if wanted.last_bought_to:
        filters["lastBoughtDateTo"] = wanted.last_bought_to
    if wanted.updated_since is not None:
        filters["updatedAtFrom"] = wanted.updated_since
    if wanted.updated_until is not None:
        filters["updatedAtTo"] = wanted.updated_until
    return filters
