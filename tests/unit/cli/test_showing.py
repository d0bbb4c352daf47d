"""What is printed is what came: no markup is read from a vendor's text, nothing is cut, nothing is said twice."""

import importlib.metadata
import io
import json

import pytest
from nhanhsync.cli import words
from nhanhsync.cli.progress_bars import JsonLines, PlainLines, face
from nhanhsync.cli.session import json_line, plain_console, plain_table, print_json_list
from nhanhsync.cli.watching import print_ending
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from rich.console import Console

from tests.fakes.command_line import typed

NAMES = ["Áo [bold]đỏ[/bold] [size M]", "[/]", ":heart: [red]", "ends with \\"]


def update(**fields: object) -> pb.WatchJobResponse:
    """An update with a running job."""
    job = job_pb2.Job(display_name="Pull", state=job_pb2.JOB_STATE_RUNNING)
    job.progress.CopyFrom(job_pb2.JobProgress(**fields))  # type: ignore[arg-type]
    return pb.WatchJobResponse(job=job)


@pytest.mark.parametrize("name", NAMES)
def test_a_vendors_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """In a line, in a table, and as a job's name, message and error."""
    plain_console().print(name)
    table = plain_table("name", "state")
    table.add_row(name, words.state(job_pb2.JOB_STATE_FAILED))
    plain_console().print(table)
    job = job_pb2.Job(display_name=name, state=job_pb2.JOB_STATE_FAILED)
    job.error.code, job.error.message = "CODE", name
    print_ending(job)
    out = capsys.readouterr().out
    line, *_, ending, error = out.splitlines()
    assert (line, error) == (name, f"CODE: {name}")
    assert ["", name, "FAILED", ""] in [[cell.strip() for cell in row.split("│")] for row in out.splitlines()]
    assert ending.startswith(f"{name} FAILED in 0 s: ")


def test_what_is_piped_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    """A row stays one line however long, so that grep finds it."""
    table = plain_table("job", "message")
    table.add_row("01890a5d-ac96-774b-bcce-b302099a8057", "x" * 3_000)
    plain_console().print(table)
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "01890a5d" in line]
    assert "x" * 3_000 in row


def test_on_a_narrow_terminal_nothing_is_cut() -> None:
    """An id is folded, not ended by dots."""
    console = Console(file=io.StringIO(), width=40)
    table = plain_table("job", "message")
    table.add_row("01890a5d-ac96-774b-bcce-b302099a8057", "it failed for a reason")
    console.print(table)
    cells = [line.split("│")[1].strip() for line in console.file.getvalue().splitlines() if "│" in line]  # type: ignore[attr-defined]
    assert "".join(cells) == "01890a5d-ac96-774b-bcce-b302099a8057"


def test_lines_are_printed_when_something_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """A change of state, of phase, and each tenth of the whole; not every report."""
    lines = PlainLines(plain_console())
    for done in (0, 5, 9, 10, 11, 25, 25):
        lines.show(update(processed=done, total=100, percent=float(done), phase="pages"))
    lines.show(update(processed=25, total=100, percent=25.0, phase="marking"))
    assert capsys.readouterr().out.splitlines() == [
        "Pull  RUNNING  0 / 100 (0 %)",
        "Pull  RUNNING  10 / 100 (10 %)",
        "Pull  RUNNING  25 / 100 (25 %)",
        "Pull  RUNNING  25 / 100 (25 %)",
    ]


def test_a_job_that_is_kept_from_beginning_says_by_what() -> None:
    """Paused, or told to wait until a time; the time is of no matter once it has begun."""
    job = job_pb2.Job(state=job_pb2.JOB_STATE_PENDING, paused=True, not_before_time=words.moment_of("2026-07-01T08:00"))
    assert words.standing(job).plain == "PENDING (paused, not before 2026-07-01 08:00:00)"
    job.paused = False
    assert words.standing(job).plain == "PENDING (not before 2026-07-01 08:00:00)"
    job.state = job_pb2.JOB_STATE_RUNNING
    assert words.standing(job).plain == "RUNNING"
    job.paused = True
    assert words.standing(job).plain == "RUNNING (paused)"


def test_a_retry_says_how_much_it_does_again() -> None:
    """A job that repeats none says nothing of it."""
    job = job_pb2.Job(display_name="Product Sync")
    assert words.label(job) == "Product Sync"
    job.retry_of_job_id = "old"
    assert words.label(job) == "Product Sync (retry)"
    job.retry_scope = job_pb2.RETRY_SCOPE_FAILED_ITEMS
    assert words.label(job) == "Product Sync (retry of failed items)"


def test_a_pause_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever watches knows why nothing happens, and when it goes on."""
    lines = PlainLines(plain_console())
    for paused in (False, True, True, False):
        told = update(processed=5, total=100, percent=5.0)
        told.job.paused = paused
        lines.show(told)
    assert capsys.readouterr().out.splitlines() == [
        "Pull  RUNNING  5 / 100 (5 %)",
        "Pull  RUNNING (paused)  5 / 100 (5 %)",
        "Pull  RUNNING  5 / 100 (5 %)",
    ]


def test_without_a_total_lines_come_as_the_jobs_time_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """One about every ten seconds of the job's own clock: a long pull is not silent in a log, nor a flood."""
    lines = PlainLines(plain_console())
    for seconds, done in ((1_000, 0), (1_001, 40), (1_009, 80), (1_010, 90), (1_019, 150), (1_045, 400)):
        given = update(processed=done, rate_per_second=10.0)
        given.job.update_time.seconds = seconds
        lines.show(given)
    assert capsys.readouterr().out.splitlines() == [
        "Pull  RUNNING  0  10/s",
        "Pull  RUNNING  90  10/s",
        "Pull  RUNNING  400  10/s",
    ]


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines() -> None:
    """With --json both get JSON."""
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120, markup=False)
    with face(terminal, as_json=False) as shown:
        given = update(processed=50, total=100, percent=50.0)
        given.job.display_name = "Pull [x]"
        shown.show(given)
    drawn = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[" in drawn
    assert all(part in drawn for part in ("Pull [x]", "50/100", "RUNNING"))
    with face(Console(file=io.StringIO()), as_json=False) as shown:
        assert isinstance(shown, PlainLines)
    with face(terminal, as_json=True) as shown:
        assert isinstance(shown, JsonLines)


def test_json_has_the_contracts_names_on_one_line() -> None:
    """Vietnamese letters stay letters, line breaks are escaped."""
    line = json_line(job_pb2.Job(job_id="j", display_name="Áo\nđỏ", state=job_pb2.JOB_STATE_RUNNING))
    assert line == '{"job_id": "j", "display_name": "Áo\\nđỏ", "state": "JOB_STATE_RUNNING"}'


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_is_one_document(capsys: pytest.CaptureFixture[str], count: int) -> None:
    """Also an empty one, so that a script need not ask first."""
    print_json_list("jobs", [job_pb2.Job(job_id=str(number)) for number in range(count)])
    assert json.loads(capsys.readouterr().out) == {"jobs": [{"job_id": str(number)} for number in range(count)]}


def test_the_version_is_a_document_too() -> None:
    """A script reads it as it reads everything else."""
    ran = typed(["version", "--json"])
    assert (ran.code, ran.document) == (0, {"version": importlib.metadata.version("nhanhsync")})
