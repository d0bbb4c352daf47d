"""The client credentials grant, over HTTP."""

from typing import Any

import httpx
import pytest
from sandbox.faults import FaultKind

from tests.contract.sandbox.conftest import Caller, calling

SHOP = "{ shop { name } }"
PATH = "/shopify/hanoi/admin/oauth/access_token"


def credentials(box: Caller, **change: Any) -> dict[str, Any]:
    """What the app sends."""
    app = box.store.shop.app
    given = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": app.client_secret}
    return {**given, **change}


@pytest.mark.parametrize("form", [False, True])
async def test_a_token_is_granted_for_a_day(box: Caller, form: bool) -> None:
    """For a form or for JSON; it is taken until it expires, then HTTP 401, and the token that stays is taken all the while."""
    given = credentials(box)
    answer = await box.http.post(PATH, **({"data": given} if form else {"json": given}))
    assert answer.status_code == 200
    granted = answer.json()
    assert granted == {
        "access_token": granted["access_token"],
        "scope": "read_locations,write_customers,write_inventory,write_products",
        "expires_in": 86_399,
    }
    assert granted["access_token"] != box.store.shop.access_token
    statuses = []
    for seconds in (0.0, 86_398.0, 1.0):
        box.clock.advance(seconds)
        statuses.append((await box.post_shopify(SHOP, token=granted["access_token"])).status_code)
    assert statuses == [200, 200, 401]
    assert (await box.post_shopify(SHOP)).status_code == 200
    assert box.store.calls.answered["shopify oauth/access_token"] == 1


async def test_a_token_is_good_in_one_shop() -> None:
    """The other shop has credentials of its own, and neither takes what the other granted; a life can be short."""
    async with calling(token_seconds=5) as box:
        granted = (await box.http.post(PATH, data=credentials(box))).json()
        assert granted["expires_in"] == 5
        there = "/shopify/danang/admin/api/2026-07/graphql.json"
        assert (await box.post_shopify(SHOP, token=granted["access_token"], path=there)).status_code == 401
        other = PATH.replace("hanoi", "danang")
        assert (await box.http.post(other, data=credentials(box))).status_code == 400
        assert (await box.http.post(PATH.replace("hanoi", "nobody"), data=credentials(box))).status_code == 404


async def test_what_is_granted_no_token(box: Caller) -> None:
    """HTTP 400 with an error and a sentence; the secret is in neither."""

    async def error(**request: Any) -> object:
        answer = await box.http.post(PATH, **request)
        assert answer.status_code == 400
        assert box.store.shop.app.client_secret not in answer.text
        document = answer.json()
        assert document["error_description"]
        return document["error"]

    assert await error(data=credentials(box, client_secret="wrong")) == "invalid_client"
    assert await error(json=credentials(box, client_id="wrong")) == "invalid_client"
    assert await error(data=credentials(box, grant_type="password")) == "unsupported_grant_type"
    assert await error() == "unsupported_grant_type"
    assert await error(json=["no object"]) == "unsupported_grant_type"
    assert await error(content=b"{", headers={"content-type": "application/json"}) == "invalid_request"
    assert not box.store.shop.app.expires_at


async def test_a_grant_whose_answer_is_lost(box: Caller) -> None:
    """The token has been granted, although nobody knows it; the next request is granted another."""
    box.fault("shopify", "oauth/access_token", FaultKind.DROP_AFTER_COMMIT)
    with pytest.raises(httpx.HTTPError):
        await box.http.post(PATH, data=credentials(box))
    assert len(box.store.shop.app.expires_at) == 1
    assert (await box.http.post(PATH, data=credentials(box))).json()["access_token"]


async def test_a_token_that_is_taken_back(box: Caller) -> None:
    """It is refused like one that has expired."""
    token = (await box.http.post(PATH, data=credentials(box))).json()["access_token"]
    del box.store.shop.app.expires_at[token]
    assert (await box.post_shopify(SHOP, token=token)).status_code == 401


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.HTTP_429, 429),
        (FaultKind.HTTP_503, 503),
        (FaultKind.HTML, 200),
        (FaultKind.TIMEOUT, 504),
        (FaultKind.INVALID_TOKEN, 400),
    ],
)
async def test_faults_of_the_grant(box: Caller, kind: FaultKind, status: int) -> None:
    """Rules name it as `oauth/access_token`; the next request is granted a token."""
    box.fault("shopify", "oauth/access_token", kind, seconds=3.0)
    answer: httpx.Response = await box.http.post(PATH, data=credentials(box))
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("3.0" if kind is FaultKind.HTTP_429 else None)
    assert "access_token" not in answer.text
    assert (await box.http.post(PATH, data=credentials(box))).json()["access_token"]
    assert box.store.calls.faulted == {"shopify oauth/access_token": 1}
