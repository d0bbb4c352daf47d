"""Versions of the API."""

import pytest
from sandbox.shopify.versions import SUPPORTED, served_for


@pytest.mark.parametrize("asked", SUPPORTED)
def test_a_supported_version_is_served(asked: str) -> None:
    """As it is asked for."""
    assert served_for(asked) == asked


@pytest.mark.parametrize("asked", ["2026-01", "2025-07", "2031-01", "", "latest"])
def test_any_other_falls_forward(asked: str) -> None:
    """To the oldest that is supported."""
    assert served_for(asked) == min(SUPPORTED)
