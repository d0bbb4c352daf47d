"""The test of a store's connections, against the sandbox over HTTP: what is well, and each thing that can be wrong."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sandbox.faults import FaultKind, Rule
from sandbox.world import DEPOT_TO_LOCATION
from sync_worker.application.refusals import StoreNotFound
from sync_worker.application.store_check.check_store import Checker, StoreCheck, check_store
from sync_worker.application.store_check.findings import Verdict, verdict_of
from sync_worker.domain.stores import LocationMapping, Store

from tests.fakes.nhanh_shop import Shop, a_shop

DAY = 86_400


@dataclass
class Checked:
    """A shop whose connections are tested as its stores file has it; `store` may be changed before."""

    shop: Shop
    store: Store

    async def check(self, *, longest_seconds: float = 20.0) -> StoreCheck:
        """Test it."""
        checker = Checker({"hanoi": self.store}, self.shop.vendors, self.shop.clock, longest_seconds)
        return await check_store(checker, "hanoi")

    def stores_file(self, vendor: str, **changed: Any) -> None:
        """Change what the stores file says of a vendor."""
        self.store = replace(self.store, **{vendor: replace(getattr(self.store, vendor), **changed)})


@pytest.fixture
async def checked() -> AsyncIterator[Checked]:
    """A store that is well."""
    async with a_shop() as shop:
        token = shop.world.shop.access_token
        yield Checked(shop, replace(shop.store, shopify=replace(shop.store.shopify, credentials=token)))


async def test_a_store_that_is_well(checked: Checked) -> None:
    """Every fact that the vendors tell is there, and nothing is found."""
    check = await checked.check()
    assert (check.store_id, check.time) == ("hanoi", checked.shop.clock.now_micros())
    assert (check.nhanh.findings, check.shopify.findings) == ([], [])
    nhanh, shopify = check.nhanh.access, check.shopify.access
    assert nhanh is not None
    assert (nhanh.expires_at, check.nhanh.token_days_left) == (checked.shop.world.business.token_expires_at, 365)
    assert nhanh.depot_ids == frozenset({7, 8, 9})
    assert nhanh.permissions == ("product", "customer")
    assert shopify is not None
    assert (shopify.shop_name, shopify.currency) == ("Sandbox hanoi", "VND")
    assert shopify.scopes == {"write_customers", "write_inventory", "write_products", "read_locations"}
    assert (shopify.version_asked, shopify.version_served, shopify.version_warning) == ("2026-07", "2026-07", None)
    assert shopify.points is not None
    assert 0 < shopify.points.available <= shopify.points.maximum
    assert (shopify.token_granted, shopify.token_expires_at) == (False, None)
    assert sorted(checked.shop.world.calls.answered) == [
        "nhanh app/checkaccesstoken",
        "shopify currentAppInstallation",
        "shopify locations",
        "shopify shop",
    ]


def _revoke(checked: Checked) -> None:
    checked.shop.world.business.token_revoked = True


def _soon(days: float) -> Callable[[Checked], None]:
    def make(checked: Checked) -> None:
        checked.shop.world.business.token_expires_at = int(checked.shop.clock.now() + days * DAY)

    return make


def _grant_less(checked: Checked) -> None:
    checked.shop.world.business.granted_depots = {7}


def _without_key(checked: Checked) -> None:
    checked.stores_file("nhanh", secret_key=None)


def _wrong_key(checked: Checked) -> None:
    checked.stores_file("nhanh", secret_key="another")


def _unmapped_without_key(checked: Checked) -> None:
    _without_key(checked)
    checked.store = replace(checked.store, locations=())


NHANH = [
    (_revoke, Verdict.FAILED, "ERR_INVALID_ACCESS_TOKEN", ""),
    (_soon(30.0), Verdict.OK, "", ""),
    (_soon(29.9), Verdict.WARNING, "TOKEN_EXPIRES_SOON", "expires in 29 days"),
    (_soon(1.5), Verdict.WARNING, "TOKEN_EXPIRES_SOON", "expires in 1 day:"),
    (_soon(0.5), Verdict.WARNING, "TOKEN_EXPIRES_SOON", "expires today"),
    (_grant_less, Verdict.FAILED, "DEPOTS_NOT_GRANTED", "does not grant depots 8"),
    (_without_key, Verdict.FAILED, "SECRET_KEY_MISSING", "no stock of mapped depots can be pushed"),
    (_unmapped_without_key, Verdict.WARNING, "SECRET_KEY_MISSING", "secret_key_env or secret_key_file"),
    (_wrong_key, Verdict.FAILED, "ERR_INVALID_FORM_FIELDS", "secretKey"),
]


@pytest.mark.parametrize(("broken", "verdict", "code", "words"), NHANH)
async def test_what_can_be_wrong_at_nhanh(
    checked: Checked, broken: Callable[[Checked], None], verdict: Verdict, code: str, words: str
) -> None:
    """One finding each, with what to do; Shopify's side does not suffer from it."""
    broken(checked)
    check = await checked.check()
    assert verdict_of(check.nhanh.findings) is verdict
    assert [finding.code for finding in check.nhanh.findings] == ([code] if code else [])
    assert all(words in finding.message for finding in check.nhanh.findings)
    assert check.shopify.access is not None
    business = checked.shop.world.business
    assert not any(secret in repr(check) for secret in (business.access_token, business.secret_key))


