"""A tracker that answers and then tells nothing: the command does not wait for ever, and says what it knows."""

import pytest
from nhanhsync.cli import verify

from tests.fakes.cli_servicers import JOB, SilentTracker, serving
from tests.fakes.command_line import CommandLine


async def test_verify_gives_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 6 once its patience is over, though every call of the walk was answered; nothing is claimed to be good."""
    monkeypatch.setattr(verify, "PATIENCE_SECONDS", 2.0)
    tracker = SilentTracker()
    async with serving(tracker) as address:
        ran = await CommandLine(job_tracker=address).types("verify")
    assert tracker.completed.is_set()
    assert tracker.watched.is_set()
    assert (ran.code, ran.out) == (6, "")
    assert ran.err == "JobTracker did not tell of every step within 2 s; its log says more.\n"


async def test_verify_ends_at_once_when_a_step_is_refused() -> None:
    """Exit 1 with the refusal alone: the stream that it had opened is let go without a word."""
    tracker = SilentTracker(refuse_reports=True)
    async with serving(tracker) as address:
        ran = await CommandLine(job_tracker=address).types("verify")
    assert (ran.code, ran.out, ran.err) == (1, "", "refused: the lease is another's\n")
    assert not tracker.completed.is_set()


async def test_a_watched_retry_ends_when_its_time_is_over() -> None:
    """Exit 6; the new job's id is told, and how to follow and stop it."""
    async with serving(SilentTracker()) as address:
        line = ("jobs", "retry", JOB.job_id, "--watch", "--timeout", "0.2")
        ran = await CommandLine(job_tracker=address).types(*line)
    assert (ran.code, ran.out) == (6, f"Verify: job {JOB.job_id}\n")
    assert ran.err.startswith("timed out after 0.2 s; the job goes on.")
    assert f"nhanhsync jobs cancel {JOB.job_id}" in ran.err


async def test_a_retry_that_is_not_watched_takes_no_timeout() -> None:
    """Wrong usage: the job would not end sooner for it. Nothing is asked."""
    ran = await CommandLine().types("jobs", "retry", JOB.job_id, "--timeout", "5")
    assert ran.code == 2
    assert "--timeout: only with --watch" in ran.complaint
