"""What is told of a shop and of our access to it."""

from typing import Any

import httpx
import pytest
from sync_worker.application.ports.store_check import ShopifyPoints
from sync_worker.domain.failures import MalformedAnswer

from tests.fakes.granting_shop import DAY, GrantingShop, granted
from tests.fakes.shopify_http import ScriptedShop, answer

SHOP = {"shop": {"name": "Hà Nội", "currencyCode": "VND"}}
SCOPES = {"currentAppInstallation": {"accessScopes": [{"handle": "read_products"}]}}


def served(body: dict[str, Any], version: str) -> httpx.Response:
    """An answer by a version of the API."""
    given = answer(body, available=1_234.0)
    given.headers["X-Shopify-API-Version"] = version
    return given


async def test_a_shop_is_told_of_with_its_points() -> None:
    """As the last answer had them."""
    shop = ScriptedShop([served(SHOP, "2026-07"), served(SCOPES, "2026-07")])
    access = await shop.client.check_access()
    assert (access.shop_name, access.currency, access.scopes) == ("Hà Nội", "VND", {"read_products"})
    assert access.points == ShopifyPoints(2_000.0, 1_234.0, 100.0)
    assert (access.token_granted, access.token_expires_at) == (False, None)
    assert (access.version_served, access.version_warning, access.version_fault) == ("2026-07", None, None)


async def test_an_unchecked_version_is_a_fault() -> None:
    """A checked one in its place is a warning."""
    shop = ScriptedShop([served(SHOP, "2026-10"), served(SCOPES, "2026-10")])
    access = await shop.client.check_access()
    assert (access.version_warning is None, access.version_fault) == (False, None)
    shop = ScriptedShop([served(SHOP, "2027-04"), served(SCOPES, "2027-04")])
    access = await shop.client.check_access()
    assert access.version_fault is not None
    assert "2027-04" in access.version_fault


async def test_a_granted_token_has_an_end() -> None:
    """In Unix microseconds, a day less a second after it was granted."""
    shop = GrantingShop([granted("one")], answers=[answer(SHOP), answer(SCOPES)])
    access = await shop.client().check_access()
    assert access.token_granted
    assert access.token_expires_at == shop.clock.now_micros() + DAY * 1_000_000


@pytest.mark.parametrize(
    "bodies",
    [
        [{"shop": []}],
        [{"shop": {"currencyCode": "VND"}}],
        [{"shop": {"name": 7, "currencyCode": "VND"}}],
        [SHOP, {"currentAppInstallation": []}],
        [SHOP, {"currentAppInstallation": {}}],
        [SHOP, {"currentAppInstallation": {"accessScopes": [7]}}],
        [SHOP, {"currentAppInstallation": {"accessScopes": [{}]}}],
    ],
)
async def test_what_is_not_told_is_not_made_up(bodies: list[dict[str, Any]]) -> None:
    """No scopes is not the same as no word of scopes."""
    with pytest.raises(MalformedAnswer):
        await ScriptedShop([answer(body) for body in bodies]).client.check_access()
