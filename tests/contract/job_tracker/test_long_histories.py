"""Watching a job to which more has happened than a message holds."""

import pytest
from job_tracker.entrypoints import pages
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig
from tests.contract.job_tracker.streams import kinds, snapshot

REASON = "x" * 500
PAIRS = 5
HISTORY = ["CREATED", *("PAUSED", "RESUMED") * PAIRS, "CANCEL_REQUESTED", "ENDED"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message holds two long reasons: nobody waits for megabytes of them."""
    monkeypatch.setattr(pages, "PAGE_BYTES", 1_500)


async def busy(rig: Rig, job_id: str) -> job_pb2.Job:
    """Pause and resume a job, again and again, and end it."""
    for _ in range(PAIRS):
        await rig.stub.PauseJob(pb.PauseJobRequest(job_id=job_id, reason=REASON))
        await rig.stub.ResumeJob(pb.ResumeJobRequest(job_id=job_id))
    ended: job_pb2.Job = (await rig.stub.CancelJob(pb.CancelJobRequest(job_id=job_id))).job
    return ended


async def test_a_long_history_comes_in_parts(rig: Rig) -> None:
    """Together they are every event once, none is too large, and the final state is in the last alone."""
    done = await busy(rig, (await rig.create()).job_id)
    messages = [message async for message in rig.stub.WatchJob(pb.WatchJobRequest(job_id=done.job_id))]
    assert len(messages) == 3
    assert kinds(messages) == HISTORY
    assert messages[-1].job == done
    assert [message.job.state == done.state for message in messages] == [False, False, True]
    assert all(sum(event.ByteSize() for event in message.events) <= pages.PAGE_BYTES for message in messages)


async def test_a_watch_resumes_between_two_parts(rig: Rig) -> None:
    """Whoever lost the stream after a part goes on from its revision, and misses nothing."""
    done = await busy(rig, (await rig.create()).job_id)
    first = await rig.stub.WatchJob(pb.WatchJobRequest(job_id=done.job_id)).read()
    request = pb.WatchJobRequest(job_id=done.job_id, after_revision=first.job.revision)
    rest = [message async for message in rig.stub.WatchJob(request)]
    assert kinds([first, *rest]) == HISTORY


async def test_a_watch_of_many_jobs_resumes_between_two_parts(rig: Rig) -> None:
    """The token of a part that is not the last resumes before all of them."""
    created = await rig.create()
    begun = await snapshot(rig.stub.WatchJobs(pb.WatchJobsRequest()))
    done = await busy(rig, created.job_id)
    token = begun[-1].resume_token
    for _ in range(2):  # from the snapshot's token first, and then from the first part's
        parts = (await snapshot(rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=token))))[:-1]
        assert len(parts) == 3
        assert kinds(parts)[1 - len(HISTORY) :] == HISTORY[1:]
        assert parts[-1].job == done
        token = parts[0].resume_token
