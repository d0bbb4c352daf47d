"""Addresses are taken as they were given, or not at all."""

import pytest
from sync_worker.adapters.http.addresses import address_of


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("https://host/a%2Fb+c~d?X=%2B%3d&y=a,b", "https://host/a%2Fb+c~d?X=%2B%3d&y=a,b"),
        ("https://host/a b?name=hàng", "https://host/a%20b?name=h%C3%A0ng"),
    ],
)
def test_only_what_no_address_holds_is_encoded(given: str, asked: str) -> None:
    """Everything else may be part of a signature."""
    assert str(address_of(given)) == asked


@pytest.mark.parametrize(
    "given",
    [
        "",
        "//host/a",
        "ws://host/",
        "https:host",
        "https://:443/",
        "https://host:99999/",
        "https://host:x/",
        "https://a..b/",
        f"https://{'a' * 64}.vn/",
        " https://host/",
        "ht\ntps://host/",
        "https://host/\udcff",
    ],
)
def test_what_is_no_address_of_http_is_refused(given: str) -> None:
    """Nothing would come of it but an exception that says nothing of whether something was sent."""
    with pytest.raises(ValueError):  # noqa: PT011 -- of any kind
        address_of(given)
