"""The shops that a deployment serves."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NhanhAccount:
    """How a store's Nhanh business is reached. Secrets are hidden in `repr`."""

    base_url: str
    app_id: int
    business_id: int
    access_token: str = field(repr=False)
    secret_key: str | None = field(repr=False)
    quota_calls: int
    """Calls a window and path that we allow ourselves; 0 turns the limiter off (for a sandbox without limits)."""
    quota_window_seconds: float


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What Shopify grants short-lived access tokens for. The secret is hidden in `repr`."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShopifyAccount:
    """How a store's Shopify shop is reached. Credentials are hidden in `repr`."""

    base_url: str
    shop: str
    api_version: str
    credentials: str | ClientCredentials = field(repr=False)
    """An access token that does not expire, or what tokens are granted for."""


@dataclass(frozen=True, slots=True)
class LocationMapping:
    """Stock of a Nhanh depot goes to a Shopify location (its number). A depot feeds at most one location."""

    depot_id: int
    location_id: int


@dataclass(frozen=True, slots=True)
class Store:
    """A shop: one Nhanh business and one Shopify shop."""

    store_id: str
    name: str
    nhanh: NhanhAccount
    shopify: ShopifyAccount
    locations: tuple[LocationMapping, ...]
    auto_link_confidence: float = 0.90
    """Links below this confidence wait in the review list."""
    max_gone_percent: int = 10
    """A full pull that would mark more than this share, and at least 20 rows, as gone fails instead."""
    max_confirmed_age_seconds: int = 7 * 24 * 3600
    """A value confirmed at Shopify longer ago counts as unknown."""
