"""Rows of Nhanh's answers as domain objects.

Shapes: developers.nhanh.group, "product/list", "product/inventory", "customer/list" and "app/checkaccesstoken".
"""

from collections.abc import Iterable, Mapping

from sync_worker.adapters.nhanh.envelope import VENDOR, Json
from sync_worker.adapters.nhanh.fields import (
    amount,
    id_of,
    integer,
    is_empty,
    list_of,
    name_within,
    object_of,
    required_amount,
    required_integer,
    text,
)
from sync_worker.adapters.row_by_row import read_rows
from sync_worker.application.ports.nhanh import NhanhAccess, StockAnswer
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.products import NhanhProduct, NhanhStock

PARENT = -2


def products(data: Json, *, told: bool = False) -> tuple[list[NhanhProduct], list[RowRefusal]]:
    """Read the sellable items of product/list, and which cannot be read; parents are left out.

    `told`: no stock shall mean that there is none, so every row must at least name its inventory, be it empty.

    Raises:
        MalformedAnswer: As each reader of rows here: this is no list of rows, or a row's id cannot be read.
    """

    def read(row: dict[str, Json]) -> NhanhProduct:
        if told and "inventory" not in row:
            raise MalformedAnswer(VENDOR, f"Nhanh says nothing of the stock of product {row.get('id')}")
        return _product(row)

    rows = [_row(given, "product") for given in list_of(data, "product/list data")]
    sellable = [row for row in rows if integer(row.get("parentId")) != PARENT]
    return read_rows(sellable, _product_id, read)


def customers(data: Json) -> tuple[list[NhanhCustomer], list[RowRefusal]]:
    """Read the customers of customer/list, and which cannot be read."""
    rows = [_row(given, "customer") for given in list_of(data, "customer/list data")]
    return read_rows(rows, _customer_id, _customer)


def stock_rows(data: Json) -> tuple[list[tuple[int, NhanhStock | None]], list[RowRefusal]]:
    """Read product/inventory: product ids, each with its stock; None where Nhanh keeps no stock of the product."""

    def id_in(row: dict[str, Json]) -> int:
        return id_of(row.get("productId"), "a stock row's productId")

    def read(row: dict[str, Json]) -> tuple[int, NhanhStock | None]:
        product_id = id_in(row)
        return product_id, _stock(row.get("inventory"), f"the stock of product {product_id}")

    rows = [_row(given, "stock row") for given in list_of(data, "product/inventory data")]
    return read_rows(rows, id_in, read)


def stock_by_product(rows: Iterable[tuple[int, NhanhStock | None]], refused: Mapping[int, str]) -> StockAnswer:
    """Key stock by product; what was refused once stays refused.

    The same row twice is one; two that differ could be summed, or one be stale: neither is safe, so both are refused.
    """
    found: dict[int, NhanhStock | None] = {}
    unreadable = dict(refused)
    for product_id, stock in rows:
        if found.setdefault(product_id, stock) != stock:
            unreadable.setdefault(product_id, f"Nhanh tells of two different stocks of product {product_id}")
    told = {product_id: stock for product_id, stock in found.items() if stock is not None}
    return StockAnswer({one: stock for one, stock in told.items() if one not in unreadable}, unreadable)


def access(data: Json) -> NhanhAccess:
    """Read app/checkaccesstoken. `depotIds` must be there: without it nobody knows which stock the token shows."""
    granted = object_of(data, "app/checkaccesstoken data")
    if granted is None or "depotIds" not in granted:
        raise MalformedAnswer(VENDOR, "Nhanh does not say which depots the access token grants")
    return NhanhAccess(integer(granted.get("expiredAt")), _depot_ids(granted["depotIds"]), _permissions(granted))


def next_cursor(paginator: Json) -> Json:
    """Find the place of the next page; None at the end of the list."""
    found = object_of(paginator, "the paginator")
    following = None if found is None else found.get("next")
    return None if is_empty(following) else following


