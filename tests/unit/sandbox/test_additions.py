"""Rows that are added: whole, of their own id, and all of a list or none."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from sandbox.additions import NHANH_CUSTOMER, NHANH_PRODUCT
from sandbox.expectations import truth_document
from sandbox.mutations import EditError, apply_edits
from sandbox.nhanh.rows import listed_product
from sandbox.shopify.gids import gid
from sandbox.shopify.shop import Customer
from sandbox.world import WRITTEN_AT, StoreWorld


def counts(store: StoreWorld) -> tuple[int, int, int]:
    """How many rows of each kind there are."""
    return len(store.business.products), len(store.business.customers), len(store.shop.customers)


def test_a_plain_row_has_the_fields_of_a_written_one(store: StoreWorld) -> None:
    """Every field that the generator writes has a plain value, and there is none beside; prices too."""
    assert all(row.keys() == NHANH_PRODUCT.keys() for row in store.business.products.values())
    assert all(row["prices"].keys() == NHANH_PRODUCT["prices"].keys() for row in store.business.products.values())
    assert all(row.keys() == NHANH_CUSTOMER.keys() for row in store.business.customers.values())


def test_rows_are_added_with_what_is_said_of_them(store: StoreWorld) -> None:
    """The rest is plain; a product has no stock record until it is given one."""
    edits: list[dict[str, Any]] = [
        {"add": "nhanh_product", "row": {"id": "1", "code": "AO-1", "prices": {"retail": 5}, "parentId": "-1"}},
        {"add": "nhanh_customer", "row": {"id": 1, "mobile": "0912345678", "totalAmount": "7.5"}},
        {"add": "shopify_customer", "row": {"id": gid("Customer", 1), "phone": "+84912345678", "amount_spent": 3}},
    ]
    assert apply_edits(store, edits) == 3
    product = NHANH_PRODUCT | {"id": 1, "code": "AO-1", "parentId": "-1"}
    assert store.business.products[1] == product | {"prices": NHANH_PRODUCT["prices"] | {"retail": 5}}
    assert orjson.loads(listed_product(store.business, 1))["inventory"] == []
    assert store.business.customers[1] == NHANH_CUSTOMER | {"id": 1, "mobile": "0912345678", "totalAmount": "7.5"}
    assert store.shop.customers[1] == Customer(
        1, None, None, None, "+84912345678", None, None, Decimal(3), orders=0, updated_at=WRITTEN_AT
    )
    assert store.business.products.ids[0] == store.business.customers.ids[0] == store.shop.customers.ids[0] == 1
    apply_edits(store, [{"set": "nhanh_stock", "id": 1, "value": {"7": 2}}])
    assert orjson.loads(listed_product(store.business, 1))["inventory"]["available"] == 2


def test_added_rows_share_nothing(store: StoreWorld) -> None:
    """What is changed in one is not seen in another, nor in what a plain row is."""
    apply_edits(store, [{"add": "nhanh_product", "row": {"id": one}} for one in (1, 2)])
    store.business.products[1]["prices"]["retail"] = 9
    store.business.products[1]["images"].append("x")
    assert store.business.products[2]["prices"]["retail"] == NHANH_PRODUCT["prices"]["retail"] == 0
    assert store.business.products[2]["images"] == NHANH_PRODUCT["images"] == []


def test_the_truth_counts_added_rows_and_has_them_in_no_pair(store: StoreWorld) -> None:
    """Pairs are the generator's; a child and a standalone product count, a parent does not."""
    before = truth_document(store)
    products = [{"id": 1, "parentId": -2}, {"id": 2, "parentId": 1}, {"id": 3}]
    apply_edits(store, [{"add": "nhanh_product", "row": row} for row in products])
    apply_edits(store, [{"add": "nhanh_customer", "row": {"id": 1}}, {"add": "shopify_customer", "row": {"id": 1}}])
    after = truth_document(store)
    assert after["products"]["counts"]["nhanh"] == before["products"]["counts"]["nhanh"] + 2
    assert after["customers"]["counts"] == {
        "nhanh": before["customers"]["counts"]["nhanh"] + 1,
        "shopify": before["customers"]["counts"]["shopify"] + 1,
    }
    for entity in ("products", "customers"):
        assert after[entity] | {"counts": None} == before[entity] | {"counts": None}
    assert (after["stock"], after["spend"]) == (before["stock"], before["spend"])


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("nhanh_order", {"id": 2}),
        (None, {"id": 2}),
        ("nhanh_customer", {}),
        ("nhanh_customer", {"id": None}),
        ("nhanh_customer", {"id": 2, "type": True}),
        ("nhanh_customer", {"id": 0}),
        ("nhanh_customer", {"id": 2.5}),
        ("nhanh_customer", {"id": 2, "phone": "0912345678"}),
        ("nhanh_customer", {"id": 2, "prices": {}}),
        ("nhanh_customer", {"id": 2, "type": "retail"}),
        ("nhanh_customer", {"id": 2, "updatedAt": None}),
        ("nhanh_customer", {"id": 2, "lastBoughtDate": 5}),
        ("nhanh_customer", []),
        ("nhanh_product", {"id": 2, "parentId": []}),
        ("nhanh_product", {"id": 2, "prices": 5}),
        ("shopify_customer", {"id": "gid://shopify/Customer/x"}),
        ("shopify_customer", {"id": 2, "phone": 912345678}),
        ("shopify_customer", {"id": 2, "mobile": "0912345678"}),
        ("shopify_customer", {"id": 2, "orders": "many"}),
    ],
)
def test_one_row_that_cannot_be_added_refuses_all(store: StoreWorld, kind: Any, row: Any) -> None:
    """The refusal names the edit by its number; nothing of the list is done."""
    before = counts(store)
    good = {"add": "nhanh_customer", "row": {"id": 1}}
    with pytest.raises(EditError, match="edit 1 "):
        apply_edits(store, [good, {"add": kind, "row": row}])
    assert counts(store) == before


def test_an_id_is_given_once(store: StoreWorld) -> None:
    """Neither one that is there nor one that the same list gave can be given again; each kind has ids of its own."""
    business, shop = store.business, store.shop
    before = counts(store)
    for kind, taken in (
        ("nhanh_product", business.products.ids[0]),
        ("nhanh_customer", business.customers.ids[0]),
        ("shopify_customer", shop.customers.ids[0]),
    ):
        for rows in ([taken], [1, 1], [1, "1"]):
            with pytest.raises(EditError, match="is no new id"):
                apply_edits(store, [{"add": kind, "row": {"id": one}} for one in rows])
    assert counts(store) == before
    kinds = ("nhanh_product", "nhanh_customer", "shopify_customer")
    apply_edits(store, [{"add": kind, "row": {"id": 1}} for kind in kinds])
    assert counts(store) == (before[0] + 1, before[1] + 1, before[2] + 1)


def test_an_edit_means_rows_that_were_there_before_its_list(store: StoreWorld) -> None:
    """A row is changed or removed by the next list."""
    added = {"add": "nhanh_customer", "row": {"id": 1}}
    with pytest.raises(EditError, match="edit 1 "):
        apply_edits(store, [added, {"set": "nhanh_spend", "id": 1, "value": 5}])
    apply_edits(store, [added])
    apply_edits(store, [{"set": "nhanh_spend", "id": 1, "value": 5}])
    assert store.business.customers[1]["totalAmount"] == 5
