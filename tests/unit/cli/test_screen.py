"""What vendors' people typed does not steer the terminal of whoever looks at it."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nhanhsync.cli.progress_bars import face
from nhanhsync.cli.screen import Screen
from nhanhsync.cli.session import json_line, plain_console, plain_table
from nhanhsync.cli.watching import print_ending
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from rich.text import Text

HOSTILE = "Áo\x1b]0;owned\x07\x1b[31m đỏ\x7f\x9b2J"
SHOWN = "Áo␛]0;owned␇␛[31m đỏ␡\N{REPLACEMENT CHARACTER}2J"


def steering(text: str) -> list[str]:
    """The control characters in a text, other than the ends of lines."""
    return [letter for letter in text if letter != "\n" and (ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0)]


def test_a_line_and_a_table_show_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    """As a string and as a cell; the frame stays straight, since the picture is what is measured."""
    table = plain_table("name", "end")
    table.add_row(HOSTILE, "x")
    plain_console().print(HOSTILE)
    plain_console().print(table)
    out = capsys.readouterr().out
    assert steering(out) == []
    line, *framed = out.splitlines()
    assert line == SHOWN
    assert f"│ {SHOWN} │ x" in out
    assert len({len(each) for each in framed}) == 1


def test_a_jobs_name_and_error_show_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the name is a part of a coloured line."""
    job = job_pb2.Job(display_name=HOSTILE, state=job_pb2.JOB_STATE_FAILED)
    job.error.code, job.error.message = "CODE", HOSTILE
    print_ending(job)
    out = capsys.readouterr().out
    assert steering(out) == []
    assert f"CODE: {SHOWN}" in out


def test_a_bar_keeps_its_own_controls_alone() -> None:
    """A job's name in a live bar is text; the bar still moves in place."""
    drawn = io.StringIO()
    with face(Screen(file=drawn, force_terminal=True, width=120), as_json=False) as shown:
        shown.show(pb.WatchJobResponse(job=job_pb2.Job(display_name="\x1b]0;owned", state=job_pb2.JOB_STATE_RUNNING)))
    assert "\x1b]0;" not in drawn.getvalue()
    assert "␛]0;owned" in drawn.getvalue()
    assert "\x1b[" in drawn.getvalue()


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_steers_a_screen(text: str) -> None:
    """Whatever the text, as a string or as styled text: no control character but ends of lines is printed."""
    file = io.StringIO()
    screen = Screen(file=file, width=80)
    screen.print(text)
    screen.print(Text(text, style="red"))
    assert steering(file.getvalue()) == []


@given(st.text(st.characters(codec="utf-8")))
def test_json_escapes_every_control_character_and_loses_none(text: str) -> None:
    """The line is one line, steers nothing, and reads back as what it was."""
    line = json_line(job_pb2.Job(job_id=text))
    assert steering(line) == []
    assert "\n" not in line
    assert json.loads(line).get("job_id", "") == text
