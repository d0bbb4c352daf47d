"""The Nhanh client's reads, against the sandbox's Nhanh over HTTP."""

from decimal import Decimal
from typing import Any

import pytest
from sync_worker.application.ports.nhanh import MAX_IDS, StockAnswer
from sync_worker.domain.failures import AccessRefused, VendorFailure, VendorRefusal
from sync_worker.domain.money import scaled
from sync_worker.domain.products import NhanhStock
from sync_worker.domain.requests import NhanhProductFilter
from sync_worker.domain.stores import NhanhAccount, Store

from tests.fakes.nhanh_shop import a_shop, every_customer, every_product
from tests.fakes.pages import rows_of


def money(written: object) -> int | None:
    """What an amount of the sandbox means."""
    return None if written in (None, "") else scaled(Decimal(str(written)))


async def test_every_product_is_read_once_in_order() -> None:
    """Children and standalone products, never parents, with the prices that Nhanh has."""
    async with a_shop() as shop:
        found = await every_product(shop.nhanh())
        assert [row.nhanh_id for row in found] == sorted(shop.sellable)
        assert len(found) > MAX_IDS, "the list has several pages"
        retail = {row.nhanh_id: row.price_retail for row in found}
        assert retail == {one: money(row["prices"]["retail"]) for one, row in shop.sellable.items()}
        assert {
            row.nhanh_id for row in found if row.stock is None
        } == shop.sellable.keys() - shop.world.business.stock.keys()


async def test_every_customer_is_read_once() -> None:
    """With the spend that Nhanh has: unknown stays unknown."""
    async with a_shop() as shop:
        found = await every_customer(shop.nhanh())
        customers = shop.world.business.customers
        assert sorted(row.nhanh_id for row in found) == sorted(customers)
        assert len(found) > MAX_IDS, "the list has several pages"
        spends = {row.nhanh_id: row.total_spent for row in found}
        assert spends == {one: money(row["totalAmount"]) for one, row in customers.items()}
        assert None in spends.values(), "some are unknown"


async def test_a_filter_narrows_the_list() -> None:
    """By the vendor's own reading of it."""
    async with a_shop() as shop:
        nhanh = shop.nhanh()
        since = sorted(int(row["updatedAt"]) for row in shop.sellable.values())[-20]
        wanted = NhanhProductFilter(statuses=(2,), updated_since=since)
        found = await rows_of(lambda cursor: nhanh.product_page(wanted, cursor))
        expected = {
            one for one, row in shop.sellable.items() if int(row["status"]) == 2 and int(row["updatedAt"]) >= since
        }
        assert {row.nhanh_id for row in found} == expected
        assert expected


async def test_stock_is_that_of_the_granted_depots() -> None:
    """Ids without a stock record are missing, as are ids that Nhanh does not know; product/list tells them apart."""
    async with a_shop() as shop:
        nhanh = shop.nhanh()
        business = shop.world.business
        unstocked = sorted(shop.sellable.keys() - business.stock.keys())
        ids = [*unstocked[:5], *sorted(business.stock.keys() & shop.sellable.keys())[:80], 999_999_999]
        granted = business.granted_depots
        assert unstocked
        assert granted is not None
        expected = {}
        for one in ids:
            if one in business.stock and one in shop.sellable:
                depots = {depot: amount for depot, amount in business.stock[one].items() if depot in granted}
                by_depot = {depot: scaled(Decimal(str(amount))) for depot, amount in depots.items()}
                expected[one] = NhanhStock(scaled(Decimal(str(sum(depots.values())))), by_depot)
        assert await nhanh.stock_of(ids) == StockAnswer(expected)
        confirmed = await nhanh.products_by_id([*unstocked[:5], 999_999_999])
        assert {one: row.stock for one, row in confirmed.products.items()} == dict.fromkeys(unstocked[:5])
        assert confirmed.refused == {}


async def test_access_is_told() -> None:
    """Which depots the token grants, and until when."""
    async with a_shop() as shop:
        access = await shop.nhanh().check_access()
        assert access.depot_ids == frozenset(shop.world.business.granted_depots or ())
        assert access.expires_at == shop.world.business.token_expires_at
        shop.world.business.granted_depots = None
        assert (await shop.nhanh().check_access()).depot_ids is None


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ({"access_token": "another"}, AccessRefused),
        ({"app_id": 999}, AccessRefused),
        ({"business_id": 999}, AccessRefused),
        ({"secret_key": "another"}, VendorRefusal),
    ],
)
async def test_a_wrong_account_is_refused_at_once(account: dict[str, Any], kind: type[VendorFailure]) -> None:
    """One call, no retry."""
    async with a_shop(**account) as shop:
        nhanh = shop.nhanh()
        with pytest.raises(kind):
            await nhanh.check_access()
        assert nhanh.metrics.api_calls == 1


async def test_a_wrong_address_is_refused_at_once() -> None:
    """An HTML page with 404 says that nothing is there."""
    async with a_shop() as shop:
        account = shop.store.nhanh
        wrong = Store(
            "hanoi",
            "Hanoi",
            NhanhAccount(f"{account.base_url}/elsewhere", 1, 1, "token", "key", 0, 30.0),
            shop.store.shopify,
            (),
        )
        with pytest.raises(VendorRefusal, match="base_url"):
            await shop.vendors.nhanh(wrong, shop.gate).check_access()
