"""Shopify's search queries, made of words of our own and of times; only a user's own search is taken as it is."""

from datetime import UTC, datetime

from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

STATUSES = ("active", "archived", "draft")


def variant_query(wanted: ShopifyProductFilter) -> str | None:
    """Write the search for variants; None for all.

    Raises:
        ValueError: A status is none of Shopify's.
    """
    unknown = set(wanted.statuses) - set(STATUSES)
    if unknown:
        raise ValueError(f"{sorted(unknown)} are not among {STATUSES}")
    parts = []
    if wanted.updated_since is not None:
        parts.append(_since(wanted.updated_since))
    if wanted.statuses:
        parts.append(f"product_status:{','.join(status for status in STATUSES if status in wanted.statuses)}")
    return " AND ".join(parts) or None


def customer_query(wanted: ShopifyCustomerFilter) -> str | None:
    """Write the search for customers; None for all. The time stands first, where no open quote can swallow it."""
    search = wanted.search.strip()
    if wanted.updated_since is None:
        return search or None
    return f"{_since(wanted.updated_since)} AND ({search})" if search else _since(wanted.updated_since)


def _since(unix_seconds: int) -> str:
    return f"updated_at:>='{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%dT%H:%M:%SZ}'"
