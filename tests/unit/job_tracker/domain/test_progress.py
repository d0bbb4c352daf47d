"""Counts and speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_tracker.domain.errors import ProgressInvalidError
from job_tracker.domain.progress import Pace, Progress, check_progress, eta_seconds, mean_pace, paced, percent

counts = st.integers(0, 10**12)
seconds = st.floats(0, 10**6)


@st.composite
def honest(draw: st.DrawFn) -> Progress:
    """Counts that add up, under their total if there is one."""
    successful, failed, skipped = draw(counts), draw(counts), draw(counts)
    processed = successful + failed + skipped
    total = draw(st.none() | st.integers(processed, processed + 10**12))
    return Progress(total, processed, successful, failed, skipped)


@given(honest())
def test_honest_counts_are_taken(progress: Progress) -> None:
    """Counts that keep the rules are never refused, and their percentage is one."""
    check_progress(progress, None)
    check_progress(progress, progress)
    share = percent(progress)
    assert share is None if progress.total is None else share is not None and 0 <= share <= 100


@given(honest(), st.sampled_from(["processed", "successful", "failed", "skipped"]), st.integers(1, 5))
def test_a_count_that_is_off_is_refused(progress: Progress, name: str, by: int) -> None:
    """Whichever count is changed alone, the sum no longer holds, and `processed` is named."""
    values = {field: getattr(progress, field) for field in ("processed", "successful", "failed", "skipped")}
    values[name] += by
    with pytest.raises(ProgressInvalidError) as refused:
        check_progress(Progress(progress.total, **values), None)
    assert "progress.processed" in dict(refused.value.violations)


@given(honest(), honest())
def test_no_count_falls(old: Progress, new: Progress) -> None:
    """A report is refused exactly when one of its counts is lower than before."""
    falls = [
        name for name in ("processed", "successful", "failed", "skipped") if getattr(new, name) < getattr(old, name)
    ]
    if not falls:
        check_progress(new, old)
        return
    with pytest.raises(ProgressInvalidError) as refused:
        check_progress(new, old)
    assert {field for field, _ in refused.value.violations} == {f"progress.{name}" for name in falls}


def test_every_broken_rule_is_named() -> None:
    """A report that is wrong in several ways is refused once, with all of them."""
    with pytest.raises(ProgressInvalidError) as refused:
        check_progress(Progress(total=1, processed=5, successful=-1, failed=2, skipped=1), None)
    assert [field for field, _ in refused.value.violations] == [
        "progress.successful",
        "progress.processed",
        "progress.processed",
    ]


@given(st.lists(st.tuples(st.integers(0, 10**6), seconds), min_size=1, max_size=20))
def test_the_rate_is_finite_and_between_the_extremes(steps: list[tuple[int, float]]) -> None:
    """Smoothing never leaves the range of what was measured, however short the time between two reports."""
    pace: Pace | None = None
    now, processed = 0.0, 0
    measured = []
    for more, later in steps:
        processed, now = processed + more, now + later
        if pace is not None and now - pace.last_time >= 0.001:
            measured.append((processed - pace.last_processed) / (now - pace.last_time))
        pace = paced(pace, processed, now, None)
    assert pace is not None
    if measured:
        assert pace.rate is not None
        assert min(measured) * 0.999999 <= pace.rate <= max(measured) * 1.000001
    else:
        assert pace.rate is None


def test_rows_of_an_earlier_attempt_do_not_count_as_speed() -> None:
    """An attempt that goes on at 900 of 1,000 is measured from its first report."""
    pace = paced(paced(None, 900, 10.0, None), 920, 20.0, None)
    assert pace.rate == pytest.approx(2.0)
    assert eta_seconds(Progress(total=1_000, processed=920, successful=920), pace) == pytest.approx(40.0)
    assert mean_pace(pace, 1_000, 30.0, claimed=0.0).rate == pytest.approx(5.0)


def test_a_first_attempt_is_measured_since_its_claim() -> None:
    """Its first report may be its last: what was done until then counts."""
    pace = paced(None, 300, 10.0, 4.0)
    assert pace.rate == pytest.approx(50.0)
    assert mean_pace(pace, 300, 14.0, claimed=4.0).rate == pytest.approx(30.0)


def test_the_mean_of_a_run_without_reports() -> None:
    """A first attempt is measured since its claim, however short; a later one cannot be, since its base is unknown."""
    assert mean_pace(None, 10, 5.0, claimed=0.0).rate == pytest.approx(2.0)
    assert mean_pace(None, 10, 5.0, claimed=5.0).rate == pytest.approx(10_000.0)
    assert mean_pace(None, 10, 5.0, claimed=None).rate is None


def test_nothing_to_do_is_done() -> None:
    """A total of 0 is 100 percent; without a total there is neither percent nor eta."""
    assert percent(Progress(total=0)) == 100.0
    assert percent(Progress()) is None
    assert eta_seconds(Progress(), Pace(0, 0.0, 1, 1.0, 1.0)) is None
    assert eta_seconds(Progress(total=5), Pace(0, 0.0, 0, 1.0, 0.0)) is None
