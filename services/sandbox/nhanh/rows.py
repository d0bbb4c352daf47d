"""Rows as they are sent: stock nested by depot, and the forms that PHP gives to what is empty."""

from typing import Any

from sandbox.nhanh.business import Business, Row

UNREADABLE = "không rõ"


def listed_product(business: Business, nhanh_id: int) -> Row:
    """Write a row of `product/list`. A product without a stock record has an empty inventory, which PHP sends as a list."""
    row = business.products[nhanh_id]
    return {**row, "inventory": inventory(business, nhanh_id) if nhanh_id in business.stock else []}


def stocked_product(business: Business, nhanh_id: int) -> Row:
    """Write a row of `product/inventory`: its key is `productId`, and it has no code."""
    row = business.products[nhanh_id]
    return {
        "productId": nhanh_id,
        "barcode": row["barcode"],
        "name": row["name"],
        "prices": row["prices"],
        "inventory": inventory(business, nhanh_id),
    }


def listed_customer(business: Business, nhanh_id: int) -> Row:
    """Write a row of `customer/list`."""
    return business.customers[nhanh_id]


def spoiled(row: Row) -> Row:
    """Write a row with an amount that no reader can make anything of."""
    if "totalAmount" in row:
        return {**row, "totalAmount": UNREADABLE}
    if "productId" in row:
        return {**row, "inventory": {**row["inventory"], "available": UNREADABLE}}
    return {**row, "prices": {**row["prices"], "retail": UNREADABLE}}


def inventory(business: Business, nhanh_id: int) -> dict[str, Any]:
    """Write stock over the depots that the token grants. Now and then the list of depots comes keyed by depot."""
    granted = business.granted_depots
    shown = {
        depot_id: amount
        for depot_id, amount in business.stock[nhanh_id].items()
        if granted is None or depot_id in granted
    }
    depots = [{"id": depot_id, **_amounts(amount)} for depot_id, amount in shown.items()]
    by_id: Any = {str(depot["id"]): depot for depot in depots} if nhanh_id % 31 == 0 and depots else depots
    return {**_amounts(sum(shown.values())), "depots": by_id}


def _amounts(available: float) -> dict[str, Any]:
    return {
        "remain": available + 2,
        "shipping": 1,
        "damaged": 0,
        "holding": 1,
        "transfering": 0,
        "available": available,
        "warranty": {"remain": 0, "holding": 0},
    }
