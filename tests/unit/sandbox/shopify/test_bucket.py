"""The cost bucket, to the point."""

import pytest
from sandbox.shopify.bucket import CostBucket


def test_what_is_asked_must_be_there() -> None:
    """2,000 points, 100 more each second; a request that is one point too dear takes nothing."""
    bucket = CostBucket(1.0)
    assert bucket.take(1_000, 0.0)
    assert bucket.take(1_000, 0.0)
    assert not bucket.take(1, 0.0)
    assert not bucket.take(100, 0.99)
    assert bucket.take(100, 1.0)
    assert not bucket.take(1, 1.0)


def test_it_is_never_fuller_than_full() -> None:
    """An hour later it holds 2,000, and what is given back beyond that is lost."""
    bucket = CostBucket(1.0)
    bucket.take(500, 0.0)
    assert bucket.status(3_600.0)["currentlyAvailable"] == 2_000
    bucket.give_back(100)
    assert bucket.status(3_600.0)["currentlyAvailable"] == 2_000


def test_what_was_not_spent_comes_back() -> None:
    """The difference between requested and actual cost is there for the next request."""
    bucket = CostBucket(1.0)
    bucket.take(1_000, 0.0)
    bucket.take(1_000, 0.0)
    bucket.give_back(400)
    assert bucket.take(400, 0.0)
    assert bucket.status(0.0) == {"maximumAvailable": 2_000, "currentlyAvailable": 0, "restoreRate": 100}


@pytest.mark.parametrize("scale", [0.1, 2.0, 20.0])
def test_the_scale_multiplies_size_and_rate(scale: float) -> None:
    """Both are told in every answer."""
    status = CostBucket(scale).status(0.0)
    assert status == {
        "maximumAvailable": 2_000 * scale,
        "currentlyAvailable": 2_000 * scale,
        "restoreRate": 100 * scale,
    }


def test_without_limits_it_is_never_empty() -> None:
    """Ten thousand requests of 1,000 points at the same moment."""
    bucket = CostBucket(None)
    assert all(bucket.take(1_000, 0.0) for _ in range(10_000))
    assert bucket.status(0.0)["currentlyAvailable"] == bucket.size
