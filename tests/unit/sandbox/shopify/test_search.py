"""Search words."""

import pytest
from graphql import GraphQLError
from sandbox.shopify.search import (
    CUSTOMER_VALUES,
    PRODUCT_VALUES,
    Term,
    holds,
    read_search,
    variant_values,
)
from sandbox.world import StoreWorld

HOUR = "2026-01-31T07:00:00Z"
SECONDS = 1_769_842_800


def test_words_are_read() -> None:
    """Fields, comparisons, quotes of both kinds, free text; AND is no word."""
    assert read_search(None) == read_search("") == []
    assert read_search(f"updated_at:>='{HOUR}' AND product_status:active \"two words\" id:5") == [
        Term("updated_at", ">=", HOUR),
        Term("product_status", "", "active"),
        Term("", "", "two words"),
        Term("id", "", "5"),
    ]
    assert read_search(f"updated_at:<{HOUR}") == [Term("updated_at", "<", HOUR)]


@pytest.mark.parametrize(
    ("sign", "found"),
    [(">", [1]), (">=", [0, 1]), ("<", [-1]), ("<=", [-1, 0]), ("", [0])],
)
@pytest.mark.parametrize("value", [HOUR, "2026-01-31T14:00:00+07:00", "2026-01-31T07:00:00"])
def test_times_are_compared_to_the_second(store: StoreWorld, sign: str, found: list[int], value: str) -> None:
    """Every sign at its edge; a time without a zone is in UTC."""
    customer = next(iter(store.shop.customers.values()))
    terms = read_search(f"updated_at:{sign}'{value}'")
    kept = []
    for step in (-1, 0, 1):
        customer.updated_at = SECONDS + step
        if holds(terms, customer, CUSTOMER_VALUES):
            kept.append(step)
    assert kept == found


def test_every_condition_must_hold(store: StoreWorld) -> None:
    """Status of the product and id of the variant; commas list texts of which one must be met."""
    shop = store.shop
    values = variant_values(shop)
    for product in shop.products.values():
        product.status = "DRAFT"
    draft, other = list(shop.variants.values())[:2]
    words = f"product_status:draft,archived id:{draft.variant_id}"
    assert holds(read_search(words), draft, values)
    assert not holds(read_search(words), other, values)
    shop.products[draft.product_id].status = "ACTIVE"
    assert not holds(read_search(words), draft, values)


def test_an_unknown_field_is_ignored(store: StoreWorld) -> None:
    """As Shopify's documentation says, everything is returned then."""
    assert all(holds(read_search("colour:red"), row, PRODUCT_VALUES) for row in store.shop.products.values())


@pytest.mark.parametrize("words", ["id:1 OR id:2", "(a OR b)", "NOT id:1", "-status:draft", "a -status:'draft'"])
def test_words_that_would_be_misunderstood_are_refused(words: str) -> None:
    """Too few rows, or too many, would look like an answer."""
    with pytest.raises(GraphQLError) as refusal:
        read_search(words)
    assert refusal.value.extensions == {"code": "BAD_REQUEST"}


def test_such_words_in_quotes_are_text() -> None:
    """As are others that only look like them."""
    assert [term.value for term in read_search("'OR' \"NOT\" ORANGE a-b -5")] == ["OR", "NOT", "ORANGE", "a-b", "-5"]


def test_free_text_is_looked_for_in_names_and_codes(store: StoreWorld) -> None:
    """In any case, with or without a star."""
    customer = next(row for row in store.shop.customers.values() if row.email)
    assert holds(read_search(f"{str(customer.email).upper()[:12]}*"), customer, CUSTOMER_VALUES)
    assert not holds(read_search("nobody-of-this-name"), customer, CUSTOMER_VALUES)
    product = next(iter(store.shop.products.values()))
    assert holds(read_search(f'"{product.title}"'), product, PRODUCT_VALUES)
    variant = next(row for row in store.shop.variants.values() if row.barcode)
    assert holds(read_search(str(variant.barcode)), variant, variant_values(store.shop))
