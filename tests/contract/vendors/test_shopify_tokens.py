"""The Shopify client with tokens that the sandbox grants, over HTTP."""

from dataclasses import replace

import pytest
from sync_worker.domain.failures import AccessRefused
from sync_worker.domain.stores import ClientCredentials

from tests.fakes.shopify_shop import SandboxShop, a_shopify_shop, every_customer

DAY = 86_399


def granted(shop: SandboxShop, secret: str | None = None) -> SandboxShop:
    """Look at the shop as an app that is granted its tokens."""
    app = shop.world.shop.app
    account = replace(shop.account, credentials=ClientCredentials(app.client_id, secret or app.client_secret))
    return SandboxShop(shop.world, account, shop.plan, shop.http, shop.clock)


async def test_tokens_are_fetched_again_before_and_after_their_end() -> None:
    """One serves many calls; another comes when it expires, and when Shopify takes it back."""
    async with a_shopify_shop() as static:
        shop = granted(static)
        tokens = shop.world.shop.app.expires_at
        rows = len(await every_customer(shop.client()))
        assert (rows, len(tokens)) == (len(shop.world.shop.customers), 1)
        shop.clock.advance(DAY)
        assert len(await every_customer(shop.client())) == rows
        assert len(tokens) == 2
        tokens.clear()
        assert len(await every_customer(shop.client())) == rows
        assert len(tokens) == 1


async def test_a_wrong_secret_is_a_refusal() -> None:
    """It names what to check, and not the secret."""
    async with a_shopify_shop() as static:
        with pytest.raises(AccessRefused) as refusal:
            await every_customer(granted(static, "shpss_wrong").client())
        assert refusal.value.code == "CLIENT_REFUSED"
        assert "shpss_wrong" not in str(refusal.value)
