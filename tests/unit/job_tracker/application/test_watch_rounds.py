"""Whose turn it is on a stream of many jobs."""

from dataclasses import replace

import pytest
from job_tracker.application.watch_rounds import Rounds
from job_tracker.domain.job import Job
from job_tracker.domain.states import State


def job(job_id: str, revision: int, state: State = State.RUNNING) -> Job:
    """A job at a revision."""
    plain = Job(job_id, "T", "", "", "", {}, {}, 0, (), 3, "", "", "", create_time=0, update_time=0)
    return replace(plain, revision=revision, state=state)


@pytest.fixture
def rounds() -> Rounds:
    """A watcher that wants a job every 5 seconds, and was given one at second 100."""
    made = Rounds(5.0)
    made.given(job("known", 3), 100.0)
    return made


def test_progress_waits_for_the_interval_since_the_job_was_given(rounds: Rounds) -> None:
    """The turn comes 5 seconds after the last message of that job, and once however often it changed."""
    assert rounds.due(["known"], {}, 101.0) == []
    assert rounds.due(["known"], {}, 104.9) == []
    assert rounds.next_turn(200.0) == 105.0
    assert rounds.due([], {}, 105.0) == ["known"]
    assert rounds.due([], {}, 106.0) == []


def test_a_job_that_was_never_given_does_not_wait(rounds: Rounds) -> None:
    """There is no message to keep a distance from."""
    assert rounds.due(["new"], {}, 101.0) == ["new"]


def test_events_do_not_wait(rounds: Rounds) -> None:
    """An event makes its job due at once, the progress that waited with it."""
    assert rounds.due(["known"], {}, 101.0) == []
    assert rounds.due([], {"known": 4}, 101.0) == ["known"]
    assert rounds.next_turn(200.0) == 200.0


def test_events_that_were_given_are_not_due_again(rounds: Rounds) -> None:
    """What the message before told already makes no turn."""
    assert rounds.due([], {"known": 3}, 101.0) == []


def test_an_end_is_remembered_until_it_no_longer_moves(rounds: Rounds) -> None:
    """An end that is found again is not given again; once it is found no longer, nothing of the job is kept."""
    rounds.given(job("known", 7, State.COMPLETED), 101.0)
    for _ in range(2):
        rounds.forget_ended({"known": 7})
        assert rounds.due([], {"known": 7}, 102.0) == []
    assert len(rounds) == 1
    rounds.forget_ended({})
    assert len(rounds) == 0


def test_nothing_is_kept_of_a_forgotten_job(rounds: Rounds) -> None:
    """A deleted job takes no memory."""
    rounds.due(["known"], {}, 101.0)
    rounds.forget("known")
    assert (len(rounds), rounds.after("known"), rounds.next_turn(200.0)) == (0, 0, 200.0)
