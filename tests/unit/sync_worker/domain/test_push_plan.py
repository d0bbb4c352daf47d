"""What a push writes and what it leaves alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.money import SCALE
from sync_worker.domain.push_plan import Confirmed, Entry, Lane, is_fresh, must_write, wanted_prices, wanted_spend

amounts = st.integers(0, 10**9)


@given(st.sampled_from(Lane), amounts)
def test_never_confirmed_or_too_old_is_changed(lane: Lane, value: int) -> None:
    """What was never confirmed, or too long ago, is written, whatever the value."""
    values = (value,) * len(lane.kinds)
    assert must_write(lane, values, None, fresh=False, repush=False)
    assert must_write(lane, values, Confirmed(values, 0), fresh=False, repush=False)
    assert must_write(lane, values, Confirmed(values, 0), fresh=True, repush=True)
    assert not must_write(lane, values, Confirmed(values, 0), fresh=True, repush=False)


@given(amounts, amounts)
def test_spend_differs_by_a_thousand(new: int, old: int) -> None:
    """A spend is changed from a difference of 1,000 VND on; any other value by any difference."""
    confirmed = Confirmed((old,), 0)
    assert must_write(Lane.TOTAL_SPENT, (new,), confirmed, fresh=True, repush=False) == (abs(new - old) >= 1_000)
    assert must_write(Lane.INVENTORY, (new,), confirmed, fresh=True, repush=False) == (new != old)


def test_unset_spend_is_changed() -> None:
    """A spend that Shopify confirmed as not set is written, even a spend of nothing."""
    assert must_write(Lane.TOTAL_SPENT, (0,), Confirmed((None,), 0), fresh=True, repush=False)


@pytest.mark.parametrize(
    ("retail", "old", "wanted"),
    [
        (100, 150, (100, 150)),
        (100, 100, (100, None)),
        (100, 50, (100, None)),
        (100, None, (100, None)),
        (100, 0, (100, None)),
        (None, 150, None),
        (0, 150, None),
    ],
)
def test_prices(retail: int | None, old: int | None, wanted: tuple[int, int | None] | None) -> None:
    """The old price is compared at only when it is higher; without a retail price there is nothing to write."""
    assert wanted_prices(retail, old) == wanted


def test_spend_is_rounded_half_up() -> None:
    """Spends are whole VND; an unknown one is not zero."""
    assert wanted_spend(5 * SCALE + SCALE // 2) == (6,)
    assert wanted_spend(5 * SCALE + SCALE // 2 - 1) == (5,)
    assert wanted_spend(None) is None


def test_age() -> None:
    """A confirmed value is fresh up to the last moment of its age."""
    confirmed = Confirmed((1,), 1_000_000)
    assert is_fresh(confirmed, now=11_000_000, max_age_seconds=10)
    assert not is_fresh(confirmed, now=11_000_001, max_age_seconds=10)
    assert not is_fresh(None, now=0, max_age_seconds=10)


def test_compared_only_when_fresh() -> None:
    """A write compares with what was confirmed lately, and with nothing else."""
    fresh = Entry(Lane.INVENTORY, "m", 1, 2, 3, 0, (5,), (4,), fresh=True)
    old = Entry(Lane.INVENTORY, "m", 1, 2, 3, 0, (5,), (4,), fresh=False)
    assert (fresh.change_from, old.change_from) == (4, None)
    assert fresh.stage == "inventory:gid://shopify/Location/3"
