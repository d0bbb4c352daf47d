"""What each push must lead to."""

import pytest
from sandbox.expectations import truth_document, whole_spend
from sandbox.shopify.gids import gid
from sandbox.world import StoreWorld

FIRST, SECOND = gid("Location", 64_000_000_007), gid("Location", 64_000_000_009)


def stock_of(store: StoreWorld, by_depot: dict[int, float]) -> dict[object, object]:
    """What the first pair's locations must end with if Nhanh has this."""
    nhanh_id, _ = store.products.must_link[0]
    store.business.stock[nhanh_id] = by_depot
    return {row[2]: row[3] for row in truth_document(store)["stock"] if row[0] == str(nhanh_id)}


@pytest.mark.parametrize(
    ("by_depot", "first", "second"),
    [
        ({7: 3, 8: 4, 9: 5, 12: 100}, 7, 5),  # two depots feed the first location; nothing feeds from depot 12
        ({7: 1.5, 8: 1.5}, 3, 0),  # the sum is floored, not its parts
        ({7: 1.9, 9: 0.99}, 1, 0),
        ({7: 0.1, 8: 0.2, 9: 2.999}, 0, 2),
        ({7: 5, 8: -2, 9: -1}, 3, 0),  # a negative depot lessens the sum; a negative sum is nought
        ({7: -5, 8: 2, 9: -0.5}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_a_location_holds_the_floored_sum_of_its_depots(
    store: StoreWorld, by_depot: dict[int, float], first: int, second: int
) -> None:
    """Never less than nothing."""
    assert stock_of(store, by_depot) == {FIRST: first, SECOND: second}


def test_a_product_without_a_stock_record_is_nought_everywhere(store: StoreWorld) -> None:
    """Nhanh knows it, so it has none."""
    nhanh_id, _ = store.products.must_link[0]
    store.business.stock.pop(nhanh_id, None)
    rows = [row for row in truth_document(store)["stock"] if row[0] == str(nhanh_id)]
    assert [row[3] for row in rows] == [0, 0]


def test_a_depot_that_is_not_granted_is_not_counted(store: StoreWorld) -> None:
    """The token does not show it."""
    store.business.granted_depots = {7, 9}
    assert stock_of(store, {7: 3, 8: 4, 9: 5}) == {FIRST: 3, SECOND: 5}


def test_every_pair_has_a_quantity_at_every_fed_location(store: StoreWorld) -> None:
    """Items are those of the variants that must be linked."""
    truth = truth_document(store)
    pairs = {(nhanh, item) for nhanh, _, item in truth["products"]["must_link"]}
    assert len(pairs) == len(store.products.must_link)
    assert sorted((row[0], row[1], row[2]) for row in truth["stock"]) == sorted(
        (nhanh, item, location) for nhanh, item in pairs for location in (FIRST, SECOND)
    )


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        (0, 0),
        (0.4, 0),
        (0.5, 1),
        (1_499.5, 1_500),
        (2.5, 3),
        ("250000", 250_000),
        ("99999.49", 99_999),
        (69_735_300, 69_735_300),
        (None, None),
        ("không rõ", None),
        ("", None),
        ("Infinity", None),
    ],
)
def test_spend_is_rounded_half_up_to_whole_vnd(given: object, whole: int | None) -> None:
    """What is unknown or no number is None, not nought."""
    assert whole_spend(given) == whole


def test_an_unknown_spend_is_never_expected(store: StoreWorld) -> None:
    """Every linked customer is either among the spends or among the unknown; one that is gone is in neither."""
    pairs = store.customers.must_link + store.customers.link_or_review
    (unknown, _), (spoiled, _), (gone, _), (known, buyer) = pairs[:4]
    customers = store.business.customers
    customers[unknown]["totalAmount"] = None
    customers[spoiled]["totalAmount"] = "không rõ"
    customers[known]["totalAmount"] = "12.5"
    del customers[gone]
    truth = truth_document(store)
    spends = {row[0]: row[2] for row in truth["spend"]}
    assert {str(unknown), str(spoiled)} <= set(truth["spend_unknown"])
    assert [str(known), gid("Customer", buyer), 13] in truth["spend"]
    assert not {str(unknown), str(spoiled), str(gone)} & spends.keys()
    assert {str(one) for one, _ in pairs if one != gone} == spends.keys() | (
        set(truth["spend_unknown"]) & {str(one) for one, _ in pairs}
    )


def test_counts_are_of_what_can_be_linked(store: StoreWorld) -> None:
    """Nhanh's parents are not counted; every variant and every customer is."""
    truth = truth_document(store)
    sellable = [row for row in store.business.products.values() if int(row["parentId"]) != -2]
    assert truth["products"]["counts"] == {"nhanh": len(sellable), "shopify": len(store.shop.variants)}
    assert truth["customers"]["counts"] == {
        "nhanh": len(store.business.customers),
        "shopify": len(store.shop.customers),
    }
    assert truth["store"] == "hanoi"
