"""Granted access tokens: fetched once for all, replaced in time, and once anew when Shopify takes one back."""

import asyncio

import httpx
import pytest
from structlog.testing import capture_logs
from sync_worker.domain.failures import AccessRefused, Draining, MalformedAnswer, OperationFailure, VendorUnavailable
from sync_worker.domain.requests import ShopifyProductFilter

from tests.fakes.granting_shop import DAY, SECRET, GrantingShop, granted
from tests.fakes.open_gate import OpenGate
from tests.fakes.shopify_http import ScriptedShop, Step, page

ALL = ShopifyProductFilter()


class ShortLease(OpenGate):
    """A gate that lets nothing through until the lease has been renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.renewed = asyncio.Event()

    async def pass_through(self, timeout_seconds: float) -> None:
        """Wait for that."""
        self.reached.set()
        await self.renewed.wait()
        await super().pass_through(timeout_seconds)


async def test_a_token_is_asked_for_as_shopify_says() -> None:
    """By the client credentials grant, as a form, at the shop; then calls carry what was granted."""
    shop = GrantingShop([granted("one")])
    await shop.read()
    assert shop.asked == [{"grant_type": ["client_credentials"], "client_id": ["our-app"], "client_secret": [SECRET]}]
    assert shop.seen == ["one"]
    assert shop.gate.passed == [15.0, 15.0]


async def test_jobs_that_begin_together_share_one_token() -> None:
    """One of them asks, the others wait for it."""
    shop = GrantingShop([granted("one"), granted("two")])
    await asyncio.gather(*(shop.read() for _ in range(5)))
    assert (len(shop.asked), shop.seen) == (1, ["one"] * 5)


@pytest.mark.parametrize(("seconds", "margin"), [(DAY, 300.0), (600, 60.0)])
async def test_a_token_is_replaced_before_it_expires(seconds: float, margin: float) -> None:
    """Five minutes before, or after nine tenths of a short life; not a second sooner."""
    shop = GrantingShop([granted("one", seconds), granted("two", seconds)])
    await shop.read()
    shop.clock.advance(seconds - margin - 1.0)
    await shop.read()
    shop.clock.advance(1.0)
    await shop.read()
    assert shop.seen == ["one", "one", "two"]


async def test_a_token_that_was_taken_back_is_replaced_once() -> None:
    """The call is made again with the new one, and the operation does not notice."""
    shop = GrantingShop([granted("one"), granted("two")], good=lambda token: token == "two")
    await shop.read()
    assert shop.seen == ["one", "two"]
    await shop.read()
    assert (shop.seen[2:], len(shop.asked)) == (["two"], 2)


async def test_a_token_that_is_taken_back_again_ends_the_attempt() -> None:
    """Two in a row are no accident: no third is asked for."""
    shop = GrantingShop([granted("one"), granted("two"), granted("three")], good=lambda _token: False)
    with pytest.raises(AccessRefused) as caught:
        await shop.read()
    assert caught.value.code == "INVALID_TOKEN"
    assert shop.seen == ["one", "two"]


async def test_jobs_that_see_one_token_taken_back_ask_for_one_new_one() -> None:
    """Whoever comes later finds that it has been replaced."""
    shop = GrantingShop([granted("one"), granted("two"), granted("three")])
    await shop.read()
    shop.good = lambda token: token != "one"
    await asyncio.gather(*(shop.read() for _ in range(4)))
    assert len(shop.asked) == 2
    assert shop.seen[-4:] == ["two"] * 4


async def test_a_static_token_is_not_asked_for_again() -> None:
    """There is no other."""
    shop = ScriptedShop([httpx.Response(401, json={"errors": "no"}), page("productVariants", [])])
    with pytest.raises(AccessRefused):
        await shop.client.variant_page(ALL, None)
    assert len(shop.asked) == 1


@pytest.mark.parametrize(
    "step",
    [
        httpx.Response(400, json={"error": "invalid_client", "error_description": f"no {SECRET}"}),
        httpx.Response(400, json={"error": "shop_not_permitted"}),
        httpx.Response(401, text="<html>"),
        httpx.Response(403, json={"errors": [1]}),
    ],
)
async def test_a_client_that_is_refused_is_told_what_to_check(step: httpx.Response) -> None:
    """At once, with Shopify's own reason and without the secret."""
    shop = GrantingShop([step])
    with pytest.raises(AccessRefused, match="check client_id and client_secret_env or _file") as caught:
        await shop.read()
    assert caught.value.code == "CLIENT_REFUSED"
    assert "where the stores file names it, and restart SyncWorker" in caught.value.message
    assert SECRET not in caught.value.message
    assert (len(shop.asked), shop.seen) == (1, [])


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (httpx.Response(503, text="<html>"), "HTTP_503"),
        (httpx.Response(430), "HTTP_430"),
        (httpx.Response(200, text="<html>"), "NOT_JSON"),
        (httpx.ConnectError(f"with {SECRET}"), "CONNECTION_FAILED"),
        (httpx.ReadTimeout("slow"), "TIMEOUT"),
    ],
)
async def test_a_fault_at_the_grant_is_tried_again_within_bounds(step: Step, code: str) -> None:
    """As one of a call is; nothing was sent to the API, so no write is in doubt."""
    shop = GrantingShop([step, granted("one")])
    await shop.read()
    assert shop.seen == ["one"]
    shop = GrantingShop([step])
    with pytest.raises(VendorUnavailable) as caught:
        await shop.read()
    assert (caught.value.code, caught.value.outcome_unknown) == (code, False)
    assert SECRET not in caught.value.message
    assert (len(shop.asked), shop.seen) == (5, [])


