"""Search queries."""

import pytest
from sync_worker.adapters.shopify.search import customer_query, variant_query
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter


def test_no_condition_is_no_query() -> None:
    """Everything is asked for without a search."""
    assert variant_query(ShopifyProductFilter()) is None
    assert customer_query(ShopifyCustomerFilter(search="  ")) is None


def test_variants_are_searched_by_time_and_status() -> None:
    """The words are ours, in a fixed order; the time is UTC."""
    wanted = ShopifyProductFilter(("draft", "active"), 1_782_864_000)
    assert variant_query(wanted) == "updated_at:>='2026-07-01T00:00:00Z' AND product_status:active,draft"


def test_a_status_of_nobody_never_reaches_shopify() -> None:
    """Shopify passes over what it does not know, and would answer with everything."""
    with pytest.raises(ValueError, match="sold"):
        variant_query(ShopifyProductFilter(("sold",)))


def test_a_users_search_keeps_to_itself() -> None:
    """It stands in brackets behind the time, so that neither an OR nor an open quote of it can undo the time."""
    assert customer_query(ShopifyCustomerFilter("tag:vip OR tag:b2b")) == "tag:vip OR tag:b2b"
    assert (
        customer_query(ShopifyCustomerFilter("tag:vip OR tag:b2b", 1_782_864_000))
        == "updated_at:>='2026-07-01T00:00:00Z' AND (tag:vip OR tag:b2b)"
    )
