"""The checker finds nothing in a good history, and names what is wrong in a doctored one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from nhanhsync.jobs.v1 import job_pb2

from tests.chaos.checker import RULES, check
from tests.chaos.evidence import Evidence, Told, Watched
from tests.chaos.outside import Write

JOB = "job-1"
KEY = "shop/products"


def event(revision: int, kind: str, source: str, target: str, attempt: int) -> job_pb2.JobEvent:
    """Tell of something that happened."""
    return job_pb2.JobEvent(
        revision=revision,
        kind=job_pb2.JobEventKind.Value(f"JOB_EVENT_KIND_{kind}"),
        from_state=job_pb2.JobState.Value(f"JOB_STATE_{source}"),
        to_state=job_pb2.JobState.Value(f"JOB_STATE_{target}"),
        attempt=attempt,
    )


def history() -> list[job_pb2.JobEvent]:
    """A job whose first worker was lost, and whose second did it."""
    return [
        event(1, "CREATED", "UNSPECIFIED", "PENDING", 0),
        event(2, "CLAIMED", "PENDING", "RUNNING", 1),
        event(4, "LEASE_LOST", "RUNNING", "PENDING", 1),
        event(5, "CLAIMED", "PENDING", "RUNNING", 2),
        event(7, "ENDED", "RUNNING", "COMPLETED", 2),
    ]


def good() -> Evidence:
    """The evidence of a trial in which all is well."""
    job = job_pb2.Job(job_id=JOB, state=job_pb2.JOB_STATE_COMPLETED, revision=7, attempt=2, attempts_used=1)
    job.max_attempts = 3
    job.labels["request"] = "r-1"
    job.params["items"] = 2
    job.progress.MergeFrom(job_pb2.JobProgress(total=2, processed=2, successful=2))
    claim: dict[str, Any] = {"what": "claimed", "job": JOB, "ttl": 5.0, "locks": {KEY: True}}
    first = [
        claim | {"at": 10.1, "sent": 10.0, "worker": "a", "attempt": 1, "fence": 100, "done": 0},
        {"what": "renewed", "at": 11.1, "sent": 11.0, "job": JOB, "fence": 100, "done": 1},
    ]
    second = [
        claim | {"at": 16.2, "sent": 15.0, "worker": "b", "attempt": 2, "fence": 101, "done": 1},
        {"what": "ending", "at": 17.0, "job": JOB, "fence": 101, "call": "CompleteJob"},
        {"what": "ended", "at": 17.1, "job": JOB, "fence": 101, "call": "CompleteJob", "state": "JOB_STATE_COMPLETED"}
        | {"revision": 7},
    ]
    keys = (f"job/{JOB}", KEY)
    return Evidence(
        jobs={JOB: job},
        events={JOB: history()},
        locks=[],
        told=[Told("WaitJob", JOB, "COMPLETED", 7)],
        created=[("r-1", JOB), ("r-1", JOB)],
        watched=[Watched(JOB, history(), [1, 3, 5, 7], ended=True)],
        journals=[first, second],
        writes=[
            Write("a", JOB, 1, 100, keys, 0, True),
            Write("a", JOB, 1, 100, keys, 1, True),
            Write("b", JOB, 2, 101, keys, 0, True),
            Write("a", JOB, 1, 100, keys, 2, False),
            Write("b", JOB, 2, 101, keys, 2, True),
        ],
    )


def another_job(**fields: Any) -> job_pb2.Job:
    """A second job of the trial, PENDING unless said otherwise."""
    return job_pb2.Job(
        **{"job_id": "job-2", "state": job_pb2.JOB_STATE_PENDING, "revision": 1, "max_attempts": 3} | fields
    )


def with_another(evidence: Evidence, job: job_pb2.Job) -> None:
    """Put a second job beside the first."""
    evidence.jobs = {**evidence.jobs, "job-2": job}
    evidence.events = {**evidence.events, "job-2": [event(1, "CREATED", "UNSPECIFIED", "PENDING", 0)]}


def lost_final_state(evidence: Evidence) -> None:
    """CancelJob was answered CANCELLED, and later the job is COMPLETED."""
    evidence.told = [*evidence.told, Told("CancelJob", JOB, "CANCELLED", 6)]


def lost_final_state_of_a_worker(evidence: Evidence) -> None:
    """The worker was answered FAILED."""
    evidence.journals[1][-1]["state"] = "JOB_STATE_FAILED"  # type: ignore[index]


def lost_job(evidence: Evidence) -> None:
    """A creation was answered, and there is no such job."""
    evidence.told = [*evidence.told, Told("CreateJob", "job-9", "PENDING", 1)]


def revision_taken_back(evidence: Evidence) -> None:
    """Somebody was shown a later revision."""
    evidence.told = [*evidence.told, Told("GetJob", JOB, "RUNNING", 8)]


def missed_event(evidence: Evidence) -> None:
    """The watcher was not given the loss of the lease."""
    del evidence.watched[0].events[2]


def event_told_twice(evidence: Evidence) -> None:
    """The watcher was given an event again after a resume."""
    evidence.watched[0].events.insert(2, evidence.watched[0].events[1])


def end_not_told(evidence: Evidence) -> None:
    """The stream never ended."""
    evidence.watched[0].ended = False


def falling_revisions(evidence: Evidence) -> None:
    """A replica showed the watcher an older job."""
    evidence.watched[0].revisions[2] = 2


def illegal_move(evidence: Evidence) -> None:
    """The job went from PENDING to its end."""
    events = history()
    del events[3]
    events[3].from_state = job_pb2.JOB_STATE_PENDING
    _both(evidence, events)


def moved_by_the_wrong_call(evidence: Evidence) -> None:
    """A release is told to have ended a job that nobody asked to cancel."""
    events = history()
    events.insert(4, event(7, "RELEASED", "RUNNING", "RUNNING", 2))
    events[5].to_state = job_pb2.JOB_STATE_CANCELLED
    evidence.jobs[JOB].state = job_pb2.JOB_STATE_CANCELLED
    evidence.told, evidence.journals = [], [*evidence.journals[:1], evidence.journals[1][:-1]]
    _both(evidence, events)


def gap_in_history(evidence: Evidence) -> None:
    """An event is missing on record, and for the watcher as well."""
    events = history()
    del events[2]
    _both(evidence, events)


def life_after_the_end(evidence: Evidence) -> None:
    """A final job was claimed once more."""
    events = [*history(), event(8, "CLAIMED", "COMPLETED", "RUNNING", 3)]
    evidence.jobs[JOB].attempt, evidence.jobs[JOB].revision = 3, 8
    _both(evidence, events)


def attempts_skip(evidence: Evidence) -> None:
    """The second claim is told as the third."""
    events = history()
    events[3].attempt = events[4].attempt = 3
    _both(evidence, events)


def revision_used_twice(evidence: Evidence) -> None:
    """Two changes share a revision."""
    events = history()
    events[3].revision = 4
    _both(evidence, events)


def two_owners(evidence: Evidence) -> None:
    """The job was given to the second while the first had renewed its lease."""
    evidence.journals[0][1].update(sent=14.0, at=14.1)  # type: ignore[attr-defined]


def two_owners_of_a_lock(evidence: Evidence) -> None:
    """Another job on the same EXCLUSIVE key was begun while the first one's worker held it."""
    with_another(evidence, another_job())
    claim = {"what": "claimed", "at": 12.0, "sent": 12.0, "worker": "c", "job": "job-2", "attempt": 1, "fence": 102}
    evidence.journals = [*evidence.journals, [claim | {"ttl": 5.0, "locks": {KEY: False}, "done": 0}]]


