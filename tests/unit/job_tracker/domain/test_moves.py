"""Moves: what a job becomes, and what is told of it."""

from dataclasses import replace

import pytest
from job_tracker.domain import moves
from job_tracker.domain.errors import IllegalTransitionError, LeaseLostError
from job_tracker.domain.job import EventKind, Job, Lease, prettified
from job_tracker.domain.moves import LockFate, Now, Report
from job_tracker.domain.progress import Progress
from job_tracker.domain.states import State

from tests.fakes.bare_job import bare_job

NOW = Now(1_000_000, 100.0)
LEASE = Lease("token", 7, 30.0, 130.0, 100.0)
NEW = bare_job(max_attempts=2)


def longest(_low: float, high: float) -> float:
    """Draw the longest wait."""
    return high


def later(seconds: float) -> Now:
    """Some time after NOW."""
    return Now(NOW.wall + round(seconds * 1_000_000), NOW.steady + seconds)


def running() -> Job:
    """A job under LEASE."""
    return moves.claim(NEW, LEASE, "worker", NOW).job


def cancelling(grace: float = 60.0) -> Job:
    """A running job that somebody asked to cancel."""
    return moves.cancel(running(), "why", "me", grace, NOW).job


@pytest.mark.parametrize("job", [running(), cancelling()], ids=["running", "cancelling"])
def test_only_a_waiting_job_is_claimed(job: Job) -> None:
    """Nobody claims what another holds."""
    with pytest.raises(IllegalTransitionError):
        moves.claim(job, LEASE, "other", NOW)


def test_a_report_renews_the_lease_even_if_it_is_late() -> None:
    """A worker that is behind with its sequence lives all the same; its counts are not taken."""
    job = moves.update(running(), "token", 5, Report(Progress(processed=1, successful=1)), later(10)).job
    change = moves.update(job, "token", 4, Report(Progress()), later(20))
    assert change.job.lease is not None
    assert (change.applied, change.job.lease.deadline, change.job.lease.report_sequence) == (False, 150.0, 5)
    assert (change.job.progress, change.job.revision, change.events) == (job.progress, job.revision, ())


def test_a_bare_renewal_changes_nothing_that_people_see() -> None:
    """Without counts a report raises no revision, so no watcher is woken."""
    job = running()
    change = moves.update(job, "token", 1, Report(checkpoint=b"x"), later(1))
    assert (change.job.revision, change.checkpoint, change.changed) == (job.revision, b"x", True)


def test_a_stranger_is_refused() -> None:
    """Another token is as good as none, also before the first claim and after the end."""
    for job in (NEW, running(), moves.complete(running(), "token", "h", Report(), {}, "", NOW).job):
        with pytest.raises(LeaseLostError):
            moves.update(job, "other", 1, Report(), NOW)


def test_a_failure_after_a_cancel_is_a_cancel() -> None:
    """A CANCELLING job whose attempt fails ends CANCELLED, retryable or not, and the failure is kept."""
    change = moves.fail(cancelling(), "token", "h", Report(), ("C", "m", True), None, longest, NOW)
    assert change.job.state is State.CANCELLED
    assert change.job.failure is not None
    assert [event.kind for event in change.events] == [EventKind.ATTEMPT_FAILED, EventKind.ENDED]
    assert change.locks is LockFate.GO


def test_the_backoff_grows_with_used_attempts() -> None:
    """Without a wish of the worker, the wait is drawn; a job that is tried again keeps its locks."""
    change = moves.fail(running(), "token", "h", Report(), ("C", "m", True), None, longest, NOW)
    assert change.job.not_before == NOW.wall + 2_000_000
    assert change.locks is LockFate.STAND


def test_events_form_a_chain() -> None:
    """Each event begins in the state where the one before ended, and the last ends in the job's."""
    for change in (
        moves.cancel(NEW, "", "", 60.0, NOW),
        moves.release(cancelling(), "token", "h", Report(), "", NOW),
        moves.expire(replace(running(), attempts_used=1), longest, later(31)),
        moves.expire(cancelling(), longest, later(31)),
        moves.end_grace(cancelling(), later(61)),
    ):
        states = [change.before.state, *(event.to_state for event in change.events)]
        assert [event.from_state for event in change.events] == states[:-1]
        assert states[-1] is change.job.state
        assert change.events[-1].kind is EventKind.ENDED
        assert {event.revision for event in change.events} == {change.job.revision}
        assert change.job.end_time is not None


def test_a_lease_expires_at_its_deadline_and_not_before() -> None:
    """The reaper takes nothing that was renewed."""
    job = running()
    assert not moves.expire(job, longest, later(29.9)).changed
    assert not moves.expire(NEW, longest, later(1_000)).changed
    lost = moves.expire(job, longest, later(30)).job
    assert (lost.state, lost.lease, lost.attempts_used, lost.not_before) == (State.PENDING, None, 1, None)


def test_a_job_that_loses_its_workers_waits_longer() -> None:
    """The first lost lease was wait enough; after the second there is a back-off."""
    lost = moves.expire(replace(running(), attempts_used=1, max_attempts=5), longest, later(30)).job
    assert lost.not_before == later(30).wall + 2_000_000


def test_the_locks_of_a_revoked_lease_stand_on() -> None:
    """After the grace the worker may still write, so its locks go with its lease."""
    assert not moves.end_grace(cancelling(), later(59)).changed
    assert not moves.end_grace(running(), later(1_000)).changed
    assert moves.end_grace(cancelling(), later(60)).locks is LockFate.GO_WITH_LEASE
    assert moves.expire(cancelling(), longest, later(30)).locks is LockFate.GO


def test_a_repeat_is_known_even_after_the_next_claim() -> None:
    """A worker that repeats its release hears OK although another has the job by then; another call is refused."""
    released = moves.release(running(), "token", "h", Report(), "", NOW).job
    taken = moves.claim(released, replace(LEASE, token="next"), "other", NOW).job
    assert not moves.release(taken, "token", "h", Report(), "", NOW).changed
    with pytest.raises(LeaseLostError):
        moves.complete(taken, "token", "h2", Report(), {}, "", NOW)


@pytest.mark.parametrize(
    ("name", "label"), [("PULL_NHANH_PRODUCTS", "Pull Nhanh Products"), ("A__B_", "A B"), ("X", "X")]
)
def test_a_label_is_made_from_a_type(name: str, label: str) -> None:
    """A type that nobody registered can be read all the same."""
    assert prettified(name) == label


def test_however_it_ends_the_rate_is_the_mean_of_the_attempt() -> None:
    """Completed, failed, released or lost: what is said of its speed is over the whole attempt."""
    busy = running()
    half = Report(Progress(processed=50, successful=50))
    quick = moves.update(busy, "token", 1, half, later(1)).job
    end = later(10)
    ends = (
        moves.complete(quick, "token", "h", Report(), {}, "", end),
        moves.fail(quick, "token", "h", Report(), ("X", "x", False), None, longest, end),
        moves.release(quick, "token", "h", Report(), "", end),
    )
    assert [change.job.pace.rate for change in ends if change.job.pace is not None] == [pytest.approx(5.0)] * 3
    lost = moves.expire(quick, longest, later(100)).job
    assert lost.pace is not None
    assert lost.pace.rate == pytest.approx(0.5)