def _row(given: Json, what: str) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise MalformedAnswer(VENDOR, f"a {what} is no object")
    return given


def _product_id(row: dict[str, Json]) -> int:
    return id_of(row.get("id"), "a product's id")


def _product(row: dict[str, Json]) -> NhanhProduct:
    product_id = _product_id(row)
    what = f"of product {product_id}"
    parent = None if is_empty(row.get("parentId")) else required_integer(row["parentId"], f"the parentId {what}")
    prices = object_of(row.get("prices"), f"the prices {what}") or {}
    old = amount(prices.get("old"), f"the old price {what}")
    return NhanhProduct(
        nhanh_id=product_id,
        parent_id=parent if parent is not None and parent > 0 else None,
        code=text(row.get("code")),
        barcode=text(row.get("barcode")),
        name=text(row.get("name")) or "",
        status=required_integer(row.get("status"), f"the status {what}"),
        category_id=integer(row.get("categoryId")),
        brand_id=integer(row.get("brandId")),
        price_retail=amount(prices.get("retail"), f"the retail price {what}"),
        price_old=old or None,
        price_wholesale=amount(prices.get("wholesale"), f"the wholesale price {what}"),
        price_import=amount(prices.get("import"), f"the import price {what}"),
        stock=_stock(row.get("inventory"), f"the stock {what}"),
        updated_at=integer(row.get("updatedAt")),
    )


def _stock(given: Json, what: str) -> NhanhStock | None:
    inventory = object_of(given, what)
    if inventory is None:
        return None
    by_depot: dict[int, int] = {}
    for each in list_of(inventory.get("depots"), f"the depots of {what}"):
        depot = _row(each, "depot's stock")
        depot_id = id_of(depot.get("id"), f"a depot's id in {what}")
        available = required_amount(depot.get("available"), f"{what} in depot {depot_id}")
        if by_depot.setdefault(depot_id, available) != available:
            raise MalformedAnswer(VENDOR, f"{what} in depot {depot_id} is told twice, differently")
    return NhanhStock(required_amount(inventory.get("available"), what), by_depot)


def _customer_id(row: dict[str, Json]) -> int:
    return id_of(row.get("id"), "a customer's id")


def _customer(row: dict[str, Json]) -> NhanhCustomer:
    customer_id = _customer_id(row)
    return NhanhCustomer(
        nhanh_id=customer_id,
        type=integer(row.get("type")),
        name=text(row.get("name")) or "",
        phone=text(row.get("mobile")),
        email=text(row.get("email")),
        address=text(row.get("address")),
        code=text(row.get("code")),
        note=text(row.get("note")),
        gender=integer(row.get("gender")),
        birthday=text(row.get("birthday")),
        points=integer(row.get("points")),
        level_name=name_within(row.get("level")),
        group_name=name_within(row.get("group")),
        total_spent=amount(row.get("totalAmount"), f"the total of customer {customer_id}"),
        updated_at=integer(row.get("updatedAt")),
    )


def _permissions(granted: dict[str, Json]) -> tuple[str, ...]:
    """Read what else is granted; its form is documented nowhere, so that what is not understood is left out."""
    given = granted.get("permissions")
    if isinstance(given, str):
        given = list(given.split(","))
    listed = list_of(given, "permissions") if isinstance(given, list | dict) else []
    named = [text(each) for each in listed]
    return tuple(each.strip() for each in named if each is not None and each.strip())


def _depot_ids(given: Json) -> frozenset[int] | None:
    if is_empty(given) or (isinstance(given, str) and given.strip().lower() == "all"):
        return None
    if isinstance(given, list | dict):
        listed = list_of(given, "depotIds")
        if any(isinstance(each, str) and each.strip().lower() == "all" for each in listed):
            return None
        return frozenset(id_of(each, "a granted depot's id") for each in listed)
    return frozenset(id_of(each, "the granted depot's id") for each in str(given).split(","))