async def test_a_grant_that_is_asked_for_too_often_waits() -> None:
    """As long as Shopify says, and it is no retry."""
    shop = GrantingShop([httpx.Response(429, headers={"Retry-After": "7.0"}), granted("one")])
    client = shop.client()
    await client.variant_page(ALL, None)
    assert (shop.clock.elapsed, client.metrics.retries) == (pytest.approx(7.0), 0)
    assert shop.asked_at == [0.0, pytest.approx(7.0)]


async def test_a_grant_that_is_long_asked_for_too_often_fails() -> None:
    """No call waits for so long, and no other job asks meanwhile."""
    shop = GrantingShop([httpx.Response(429, headers={"Retry-After": "500"})])
    for rest in (500.0, 400.0, 300.0):
        with pytest.raises(VendorUnavailable) as caught:
            await shop.read()
        assert caught.value.retry_after == pytest.approx(rest, abs=0.01)
        shop.clock.advance(100.0)
    assert len(shop.asked) == 1


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        (httpx.Response(400, json={"error": "invalid_client"}), AccessRefused),
        (httpx.Response(200, json={}), MalformedAnswer),
    ],
)
async def test_a_failed_grant_fails_for_all_who_waited_for_it(step: Step, failure: type[Exception]) -> None:
    """One request; whoever asked for it."""
    shop = GrantingShop([step])
    ended = await asyncio.gather(*(shop.read() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in ended] == [failure] * 5
    assert len(shop.asked) == 1


async def test_all_who_waited_for_a_faulty_grant_try_again_together() -> None:
    """Each counts it as an attempt of its own, and one of them asks again."""
    shop = GrantingShop([httpx.Response(503), granted("one")])
    await asyncio.gather(*(shop.read() for _ in range(5)))
    assert (len(shop.asked), shop.seen) == (2, ["one"] * 5)


async def test_a_refused_grant_is_not_asked_for_again_at_once() -> None:
    """Jobs that come within ten seconds hear of the refusal; the next one finds what was mended meanwhile."""
    shop = GrantingShop([httpx.Response(400, json={"error": "shop_not_permitted"}), granted("one")])
    for _ in range(10):
        with pytest.raises(AccessRefused):
            await shop.read()
        shop.clock.advance(0.99)
    assert len(shop.asked) == 1
    shop.clock.advance(0.2)
    await shop.read()
    assert (len(shop.asked), shop.seen) == (2, ["one"])


async def test_a_job_that_waits_at_its_gate_holds_up_no_other() -> None:
    """Its lease may be short; another's is not."""
    shop = GrantingShop([granted("one")])
    gate = ShortLease()
    waiting = asyncio.create_task(shop.client(gate).variant_page(ALL, None))
    await gate.reached.wait()
    await asyncio.wait_for(shop.read(), 5.0)
    gate.renewed.set()
    await waiting
    assert (len(shop.asked), shop.seen) == (1, ["one", "one"])


async def test_when_the_one_who_asks_is_cut_short_another_asks() -> None:
    """Behind a gate of its own: the lease that was long enough is older now."""
    shop = GrantingShop([granted("one")])
    second = OpenGate()
    jobs = [asyncio.create_task(shop.client(gate).variant_page(ALL, None)) for gate in (OpenGate(), second)]
    shop.may_grant.clear()
    await shop.was_asked.wait()
    jobs[0].cancel()
    shop.may_grant.set()
    await jobs[1]
    assert jobs[0].cancelled()
    assert (len(shop.asked), shop.seen, len(second.passed)) == (2, ["one"], 2)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"expires_in": DAY},
        {"access_token": "", "expires_in": DAY},
        {"access_token": 7, "expires_in": DAY},
        {"access_token": "a\nb", "expires_in": DAY},
        {"access_token": "one"},
        {"access_token": "one", "expires_in": 0},
        {"access_token": "one", "expires_in": "a day"},
        {"access_token": "one", "expires_in": True},
    ],
)
async def test_a_grant_that_grants_nothing_is_malformed(body: object) -> None:
    """A token that nobody knows the end of is not used."""
    shop = GrantingShop([httpx.Response(200, json=body)])
    with pytest.raises(MalformedAnswer):
        await shop.read()
    assert shop.seen == []


async def test_no_token_is_asked_for_behind_a_shut_gate() -> None:
    """A job that stops, or may have lost its lease, makes no call of any kind; the next job is not held up."""
    shop = GrantingShop([granted("one")])
    with pytest.raises(Draining):
        await shop.client(OpenGate(stop=Draining())).variant_page(ALL, None)
    assert shop.asked == []
    await shop.read()
    assert shop.seen == ["one"]


async def test_nothing_that_is_logged_or_raised_holds_a_secret() -> None:
    """Neither the client's secret nor a token."""
    shop = GrantingShop(
        [granted("one-token-of-many-letters"), granted("two-token-of-many-letters")], good=lambda _: False
    )
    with capture_logs() as logs, pytest.raises(OperationFailure) as caught:
        await shop.read()
    assert [entry["event"] for entry in logs] == ["shopify_granted_a_token"] * 2
    for secret in (SECRET, "-token-of-many-letters"):
        assert secret not in f"{logs} {caught.value!r} {caught.value.message}"
    assert SECRET not in repr(shop.account)
