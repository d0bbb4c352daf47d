"""The truth agrees with the rows, by a normaliser that shares nothing with the generator or with SyncWorker."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest
from sandbox.expectations import truth_document
from sandbox.generator.truth import EntityTruth
from sandbox.options import SandboxOptions
from sandbox.shopify.state import quantities
from sandbox.world import StoreWorld, make_world

from tests.fakes.clock import SandboxClock
from tests.unit.sandbox.generator.normaliser import customer_keys, labelled, mutual, product_keys

SEEDS = [20260701, 7, 99]


def twice(found: Iterable[int]) -> list[int]:
    """Whatever is listed more than once."""
    return [one for one, times in Counter(found).items() if times > 1]


@pytest.fixture(scope="module", params=SEEDS)
def large(request: pytest.FixtureRequest) -> StoreWorld:
    """A store in which every kind of identity is found many times; no test here changes it."""
    options = SandboxOptions(products=400, customers=900, seed=request.param, stores=("hanoi",))
    return make_world(options, SandboxClock()).stores["hanoi"]


def test_products_that_must_be_linked_are_those_whose_codes_say_so(large: StoreWorld) -> None:
    """No code is shared by chance: the pairs that codes lead to, both ways and alone, are exactly the truth's."""
    assert mutual(*product_keys(large)) == set(large.products.must_link)
    assert not large.products.link_or_review


def test_customers_that_may_be_linked_are_those_whose_numbers_and_mailboxes_say_so(large: StoreWorld) -> None:
    """No number is shared by chance: what numbers, labelled notes and mailboxes lead to is what may be linked."""
    truth = large.customers
    assert mutual(*customer_keys(large)) == set(truth.must_link) | set(truth.link_or_review)


def test_beyond_doubt_is_a_number_in_a_field_for_numbers(large: StoreWorld) -> None:
    """Every pair that must be linked shares a number; one for review shares a note's, an old landline or a mailbox."""
    nhanh, shopify = customer_keys(large)
    for one, other in large.customers.must_link:
        assert any(key.startswith("tel ") for key in nhanh[one] & shopify[other])
    for one, other in large.customers.link_or_review:
        row, buyer = large.business.customers[one], large.shop.customers[other]
        assert labelled(buyer.note) or row["email"] or str(row["mobile"]).startswith("04")


def test_a_forbidden_note_repeats_the_number_of_somebody(large: StoreWorld) -> None:
    """A tax code or an order number in a note is the phone of a Nhanh customer, whom it must not lead to."""
    numbers = {str(row["mobile"]): one for one, row in large.business.customers.items()}
    traps = [
        (numbers[found[1]], one)
        for one, row in large.shop.customers.items()
        if (found := re.search(r"(?:MST|mã đơn|STK|CCCD):? (\d+)", row.note or ""))
    ]
    assert len(traps) > 5
    for one, other in traps:
        assert one in large.customers.must_not_link_nhanh
        assert other in large.customers.must_not_link_shopify


@pytest.mark.parametrize("entity", ["products", "customers"])
def test_every_row_is_in_one_place_of_the_truth(large: StoreWorld, entity: str) -> None:
    """No id is in two pairs, none of a pair must not be linked, and none is left out."""
    truth: EntityTruth = getattr(large, entity)
    pairs = truth.must_link + truth.link_or_review
    nhanh = [one for one, _ in pairs] + truth.must_not_link_nhanh
    shopify = [other for _, other in pairs] + truth.must_not_link_shopify
    assert twice(nhanh) == twice(shopify) == []
    here, there = product_keys(large) if entity == "products" else customer_keys(large)
    assert set(nhanh) == set(here)
    assert set(shopify) == set(there)


def test_parents_hold_their_children(large: StoreWorld) -> None:
    """A child names a parent that is listed; a parent has two children at least, no code and no stock."""
    rows = large.business.products
    children: dict[int, int] = defaultdict(int)
    for row in rows.values():
        if int(row["parentId"]) > 0:
            children[int(row["parentId"])] += 1
    parents = {one for one, row in rows.items() if int(row["parentId"]) == -2}
    assert children.keys() <= parents
    assert parents
    assert not parents & set(large.business.stock)
    assert all(rows[one]["code"] is None and rows[one]["barcode"] is None for one in parents)


def test_the_mix_has_every_oddity(large: StoreWorld) -> None:
    """Numbers as text, PHP's empty lists, unknown spends, missing stock records, fractions and negative stock."""
    customers, products, stock = (large.business.customers, large.business.products, large.business.stock)
    assert {type(row["totalAmount"]) for row in customers.values()} >= {int, float, str, type(None)}
    assert {type(row["location"]) for row in customers.values()} == {dict, list}
    assert {type(row["status"]) for row in products.values()} == {int, str}
    sellable = {one for one, row in products.items() if int(row["parentId"]) != -2}
    assert set(stock) < sellable
    amounts = [amount for by_depot in stock.values() for amount in by_depot.values()]
    assert any(amount < 0 for amount in amounts)
    assert any(amount % 1 for amount in amounts)


def test_a_whole_push_moves_most_quantities_and_empties_few(large: StoreWorld) -> None:
    """Nine in ten differ from what Shopify has at first; of the positive ones at most a quarter become nought."""
    now = quantities(large.shop)
    moves = [(now[item][location], quantity) for _, item, location, quantity in truth_document(large)["stock"]]
    assert len([1 for old, new in moves if old != new]) > 0.9 * len(moves)
    positive = [new for old, new in moves if old > 0]
    assert 0 < positive.count(0) < 0.25 * len(positive)


def test_some_spends_are_unknown_and_some_are_halves(large: StoreWorld) -> None:
    """Among those who are linked, so that a push must leave some out and round some."""
    truth = truth_document(large)
    linked = {str(one) for one, _ in large.customers.must_link + large.customers.link_or_review}
    rows = [row for one, row in large.business.customers.items() if str(one) in linked]
    assert linked & set(truth["spend_unknown"])
    assert any(isinstance(row["totalAmount"], float) and row["totalAmount"] % 1 == 0.5 for row in rows)
    assert {row[0] for row in truth["spend"]} == linked - set(truth["spend_unknown"])
