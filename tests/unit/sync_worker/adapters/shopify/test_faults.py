"""What each kind of trouble does to a read."""

import asyncio

import httpx
import pytest
from sync_worker.domain.failures import (
    AccessRefused,
    Draining,
    MalformedAnswer,
    OperationFailure,
    VendorRefusal,
    VendorUnavailable,
)
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

from tests.fakes.handled_http import HandledHttp
from tests.fakes.shopify_http import TOKEN, ScriptedShop, Step, errors, page, throttled

GOOD = page("productVariants", [])
ALL = ShopifyProductFilter()


def http(status: int, text: str = "<html>no</html>", **headers: str) -> httpx.Response:
    """An answer with a status and some text."""
    return httpx.Response(status, text=text, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def read(*steps: Step) -> ScriptedShop:
    """Read a page from a shop that answers so."""
    shop = ScriptedShop(list(steps))
    await shop.client.variant_page(ALL, None)
    return shop


async def test_who_has_a_new_token_is_told_where_it_belongs() -> None:
    """SyncWorker reads it once, when it starts."""
    with pytest.raises(AccessRefused, match="where the stores file names it, and restart SyncWorker"):
        await read(http(401))


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (http(401), "INVALID_TOKEN"),
        (http(402), "SHOP_FROZEN"),
        (http(403, '{"errors": "Missing scope"}'), "ACCESS_DENIED"),
        (http(404), "SHOP_NOT_FOUND"),
        (http(301), "SHOP_NOT_FOUND"),
        (http(423), "SHOP_LOCKED"),
        (errors("ACCESS_DENIED", "Required access: `read_products`", {"productVariants": None}), "ACCESS_DENIED"),
        (errors("ACCESS_DENIED", "Required access", {"productVariants": {"nodes": []}}), "ACCESS_DENIED"),
        (errors("SHOP_INACTIVE"), "SHOP_INACTIVE"),
    ],
)
async def test_refused_access_is_told_at_once(step: Step, code: str) -> None:
    """Credentials and permissions do not heal by trying again."""
    shop = ScriptedShop([step])
    with pytest.raises(AccessRefused) as caught:
        await shop.client.variant_page(ALL, None)
    assert caught.value.code == code
    assert len(shop.asked) == 1


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (http(400), "HTTP_400"),
        (http(413), "HTTP_413"),
        (errors("MAX_COST_EXCEEDED"), "MAX_COST_EXCEEDED"),
        (errors("INVALID_VARIABLE"), "INVALID_VARIABLE"),
        (errors("undefinedField"), "undefinedField"),
        (errors(None), "GRAPHQL_ERROR"),
        (errors("BAD_REQUEST", data={"productVariants": None}), "BAD_REQUEST"),
        (errors("THROTTLED", requested=3_000.0, actual=None), "COST_OVER_BUCKET"),
    ],
)
async def test_a_refusal_is_told_at_once(step: Step, code: str) -> None:
    """What Shopify understood and will not do, it will not do the next time either."""
    shop = ScriptedShop([step])
    with pytest.raises(VendorRefusal) as caught:
        await shop.client.variant_page(ALL, None)
    assert caught.value.code == code
    assert len(shop.asked) == 1


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (http(500), "HTTP_500"),
        (http(502), "HTTP_502"),
        (http(503), "HTTP_503"),
        (http(504), "HTTP_504"),
        (http(408), "HTTP_408"),
        (http(430), "HTTP_430"),
        (http(530), "HTTP_530"),
        (http(200), "NOT_JSON"),
        (http(200, '{"data": {"productVar'), "NOT_JSON"),
        (errors("INTERNAL_SERVER_ERROR", data={"productVariants": None}), "INTERNAL_SERVER_ERROR"),
        (errors(None, "Timeout"), "INTERNAL_SERVER_ERROR"),
        (httpx.Response(200, json={"errors": "Something went wrong"}), "INTERNAL_SERVER_ERROR"),
        (httpx.ConnectError("refused"), "CONNECTION_FAILED"),
        (httpx.ConnectTimeout("slow"), "CONNECTION_FAILED"),
        (httpx.ReadTimeout("slow"), "TIMEOUT"),
        (httpx.ReadError("reset"), "CONNECTION_LOST"),
        (httpx.RemoteProtocolError("cut"), "CONNECTION_LOST"),
        (TimeoutError(), "TIMEOUT"),
    ],
)
async def test_a_fault_is_tried_again_within_bounds(step: Step, code: str) -> None:
    """One fault is survived and counted; a lasting one ends as unavailable after five attempts."""
    shop = await read(step, GOOD)
    assert (shop.client.metrics.api_calls, shop.client.metrics.retries) == (2, 1)
    shop = ScriptedShop([step])
    with pytest.raises(VendorUnavailable) as caught:
        await shop.client.variant_page(ALL, None)
    assert (caught.value.code, caught.value.outcome_unknown, caught.value.retryable) == (code, False, True)
    assert len(shop.asked) == 5
    assert shop.clock.elapsed == pytest.approx(0.5 + 1 + 2 + 4)


