"""Global ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.shopify.gids import gid, kind_of, number_of


@given(st.integers(0, 2**64 - 1))
def test_ids_are_read_as_written(number: int) -> None:
    """Up to 64 bits; and only as what they are."""
    assert number_of(gid("Customer", number), "Customer") == number
    assert number_of(gid("Customer", number), "Product") is None


def test_an_id_may_carry_a_parameter() -> None:
    """As that of a level does."""
    assert number_of("gid://shopify/InventoryLevel/7?inventory_item_id=9", "InventoryLevel") == 7


@pytest.mark.parametrize("number", ["", "-1", "1.0", " 1", "٣", "１", "²", "9" * 21, "9" * 5_000])
def test_other_numbers_name_nothing(number: str) -> None:
    """Digits of other scripts and numbers beyond 64 bits are no ids, and no failures either."""
    assert number_of(f"gid://shopify/Customer/{number}", "Customer") is None


@pytest.mark.parametrize(
    ("text", "kind"), [("gid://shopify/Customer/1", "Customer"), ("gid://shopify/X", "X"), ("Customer/1", ""), ("", "")]
)
def test_the_kind_of_a_global_id(text: str, kind: str) -> None:
    """What stands before the number; nothing in what is no global id."""
    assert kind_of(text) == kind