def fence_given_twice(evidence: Evidence) -> None:
    """Two claims were given the same fence."""
    for line in evidence.journals[1]:
        line["fence"] = 100  # type: ignore[index]


def late_write(evidence: Evidence) -> None:
    """A write of the first holder was accepted after the second's."""
    evidence.writes = [*evidence.writes[:3], replace(evidence.writes[3], accepted=True), evidence.writes[4]]


def owner_refused(evidence: Evidence) -> None:
    """The second holder's write was refused though nobody came after it."""
    evidence.writes = [*evidence.writes, Write("b", JOB, 2, 101, (f"job/{JOB}", KEY), 2, False)]


def lost_checkpoint(evidence: Evidence) -> None:
    """The second attempt began anew, and one item was on record."""
    evidence.journals[1][0]["done"] = 0  # type: ignore[index]


def lost_work(evidence: Evidence) -> None:
    """The last item was never written."""
    evidence.writes = evidence.writes[:4]


def counts_do_not_add_up(evidence: Evidence) -> None:
    """A skipped item is not among the processed."""
    evidence.jobs[JOB].progress.skipped = 1


def made_twice(evidence: Evidence) -> None:
    """The same request was answered with another job."""
    evidence.created = [*evidence.created, ("r-1", "job-2")]


def made_twice_unseen(evidence: Evidence) -> None:
    """The first answer was lost, and the repeat made another job that nobody was told of."""
    with_another(evidence, another_job(labels={"request": "r-1"}))


