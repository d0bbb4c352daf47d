"""Rows as they are sent, as JSON: stock nested by depot, and the forms that PHP gives to what is empty."""

import orjson

from sandbox.nhanh.business import Business

UNREADABLE = "không rõ"
KEYED_DEPOTS = 31
"""The list of depots of one product in so many comes keyed by depot."""


def listed_product(business: Business, nhanh_id: int) -> bytes:
    """Write a row of `product/list`. A product without a stock record has an empty inventory, which PHP sends as a list."""
    stock = inventory(business, nhanh_id) if nhanh_id in business.stock else "[]"
    return b'%b,"inventory":%b}' % (orjson.dumps(business.products[nhanh_id])[:-1], stock.encode())


def stocked_product(business: Business, nhanh_id: int) -> bytes:
    """Write a row of `product/inventory`: its key is `productId`, and it has no code."""
    row = business.products[nhanh_id]
    shown = {"productId": nhanh_id, "barcode": row["barcode"], "name": row["name"], "prices": row["prices"]}
    return b'%b,"inventory":%b}' % (orjson.dumps(shown)[:-1], inventory(business, nhanh_id).encode())


def listed_customer(business: Business, nhanh_id: int) -> bytes:
    """Write a row of `customer/list`."""
    return orjson.dumps(business.customers[nhanh_id])


def spoiled(row: bytes) -> bytes:
    """Write a row with an amount that no reader can make anything of."""
    document = orjson.loads(row)
    if "totalAmount" in document:
        document["totalAmount"] = UNREADABLE
    elif "productId" in document:
        document["inventory"]["available"] = UNREADABLE
    else:
        document["prices"]["retail"] = UNREADABLE
    return orjson.dumps(document)


def inventory(business: Business, nhanh_id: int) -> str:
    """Write stock over the depots that the token grants. Now and then the list of depots comes keyed by depot."""
    granted, stock = business.granted_depots, business.stock[nhanh_id]
    shown = stock if granted is None else {one: amount for one, amount in stock.items() if one in granted}
    if shown and nhanh_id % KEYED_DEPOTS == 0:
        keyed = ",".join([f'"{one}":{{"id":{one},{_amounts(amount)}}}' for one, amount in shown.items()])
        return f'{{{_amounts(sum(shown.values()))},"depots":{{{keyed}}}}}'
    listed = ",".join([f'{{"id":{one},{_amounts(amount)}}}' for one, amount in shown.items()])
    return f'{{{_amounts(sum(shown.values()))},"depots":[{listed}]}}'


def _amounts(available: float) -> str:
    return (
        f'"remain":{available + 2},"shipping":1,"damaged":0,"holding":1,"transfering":0,"available":{available},'
        '"warranty":{"remain":0,"holding":0}'
    )
