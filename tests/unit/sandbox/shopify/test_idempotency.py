"""Idempotency keys are kept for 24 hours."""

import pytest
from sandbox.shopify.idempotency import KEPT_SECONDS, IdempotencyKeys, canonical


@pytest.mark.parametrize(("later", "found"), [(0.0, True), (86_399.999, True), (86_400.0, False), (90_000.0, False)])
def test_a_key_is_kept_for_a_day(later: float, found: bool) -> None:
    """To the second: at 24 hours it is forgotten, and may be used anew."""
    keys = IdempotencyKeys()
    keys.keep("k", 1_000.0, b"p", {"done": True})
    kept = keys.find("k", 1_000.0 + later)
    assert KEPT_SECONDS == 86_400
    assert (kept is not None) == found
    if kept is not None:
        assert (kept.parameters, kept.result) == (b"p", {"done": True})
    assert ("k" in keys.kept) == found


def test_an_unused_key_is_not_found() -> None:
    """Keys are texts, each its own."""
    keys = IdempotencyKeys()
    keys.keep("k", 0.0, b"p", {})
    assert keys.find("K", 0.0) is None


def test_equal_parameters_have_equal_bytes() -> None:
    """Whatever the order of their fields; the order of a list counts."""
    assert canonical({"a": 1, "b": [{"x": 1, "y": None}]}) == canonical({"b": [{"y": None, "x": 1}], "a": 1})
    assert canonical([1, 2]) != canonical([2, 1])
    assert canonical({"a": None}) != canonical({})
