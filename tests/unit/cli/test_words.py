"""How values are shown, and how times are read."""

import io
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from nhanhsync.cli import words
from nhanhsync.jobs.v1 import job_pb2
from rich.console import Console


def at(*parts: int) -> Timestamp:
    """A time in UTC."""
    made = Timestamp()
    made.FromDatetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type,misc]  # numbers of a date
    return made


def shown(value: object) -> str:
    """What a terminal is sent for a value."""
    sent = io.StringIO()
    Console(file=sent, force_terminal=True, color_system="standard", markup=False).print(value, end="")
    return sent.getvalue()


def test_every_state_is_shown_by_its_name_in_a_colour() -> None:
    """No state but UNSPECIFIED is without a colour, and the name is the contract's."""
    for name, number in job_pb2.JobState.items():
        text = words.state(number)
        assert text.plain == name.removeprefix("JOB_STATE_")
        assert (shown(text) != text.plain) == (number != job_pb2.JOB_STATE_UNSPECIFIED)


def test_a_moment_is_vietnams() -> None:
    """Seven hours after UTC, also over midnight."""
    assert words.moment(at(2026, 6, 30, 18, 5, 9)) == "2026-07-01 01:05:09"


@pytest.mark.parametrize("none", [None, Timestamp()])
def test_a_moment_that_has_not_come_is_shown_as_nothing(none: Timestamp | None) -> None:
    """It is no day in 1970."""
    assert words.moment(none) == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-07-01T08:00", at(2026, 7, 1, 1)),
        ("2026-07-01", at(2026, 6, 30, 17)),
        ("2026-07-01T08:00+00:00", at(2026, 7, 1, 8)),
        ("2026-07-01T08:00:00Z", at(2026, 7, 1, 8)),
        ("2026-07-01 08:00:30-02:00", at(2026, 7, 1, 10, 0, 30)),
    ],
)
def test_a_typed_time_is_vietnams_unless_it_names_a_zone(typed: str, meant: Timestamp) -> None:
    """What people leave out is where they are."""
    assert words.moment_of(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "yesterday", "2026-02-30", "25:00", "0001-01-01T00:00", "9999-12-31T23:00-05:00"]
)
def test_what_is_no_time_is_refused(typed: str) -> None:
    """Also a day that the calendar does not have, and one that UTC cannot write."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the sentence, the command names the option
        words.moment_of(typed)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9000, 1, 1)))
def test_what_is_shown_can_be_typed(when: datetime) -> None:
    """A shown moment, typed, is the same moment to the second."""
    time = Timestamp()
    time.FromDatetime(when.replace(microsecond=0, tzinfo=UTC))
    assert words.moment_of(words.moment(time)) == time


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (job_pb2.JobProgress(processed=1234), "1,234"),
        (job_pb2.JobProgress(processed=1234, total=20_000), "1,234 / 20,000"),
        (job_pb2.JobProgress(processed=10_000, total=20_000, percent=50.0), "10,000 / 20,000 (50 %)"),
        (job_pb2.JobProgress(total=0, percent=0), "0 / 0 (0 %)"),
    ],
)
def test_the_share_is_shown_where_the_total_is_known(progress: job_pb2.JobProgress, text: str) -> None:
    """A total of none is another thing than an unknown one."""
    assert words.share(progress) == text


def test_speed_and_time_left_are_shown_when_they_are_known() -> None:
    """A speed of none is shown, an unknown one is not."""
    known = job_pb2.JobProgress(rate_per_second=0)
    known.eta.FromSeconds(90)
    assert (words.rate(known), words.eta(known)) == ("0/s", "1:30")
    assert (words.rate(job_pb2.JobProgress()), words.eta(job_pb2.JobProgress())) == ("", "")
    assert words.rate(job_pb2.JobProgress(rate_per_second=1234.5)) == "1,234/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (60, "1:00"), (3599.4, "59:59"), (3600, "1:00:00"), (90_061, "25:01:01")],
)
def test_a_span_is_shown_in_its_own_size(seconds: float, text: str) -> None:
    """Tenths of seconds below a minute, then minutes, then hours."""
    assert words.span(seconds) == text


def test_the_duration_of_a_running_job_ends_where_it_was_last_heard_of() -> None:
    """A job that has not started has none."""
    job = job_pb2.Job(update_time=at(2026, 7, 1, 0, 1))
    assert words.duration(job) == ""
    job.start_time.CopyFrom(at(2026, 7, 1))
    assert words.duration(job) == "1:00"
    job.end_time.CopyFrom(at(2026, 7, 1, 0, 0, 30))
    assert words.duration(job) == "30.0 s"