async def test_slow_faults_are_tried_less_often() -> None:
    """All attempts together, with their waits, keep within a minute."""
    shop = ScriptedShop([httpx.ReadTimeout("slow")])
    shop.on_call = lambda: shop.clock.advance(15.0)
    with pytest.raises(VendorUnavailable):
        await shop.client.variant_page(ALL, None)
    assert len(shop.asked) == 3
    assert shop.clock.elapsed <= 60.0


async def test_retry_after_of_a_fault_is_obeyed() -> None:
    """Shopify's own time goes before ours."""
    shop = await read(http(503, Retry_After="6.0"), GOOD)
    assert shop.clock.elapsed == pytest.approx(6.0)


async def test_throttled_is_a_wait_and_no_retry() -> None:
    """The call goes again when the bucket holds its cost: 30 points missing at 100 a second."""
    shop = await read(throttled(), GOOD)
    assert shop.clock.elapsed == pytest.approx(0.3, abs=0.005)
    metrics = shop.client.metrics
    assert metrics.retries == 0
    assert metrics.rate_limit_wait_seconds == pytest.approx(0.3, abs=0.005)


@pytest.mark.parametrize(("header", "seconds"), [("2.0", 2.0), ("3", 3.0), (None, 1.0), ("soon", 1.0)])
async def test_429_holds_the_whole_shop(header: str | None, seconds: float) -> None:
    """Other jobs of the shop wait as well; without a readable time, a second is waited."""
    step = http(429) if header is None else http(429, Retry_After=header)
    shop = ScriptedShop([step, GOOD])
    await asyncio.gather(shop.client.variant_page(ALL, None), shop.another(call_seconds=0.02).variant_page(ALL, None))
    assert shop.clock.elapsed >= seconds
    assert shop.client.metrics.rate_limit_wait_seconds >= seconds
    assert shop.client.metrics.retries == 0


@pytest.mark.parametrize("step", [throttled(), http(429, Retry_After="1")])
async def test_a_limit_that_never_lets_go_is_given_up(step: Step) -> None:
    """Thirty times too early in a row is enough."""
    shop = ScriptedShop([step])
    with pytest.raises(VendorUnavailable) as caught:
        await shop.client.variant_page(ALL, None)
    assert caught.value.code in {"THROTTLED", "HTTP_429"}
    assert len(shop.asked) == 31


async def test_a_very_long_retry_after_is_left_to_the_job() -> None:
    """Ten minutes are not waited inside a call, by no job of the shop, and nothing leaves before they are over."""
    shop = ScriptedShop([http(429, Retry_After="600"), GOOD])
    for passed in (0.0, 200.0, 479.0):
        shop.clock.advance(passed - shop.clock.elapsed)
        with pytest.raises(
            VendorUnavailable, match="call less" if not passed else f"another {600 - passed:.0f} s"
        ) as caught:
            await shop.another().variant_page(ALL, None)
        assert (caught.value.code, caught.value.retryable) == ("HTTP_429", True)
        assert caught.value.retry_after == pytest.approx(600.0 - passed, abs=0.01)
        assert len(shop.asked) == 1
    shop.clock.advance(1.0)
    await shop.another().variant_page(ALL, None)
    assert shop.clock.elapsed == pytest.approx(600.0, abs=0.01)
    assert len(shop.asked) == 2


