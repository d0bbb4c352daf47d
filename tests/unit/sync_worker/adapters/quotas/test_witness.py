"""Whether a clock goes evenly, by another one."""

import pytest
from sync_worker.adapters.quotas.moments import SECOND, Moment
from sync_worker.adapters.quotas.witness import Witness

from tests.fakes.set_clock import START


def shown(seconds: float) -> int:
    """What the clock shows so long after the start."""
    return START + round(seconds * SECOND)


@pytest.mark.parametrize("seconds", [0.01, 10.0, 4_000.0])
@pytest.mark.parametrize("drift", [-0.0005, 0.0, 0.0005])
def test_a_clock_that_goes_nearly_evenly_was_even_since_it_was_first_seen(seconds: float, drift: float) -> None:
    """No two clocks are the same, and a look takes its time."""
    witness = Witness()
    assert witness.saw(shown(0.0), 50.0, 50.2) == Moment(START, START)
    now = seconds * (1.0 + drift)
    assert witness.saw(shown(now), 50.0 + seconds, 50.3 + seconds) == Moment(shown(now), START)


@pytest.mark.parametrize("by", [-4_000.0, -0.1, 0.1, 31.0, 4_000.0])
def test_a_clock_that_was_set_counts_from_then_on(by: float) -> None:
    """Forward or back; what it showed before says nothing any more."""
    witness = Witness()
    witness.saw(shown(0.0), 50.0, 50.0)
    set_at = shown(10.0 + by)
    assert witness.saw(set_at, 60.0, 60.0).even_since == set_at
    assert witness.saw(shown(20.0 + by), 70.0, 70.0).even_since == set_at


def test_looks_that_overlap_may_be_told_in_any_order() -> None:
    """Several limits are visited side by side."""
    witness = Witness()
    witness.saw(shown(1.0), 50.0, 52.0)
    assert witness.saw(shown(0.5), 50.0, 53.0).even_since == shown(1.0)
