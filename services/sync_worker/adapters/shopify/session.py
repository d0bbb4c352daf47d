"""What all jobs of a process share of one shop beside its bucket: the access token, and what is known of versions."""

from dataclasses import dataclass

from sync_worker.adapters.http.port import Http
from sync_worker.adapters.shopify.tokens import Tokens, tokens_of
from sync_worker.adapters.shopify.versions import VersionWatch
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import ShopifyAccount


@dataclass(frozen=True, slots=True)
class ShopSession:
    """Who we are to a shop, and what it serves us."""

    tokens: Tokens
    versions: VersionWatch


def open_session(account: ShopifyAccount, http: Http, clock: Clock, call_seconds: float) -> ShopSession:
    """Begin one; nothing is asked yet."""
    return ShopSession(tokens_of(account, http, clock, call_seconds), VersionWatch(account.shop, account.api_version))