async def test_an_absurd_retry_after_holds_a_shop_for_an_hour() -> None:
    """No broken proxy keeps a shop from being called for days."""
    shop = ScriptedShop([http(429, Retry_After="1000000"), GOOD])
    with pytest.raises(VendorUnavailable) as caught:
        await shop.client.variant_page(ALL, None)
    assert caught.value.retry_after == 3_600.0
    shop.clock.advance(3_600.0)
    await shop.another().variant_page(ALL, None)
    assert len(shop.asked) == 2


async def test_a_retry_after_of_a_fault_that_is_too_long_for_a_call_is_the_jobs() -> None:
    """The call ends at once, and says when a next attempt makes sense."""
    shop = ScriptedShop([http(503, Retry_After="300")])
    with pytest.raises(VendorUnavailable) as caught:
        await shop.client.variant_page(ALL, None)
    assert (caught.value.code, caught.value.retry_after, len(shop.asked)) == ("HTTP_503", 300.0, 1)


@pytest.mark.parametrize(
    "body",
    [
        [],
        7,
        {},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"productVariants": None}},
        {"data": {"customers": {}}},
        {"errors": 7},
        {"errors": {"base": "no"}, "data": {"productVariants": {"nodes": []}}},
        {"errors": [{"message": "one is missing"}], "data": {"productVariants": {"nodes": [None]}}},
        {"errors": ["?"], "data": {"productVariants": None}},
    ],
)
async def test_an_answer_in_part_is_no_answer(body: object) -> None:
    """Data beside an error is not taken, and no answer is not an empty one."""
    with pytest.raises(MalformedAnswer):
        await read(httpx.Response(200, json=body))


async def test_a_search_that_shopify_passes_over_is_refused() -> None:
    """Shopify answers everything when it does not know a field of a search; it says so beside the data."""
    warnings = [{"path": ["customers"], "warnings": [{"field": "colour", "message": "Invalid search field."}]}]
    body = {"data": {"customers": {}}, "extensions": {"search": warnings}}
    shop = ScriptedShop([httpx.Response(200, json=body)])
    with pytest.raises(VendorRefusal, match=r"Invalid search field\.") as caught:
        await shop.client.customer_page(ShopifyCustomerFilter("colour:red"), None)
    assert caught.value.code == "INVALID_SEARCH"


@pytest.mark.parametrize(
    "step",
    [
        http(401, f'{{"errors": "token {TOKEN} is bad"}}'),
        http(403, f'{{"errors": "token {TOKEN} is bad"}}'),
        http(400, f'{{"errors": "token {TOKEN} is bad"}}'),
        errors("INVALID_VARIABLE", f"with {TOKEN}"),
        httpx.ConnectError(f"with {TOKEN}"),
        httpx.ReadError(f"with {TOKEN}"),
    ],
)
async def test_no_failure_holds_the_token(step: Step) -> None:
    """Not even where the vendor, or a proxy on the way, sends it back."""
    with pytest.raises(OperationFailure) as caught:
        await read(step)
    assert TOKEN not in f"{caught.value!r} {caught.value.message} {caught.value.code}"


async def test_what_stops_the_work_stops_the_retries() -> None:
    """The gate stands before each attempt."""
    shop = ScriptedShop([http(503)])

    def drain() -> None:
        shop.gate.stop = Draining()

    shop.on_call = drain
    with pytest.raises(Draining):
        await shop.client.variant_page(ALL, None)
    assert len(shop.asked) == 1


async def test_a_cancelled_call_gives_its_points_back_as_spent() -> None:
    """The task that waits for an answer may be cancelled: what it had cost is restored with time, and holds nobody."""
    shop = ScriptedShop([asyncio.CancelledError()])
    shop.on_call = lambda: shop.clock.advance(1.0)
    for _ in range(40):
        with pytest.raises(asyncio.CancelledError):
            await shop.client.variant_page(ALL, None)
    assert shop.client.metrics.rate_limit_wait_seconds == 0.0


async def test_an_answer_that_only_drips_is_cut_off() -> None:
    """The bound holds for the whole call, not for each wait within it: the lease was asked for no longer."""
    shop = ScriptedShop([GOOD])
    asked = 0

    async def never(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    shop.http = HandledHttp(never)
    with pytest.raises(VendorUnavailable) as caught:
        await shop.another(call_seconds=0.02).variant_page(ALL, None)
    assert caught.value.code == "TIMEOUT"
    assert asked == 5
    assert shop.gate.passed == [0.02] * 5
