"""One store's Nhanh business, for one job."""

from collections.abc import Callable, Mapping, Sequence

import httpx
import orjson

from sync_worker.adapters.nhanh import decode
from sync_worker.adapters.nhanh.envelope import VENDOR, Json
from sync_worker.adapters.nhanh.limiter import SlidingWindow
from sync_worker.adapters.nhanh.transport import CALL_SECONDS, NhanhTransport
from sync_worker.adapters.nhanh.walks import Walk
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.nhanh import MAX_IDS, NhanhAccess
from sync_worker.application.ports.pages import Page
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import AccessRefused, MalformedAnswer
from sync_worker.domain.products import NhanhProduct, NhanhStock
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter
from sync_worker.domain.stores import NhanhAccount

PRODUCTS = "product/list"
INVENTORY = "product/inventory"
CUSTOMERS = "customer/list"
ACCESS = "app/checkaccesstoken"

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
        http: httpx.AsyncClient,
        windows: Callable[[str], SlidingWindow],
        gate: CallGate,
        clock: Clock,
        uniform: Callable[[float, float], float],
        *,
        depots_matter: bool,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._account = account
        self._transport = NhanhTransport(account, http, windows, gate, clock, uniform, call_seconds=call_seconds)
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
        return Page(decode.products(data), following)

    async def customer_page(self, wanted: NhanhCustomerFilter, cursor: str | None) -> Page[NhanhCustomer]:
        """Read a page of customers, in Nhanh's own order: none can be asked for. See `Nhanh`."""
        walk = self._walks.setdefault(wanted, Walk(self._transport, CUSTOMERS, _customer_filters(wanted), None))
        data, following = await walk.page(cursor)
        return Page(decode.customers(data), following)

    async def stock_of(self, nhanh_ids: Sequence[int]) -> Mapping[int, NhanhStock]:
        """Read fresh stock; see `Nhanh`. A product of which Nhanh keeps no stock is missing too."""
        sort = {"productId": "asc"}
        rows: list[tuple[int, NhanhStock | None]] = []
        await self._read_ids(
            Walk(self._transport, INVENTORY, {"ids": list(nhanh_ids)}, sort),
            nhanh_ids,
            lambda data: rows.extend(decode.stock_rows(data)),
            lambda: {product_id for product_id, _ in rows},
        )
        found = decode.stock_by_product(rows)
        return {each: self._sound(each, found[each]) for each in dict.fromkeys(nhanh_ids) if each in found}

    async def products_by_id(self, nhanh_ids: Sequence[int]) -> Mapping[int, NhanhProduct]:
        """Read items of any status; see `Nhanh`. A parent is no item, so its id is missing."""
        found: dict[int, NhanhProduct] = {}
        await self._read_ids(
            self._by_id(PRODUCTS, {"ids": list(nhanh_ids), "status": list(EVERY_STATUS)}),
            nhanh_ids,
            lambda data: found.update((product.nhanh_id, product) for product in decode.products(data, told=True)),
            lambda: set(found),
        )
        for nhanh_id, product in found.items():
            if product.stock is not None:
                self._sound(nhanh_id, product.stock)
        return {each: found[each] for each in dict.fromkeys(nhanh_ids) if each in found}

    def _by_id(self, path: str, filters: Mapping[str, object]) -> Walk:
        return Walk(self._transport, path, filters, {"id": "asc"})

    async def _read_ids(
        self,
        walk: Walk,
        nhanh_ids: Sequence[int],
        keep: Callable[[Json], None],
        known: Callable[[], set[int]],
    ) -> None:
        """Read on until every id was told of or the list ends: ids that a short page lacks may come on the next one."""
        if len(nhanh_ids) > MAX_IDS:
            raise ValueError(f"{len(nhanh_ids)} ids; Nhanh takes {MAX_IDS} a call")
        cursor: str | None = None
        fruitless = 0
        while not set(nhanh_ids) <= (before := known()):
            data, cursor = await walk.page(cursor)
            keep(data)
            if cursor is None:
                return
            fruitless = fruitless + 1 if known() == before else 0
            if fruitless > MOST_FRUITLESS_PAGES:
                message = f"{fruitless} pages in a row told of none of the ids that were asked for, and promised more"
                raise MalformedAnswer(VENDOR, message)

    def _sound(self, product_id: int, stock: NhanhStock) -> NhanhStock:
        if self._depots_matter and stock.available != 0 and not stock.by_depot:
            message = f"Nhanh tells of stock of product {product_id}, and of no depot that holds it"
            raise MalformedAnswer(VENDOR, message)
        return stock


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
    return filters
