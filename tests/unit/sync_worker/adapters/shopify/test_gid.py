"""Global ids and their numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.shopify.gid import gid, number_of
from sync_worker.domain.failures import MalformedAnswer


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_what_is_written_is_read(number: int) -> None:
    """A number comes back from its global id."""
    assert number_of(gid("Customer", number), "Customer") == number


@pytest.mark.parametrize(
    "text", ["gid://shopify/InventoryLevel/7?inventory_item_id=2", r"gid:\/\/shopify\/InventoryLevel\/7"]
)
def test_parameters_and_escapes_are_passed_over(text: str) -> None:
    """Ids of inventory levels carry a parameter, and JSON escaped twice carries backslashes."""
    assert number_of(text, "InventoryLevel") == 7


@pytest.mark.parametrize(
    "given_id",
    [
        None,
        7,
        "7",
        "",
        "gid://shopify/Customer/",
        "gid://shopify/Customer/0",
        "gid://shopify/Customer/-7",
        "gid://shopify/Customer/7x",
        "gid://shopify/Customer/٧",
        "gid://shopify/Customer/9999999999999999999",
        "gid://other/Customer/7",
        "gid://shopify/Product/7",
    ],
)
def test_anything_else_is_no_id(given_id: object) -> None:
    """A missing id, or one of another kind, is never taken for a number."""
    with pytest.raises(MalformedAnswer):
        number_of(given_id, "Customer")
