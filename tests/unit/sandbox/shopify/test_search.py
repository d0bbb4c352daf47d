"""Search words."""

from decimal import Decimal

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st
from sandbox.shopify.search import (
    CUSTOMER_VALUES,
    PRODUCT_VALUES,
    AllOf,
    AnyOf,
    Condition,
    Not,
    Term,
    read_search,
    variant_values,
)
from sandbox.world import StoreWorld

HOUR = "2026-01-31T07:00:00Z"
SECONDS = 1_769_842_800


ANY = dict.fromkeys(("updated_at", "product_status", "id", "a", "b", "c"), lambda row: row)
A, B, C = (Term(name, "", "1") for name in "abc")


def read(text: str | None) -> Condition | None:
    """Read a search in which these fields are known."""
    return read_search(text, ANY).condition


def test_words_are_read() -> None:
    """Fields, comparisons, quotes of both kinds, free text; AND is no word."""
    assert read(None) is read("") is read("()") is None
    assert read(f"updated_at:>='{HOUR}' AND product_status:active \"two words\" id:5") == AllOf(
        (
            Term("updated_at", ">=", HOUR),
            Term("product_status", "", "active"),
            Term("", "", "two words"),
            Term("id", "", "5"),
        )
    )
    assert read(f"updated_at:<{HOUR}") == Term("updated_at", "<", HOUR)


@pytest.mark.parametrize(
    ("words", "condition"),
    [
        ("a:1 OR b:1", AnyOf((A, B))),
        ("a:1 b:1 OR c:1", AnyOf((AllOf((A, B)), C))),
        ("a:1 AND (b:1 OR c:1)", AllOf((A, AnyOf((B, C))))),
        ("-a:1 NOT b:1", AllOf((Not(A), Not(B)))),
        ("-(a:1 OR b:1) c:1", AllOf((Not(AnyOf((A, B))), C))),
        ("NOT -a:1", A),
        ("a:1 OR OR b:1 AND", AnyOf((A, B))),
        ("((a:1) OR b:1", AnyOf((A, B))),
        ("a:1) b:1", AllOf((A, B))),
        ("a:1 NOT", A),
        (r'a:"say \"hi\" (now)"', Term("a", "", 'say "hi" (now)')),
        (r"a:1\(b\)", Term("a", "", "1(b)")),
    ],
)
def test_connectives_brackets_and_negation(words: str, condition: Condition) -> None:
    """AND binds closer than OR; what is left open ends with the text; a backslash takes a sign for itself."""
    assert read(words) == condition


@given(st.text("ab:()-\"'\\ <>=1ORNTAD", max_size=60))
def test_any_text_is_read(words: str) -> None:
    """Nonsense is searched for or ignored, and never a failure."""
    search = read_search(words, CUSTOMER_VALUES)
    assert search.condition is None or set(search.unknown).isdisjoint(CUSTOMER_VALUES)


def test_brackets_have_a_bottom() -> None:
    """The sandbox says so, in place of failing; negations may stand one behind another without end."""
    with pytest.raises(GraphQLError) as refusal:
        read("(" * 5_000)
    assert refusal.value.extensions == {"code": "BAD_REQUEST"}
    assert read("NOT " * 5_000 + "a:1") == A


@pytest.mark.parametrize(
    ("sign", "found"),
    [(">", [1]), (">=", [0, 1]), ("<", [-1]), ("<=", [-1, 0]), ("", [0])],
)
@pytest.mark.parametrize("value", [HOUR, "2026-01-31T14:00:00+07:00", "2026-01-31T07:00:00"])
def test_times_are_compared_to_the_second(store: StoreWorld, sign: str, found: list[int], value: str) -> None:
    """Every sign at its edge; a time without a zone is in UTC."""
    customer = next(iter(store.shop.customers.values()))
    search = read_search(f"updated_at:{sign}'{value}'", CUSTOMER_VALUES)
    kept = []
    for step in (-1, 0, 1):
        customer.updated_at = SECONDS + step
        if search.holds(customer):
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
    assert read_search(words, values).holds(draft)
    assert not read_search(words, values).holds(other)
    shop.products[draft.product_id].status = "ACTIVE"
    assert not read_search(words, values).holds(draft)


@pytest.mark.parametrize("words", ["colour:red", "-colour:red", "(colour:red OR size:1)", "colour:red -(size:1)"])
def test_an_unknown_field_is_ignored(store: StoreWorld, words: str) -> None:
    """As Shopify's documentation says, everything is returned then; it is told which fields were."""
    search = read_search(words, PRODUCT_VALUES)
    assert all(search.holds(row) for row in store.shop.products.values())
    assert set(search.unknown) == {"colour", "size"} & set(
        words.replace("(", "").replace("-", "").replace(":", " ").split()
    )


def test_an_unknown_field_takes_nothing_else_with_it(store: StoreWorld) -> None:
    """The rest of the search holds."""
    one = store.shop.products.ids[0]
    search = read_search(f"colour:red AND id:{one}", PRODUCT_VALUES)
    assert [row.product_id for row in store.shop.products.values() if search.holds(row)] == [one]


def test_amounts_are_compared(store: StoreWorld) -> None:
    """With and without decimals; alternatives and negations choose the rest."""
    first, second, *_ = store.shop.customers.values()
    first.amount_spent, second.amount_spent = Decimal("10.50"), Decimal(10)
    search = read_search("total_spent:>10.25", CUSTOMER_VALUES)
    assert (search.holds(first), search.holds(second)) == (True, False)
    rest = read_search("-total_spent:>10.25", CUSTOMER_VALUES)
    assert (rest.holds(first), rest.holds(second)) == (False, True)
    either = read_search(f"id:{first.customer_id} OR id:{second.customer_id}", CUSTOMER_VALUES)
    assert [row for row in store.shop.customers.values() if either.holds(row)] == [first, second]


def test_such_words_in_quotes_are_text() -> None:
    """As are others that only look like them."""
    words = tuple(Term("", "", word) for word in ("OR", "NOT", "ORANGE", "a-b"))
    assert read("'OR' \"NOT\" ORANGE a-b") == AllOf(words)


def test_free_text_is_looked_for_in_names_and_codes(store: StoreWorld) -> None:
    """In any case, with or without a star."""
    customer = next(row for row in store.shop.customers.values() if row.email)
    assert read_search(f"{str(customer.email).upper()[:12]}*", CUSTOMER_VALUES).holds(customer)
    assert not read_search("nobody-of-this-name", CUSTOMER_VALUES).holds(customer)
    product = next(iter(store.shop.products.values()))
    assert read_search(f'"{product.title}"', PRODUCT_VALUES).holds(product)
    variant = next(row for row in store.shop.variants.values() if row.barcode)
    assert read_search(str(variant.barcode), variant_values(store.shop)).holds(variant)