def retried_twice(evidence: Evidence) -> None:
    """One request to retry made two jobs."""
    with_another(evidence, another_job(retry_of_job_id=JOB))
    third = another_job(job_id="job-3", retry_of_job_id=JOB)
    evidence.jobs = {**evidence.jobs, "job-3": third}
    evidence.events = {**evidence.events, "job-3": evidence.events["job-2"]}


def stuck(evidence: Evidence) -> None:
    """A job was never claimed."""
    with_another(evidence, another_job())


def stale_lock(evidence: Evidence) -> None:
    """A lock of the job stands after its end."""
    evidence.locks = [(KEY, JOB)]


def _both(evidence: Evidence, events: list[job_pb2.JobEvent]) -> None:
    evidence.events = {**evidence.events, JOB: events}
    evidence.watched = [Watched(JOB, list(events), [1, 3, 5, 7], ended=True)]


DOCTORED: dict[str, list[Callable[[Evidence], None]]] = {
    "lost final state": [lost_final_state, lost_final_state_of_a_worker, lost_job, revision_taken_back],
    "missed event": [missed_event, event_told_twice, end_not_told, falling_revisions],
    "illegal history": [
        illegal_move,
        moved_by_the_wrong_call,
        gap_in_history,
        life_after_the_end,
        attempts_skip,
        revision_used_twice,
    ],
    "two owners": [two_owners, two_owners_of_a_lock, fence_given_twice],
    "late write": [late_write],
    "owner refused": [owner_refused],
    "lost checkpoint": [lost_checkpoint],
    "lost work": [lost_work],
    "wrong counts": [counts_do_not_add_up],
    "made twice": [made_twice, made_twice_unseen, retried_twice],
    "stuck": [stuck],
    "stale lock": [stale_lock],
}


def test_a_good_history_breaks_no_rule() -> None:
    """A lost lease, a late write that was refused and a repeated request are as they should be."""
    assert check(good()) == []


def test_every_rule_has_a_history_that_breaks_it() -> None:
    """No rule is there that cannot be broken."""
    assert set(DOCTORED) == set(RULES)


@pytest.mark.parametrize(("rule", "doctor"), [(rule, one) for rule, doctors in DOCTORED.items() for one in doctors])
def test_a_doctored_history_is_found_out(rule: str, doctor: Callable[[Evidence], None]) -> None:
    """The rule that was broken is named, whatever else the doctoring broke."""
    evidence = good()
    doctor(evidence)
    assert rule in {violation.rule for violation in check(evidence)}


def test_a_job_that_rests_on_purpose_is_not_stuck() -> None:
    """Somebody paused it and left it so."""
    evidence = good()
    with_another(evidence, another_job(paused=True))
    evidence.paused_on_purpose = frozenset({"job-2"})
    assert check(evidence) == []
