"""What a shop says of itself and of our access, for the test of a store's connections."""

from collections.abc import Mapping

from sync_worker.adapters.shopify import documents
from sync_worker.adapters.shopify.attempts import Attempts
from sync_worker.adapters.shopify.transport import Request, Transport
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.store_check import ShopifyAccess, ShopifyPoints
from sync_worker.domain.failures import MalformedAnswer


async def shop_access(attempts: Attempts, transport: Transport, clock: Clock) -> ShopifyAccess:
    """Ask what the shop is and which scopes our app was granted; the rest comes with the answers' headers and costs.

    Raises:
        VendorFailure: As `Attempts.read` says.
    """
    shop = _object(await attempts.read(Request(documents.SHOP, {})), "the shop")
    installation = _object(await attempts.read(Request(documents.SCOPES, {})), "the app's installation")
    tokens, versions, throttle = transport.session.tokens, transport.session.versions, transport.throttle
    expires_at, objection = tokens.expires_at(), versions.against_writing()
    return ShopifyAccess(
        shop_name=_text(shop, "name"),
        currency=_text(shop, "currencyCode"),
        scopes=_scopes(installation.get("accessScopes")),
        version_asked=versions.asked,
        version_served=versions.served,
        version_warning=versions.warning() if versions.replaced else None,
        version_fault=None if objection is None else objection.message,
        points=None if throttle is None else ShopifyPoints(throttle.maximum, throttle.available, throttle.restore_rate),
        token_granted=tokens.granted,
        token_expires_at=None
        if expires_at is None
        else clock.now_micros() + round((expires_at - clock.monotonic()) * 1_000_000),
    )


def _scopes(given: object) -> frozenset[str]:
    if not isinstance(given, list):
        raise MalformedAnswer("shopify", "Shopify does not say which scopes the app was granted")
    return frozenset(_text(_object(scope, "a scope"), "handle") for scope in given)


def _object(given: object, what: str) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise MalformedAnswer("shopify", f"{what} is no JSON object")
    return given


def _text(given: Mapping[str, object], name: str) -> str:
    found = given.get(name)
    if not isinstance(found, str):
        raise MalformedAnswer("shopify", f"{name} is no text")
    return found
