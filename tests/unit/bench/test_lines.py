"""A benchmark's line says whether its goal is met, whichever way is better."""

import json

import pytest

from bench.lines import Better, Line, said


@pytest.mark.parametrize(
    ("better", "ours", "met"),
    [
        (Better.LESS, 9.0, True),
        (Better.LESS, 10.0, True),
        (Better.LESS, 11.0, False),
        (Better.MORE, 9.0, False),
        (Better.MORE, 10.0, True),
        (Better.MORE, 11.0, True),
    ],
)
def test_met(better: Better, ours: float, met: bool) -> None:
    """A goal is met at it and on its good side."""
    assert json.loads(str(Line("name", "unit", ours, 10.0, better=better)))["met"] is met


def test_less_is_better_unless_said() -> None:
    """A line that says nothing of a direction is one of time or memory."""
    assert Line("name", "ms", 1.0, 2.0).met


def test_ratios_are_ours_over_the_other() -> None:
    """Limit and peer are what ours is divided by."""
    line = json.loads(str(Line("name", "rows/s", 60.0, 50.0, 100.0, peer=20.0, better=Better.MORE)))
    assert (line["ratio"], line["peer_ratio"]) == (0.6, 3.0)


def test_ratio_without_a_limit() -> None:
    """There is no ratio to a limit or a peer that is not known, nor to one of nothing."""
    line = json.loads(str(Line("name", "calls", 0.0, 0.0, 0.0)))
    assert (line["ratio"], line["peer_ratio"]) == (None, None)


@pytest.mark.parametrize("better", Better)
def test_no_result_misses_the_goal(better: Better) -> None:
    """What could not be measured is missed, and says why."""
    line = json.loads(str(Line("name", "unit", None, 0.0, better=better, note=said(LookupError("not there")))))
    assert (line["ours"], line["met"], line["note"]) == (None, False, "LookupError: not there")


def test_a_near_miss_is_a_miss() -> None:
    """Rounding, which is for the eye, decides nothing."""
    line = json.loads(str(Line("name", "rows/s", 9.99999, 10.0, better=Better.MORE)))
    assert (line["ours"], line["met"]) == (10.0, False)
