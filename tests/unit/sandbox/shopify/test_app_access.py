"""Tokens that are granted for a while."""

import pytest
from sandbox.shopify.app_access import AppAccess

GOOD = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "hush"}


def test_a_token_is_good_until_it_expires() -> None:
    """To the second; a later grant takes nothing from it, and another text was never granted."""
    app = AppAccess("app", "hush", token_seconds=60.0)
    first = app.grant(now=1_000.0)
    second = app.grant(now=1_030.0)
    assert first != second
    assert [app.takes(first, now) for now in (1_000.0, 1_059.9, 1_060.0)] == [True, True, False]
    assert app.takes(second, 1_089.9)
    assert not app.takes("shpat_other", 1_000.0)
    assert not app.takes("", 1_000.0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, None),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"client_id": "another"}, "invalid_client"),
        ({"client_secret": "hush!"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
        ({"client_secret": "ключ"}, "invalid_client"),
    ],
)
def test_only_the_app_is_granted_one(change: dict[str, object], error: str | None) -> None:
    """Each thing that is wrong has its error, and the secret is in none of them."""
    refusal = AppAccess("app", "hush").refusal({**GOOD, **change})
    assert (refusal and refusal[0]) == error
    assert "hush" not in repr((refusal, AppAccess("app", "hush")))