def _bad_token(checked: Checked) -> None:
    checked.stores_file("shopify", credentials="shpat_not_the_right_one")


def _no_scope(checked: Checked) -> None:
    checked.shop.world.shop.scopes = {"read_customers", "write_inventory", "read_products", "read_locations"}


def _switched_off(checked: Checked) -> None:
    checked.shop.world.shop.locations[DEPOT_TO_LOCATION[7]].active = False


def _unknown_place(checked: Checked) -> None:
    checked.store = replace(checked.store, locations=(LocationMapping(7, DEPOT_TO_LOCATION[7]), LocationMapping(8, 99)))


def _nothing_mapped(checked: Checked) -> None:
    checked.store = replace(checked.store, locations=())


def _dollars(checked: Checked) -> None:
    checked.shop.world.shop.currency = "USD"


def _older_version(checked: Checked) -> None:
    checked.stores_file("shopify", api_version="2026-01")


def _no_places(checked: Checked) -> None:
    checked.shop.plan([Rule("shopify", "locations", FaultKind.INVALID_TOKEN, times=-1)])


SHOPIFY = [
    (_bad_token, Verdict.FAILED, "INVALID_TOKEN", "does not take the access token"),
    (_no_scope, Verdict.FAILED, "SCOPES_MISSING", "write_customers, write_products"),
    (_switched_off, Verdict.FAILED, "LOCATIONS_INACTIVE", str(DEPOT_TO_LOCATION[7])),
    (_unknown_place, Verdict.FAILED, "LOCATIONS_UNKNOWN", "99"),
    (_nothing_mapped, Verdict.FAILED, "LOCATIONS_NOT_MAPPED", "map depots to locations"),
    (_dollars, Verdict.WARNING, "CURRENCY_DIFFERS", "USD"),
    (_older_version, Verdict.FAILED, "API_VERSION_REPLACED", "serves version 2026-04 of its API in place of 2026-01"),
    (_no_places, Verdict.FAILED, "INVALID_TOKEN", "does not take the access token"),
]


@pytest.mark.parametrize(("broken", "verdict", "code", "words"), SHOPIFY)
async def test_what_can_be_wrong_at_shopify(
    checked: Checked, broken: Callable[[Checked], None], verdict: Verdict, code: str, words: str
) -> None:
    """One finding each, with what to do; Nhanh's side does not suffer from it."""
    broken(checked)
    check = await checked.check()
    assert verdict_of(check.shopify.findings) is verdict
    assert [finding.code for finding in check.shopify.findings] == [code]
    assert words in check.shopify.findings[0].message
    assert check.nhanh.access is not None
    assert checked.shop.world.shop.access_token not in repr(check)


@pytest.mark.parametrize("kind", [FaultKind.HTTP_503, FaultKind.HTML])
async def test_a_vendor_that_is_down_is_a_finding(checked: Checked, kind: FaultKind) -> None:
    """On either side, with the code that a job would fail with."""
    checked.shop.plan([Rule(vendor, "*", kind, times=-1) for vendor in ("nhanh", "shopify")])
    check = await checked.check()
    for side in (check.nhanh, check.shopify):
        (finding,) = side.findings
        assert (finding.verdict, finding.code in {"HTTP_503", "NOT_JSON"}) == (Verdict.FAILED, True)
        assert side.access is None


async def test_a_vendor_that_never_answers_is_not_waited_for(checked: Checked) -> None:
    """The test ends, and says so; the other side is whole."""
    checked.shop.plan([Rule("shopify", "*", FaultKind.HOLD, times=-1)])
    try:
        check = await checked.check(longest_seconds=0.5)
    finally:
        checked.shop.plan([])
    assert [finding.code for finding in check.shopify.findings] == ["TIMEOUT"]
    assert check.nhanh.findings == []


async def test_a_store_that_nobody_knows(checked: Checked) -> None:
    """Is refused."""
    with pytest.raises(StoreNotFound):
        await check_store(Checker({}, checked.shop.vendors, checked.shop.clock), "hanoi")
