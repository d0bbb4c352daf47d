"""Another version of the API than was asked for, and what Shopify calls deprecated."""

import httpx
import pytest
from structlog.testing import capture_logs
from sync_worker.adapters.shopify.documents import CHECKED_VERSIONS
from sync_worker.adapters.shopify.versions import VersionWatch
from sync_worker.application.ports.shopify import BatchOutcome, SpendChange
from sync_worker.domain.failures import VendorRefusal
from sync_worker.domain.requests import ShopifyProductFilter

from tests.fakes.shopify_http import ScriptedShop, answer, page, user_errors
from tests.fakes.shopify_schema import VERSIONS

ALL = ShopifyProductFilter()


def served(response: httpx.Response, version: str | None, reason: str | None = None) -> httpx.Response:
    """An answer with what its headers say."""
    if version is not None:
        response.headers["X-Shopify-API-Version"] = version
    if reason is not None:
        response.headers["X-Shopify-API-Deprecated-Reason"] = reason
    return response


def test_every_checked_version_is_checked() -> None:
    """Those that we go on writing under are those whose schemas our documents are held against."""
    assert CHECKED_VERSIONS == VERSIONS


@pytest.mark.parametrize("version", [None, "2026-07", "2026-10"])
async def test_a_version_that_was_checked_is_written_under(version: str | None) -> None:
    """The one that was asked for, a later one that our documents are known to suit, or no word at all."""
    shop = ScriptedShop([served(page("productVariants", []), version), user_errors("metafieldsSet")])
    await shop.client.variant_page(ALL, None)
    assert await shop.client.set_spends([SpendChange(1, 2)]) == BatchOutcome(True, {})


def test_a_header_that_is_no_text_is_told_as_what_can_be_read_of_it() -> None:
    """Its bytes come as halves of surrogate pairs, which neither a log nor a job's message can hold."""
    watch = VersionWatch("hanoi", "2026-07")
    with capture_logs() as logs:
        watch.see({"x-shopify-api-version": "2025\udcff", "x-shopify-api-deprecated-reason": "\udcffold"})
    objection = watch.against_writing()
    assert objection is not None
    assert "version 2025? of its API" in objection.message.encode().decode()
    assert [each.get("reason") for each in logs] == [None, "?old"]


async def test_nothing_is_written_under_a_version_that_nobody_checked() -> None:
    """It may take the same mutation otherwise; reading goes on, and the refusal says what to set."""
    shop = ScriptedShop([served(page("productVariants", []), "2027-01")])
    await shop.client.variant_page(ALL, None)
    with pytest.raises(VendorRefusal, match="set api_version in the stores file to one of 2026-07, 2026-10") as caught:
        await shop.client.set_spends([SpendChange(1, 2)])
    assert caught.value.code == "API_VERSION_REPLACED"
    await shop.client.variant_page(ALL, None)
    assert len(shop.asked) == 2


async def test_a_first_call_that_would_write_asks_first() -> None:
    """Only an answer tells which version is served; once a process is enough, whether or not it is told."""
    told = served(answer({"shop": {"name": "Hanoi", "currencyCode": "VND"}}), "2027-01")
    shop = ScriptedShop([told], new=True)
    with pytest.raises(VendorRefusal) as caught:
        await shop.client.set_spends([SpendChange(1, 2)])
    assert caught.value.code == "API_VERSION_REPLACED"
    assert [body["query"].split()[1] for body in shop.asked] == ["Shop"]

    untold = served(answer({"shop": {"name": "Hanoi", "currencyCode": "VND"}}), None)
    shop = ScriptedShop([untold, user_errors("metafieldsSet")], new=True)
    assert await shop.client.set_spends([SpendChange(1, 2)]) == BatchOutcome(True, {})
    assert await shop.another().set_spends([SpendChange(1, 2)]) == BatchOutcome(True, {})
    assert len(shop.asked) == 3


async def test_what_is_deprecated_is_told_once() -> None:
    """By its reason."""
    reason = "https://shopify.dev/api/usage/versioning"
    shop = ScriptedShop([served(page("productVariants", []), "2026-07", reason)])
    with capture_logs() as logs:
        await shop.client.variant_page(ALL, None)
        await shop.client.variant_page(ALL, None)
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("shopify_calls_it_deprecated", reason)]
