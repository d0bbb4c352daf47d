"""WatchJobs' resume tokens: any of ours, on any JobTracker, whatever the clocks did, and no event is missed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from job_tracker.__main__ import TrackerSettings
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig, refusal
from tests.contract.job_tracker.streams import AT_ONCE, following, kinds, snapshot, tracker
from tests.fakes.tracker_world import TrackerClock

HOUR = 3_600_000_000


async def token_now(rig: Rig, **wanted: object) -> str:
    """Begin to watch, read the snapshot, and go away with its token."""
    watch = rig.stub.WatchJobs(pb.WatchJobsRequest(filter=pb.JobFilter(**wanted)))
    token = (await snapshot(watch))[-1].resume_token
    watch.cancel()
    return str(token)


async def told_after(rig: Rig, token: str, **wanted: object) -> dict[str, list[str]]:
    """Resume: the kinds of the events that are told of each job before the snapshot is complete."""
    watch = rig.stub.WatchJobs(pb.WatchJobsRequest(filter=pb.JobFilter(**wanted), resume_token=token))
    messages = await snapshot(watch)
    watch.cancel()
    assert len({message.job.job_id for message in messages}) == len(messages)
    return {message.job.job_id: kinds([message]) for message in messages if message.HasField("job")}


def is_told(told: dict[str, list[str]], expected: dict[str, list[str]], database_url: str) -> bool:
    """Whether the expected events are the last that are told of each job; on SQLite, nothing else is told.

    On PostgreSQL a transaction that is open elsewhere in the same cluster lets earlier events be told again.
    """
    if database_url.startswith("sqlite"):
        return told == expected
    tails = {job_id: told.get(job_id, [])[-len(kinds) :] if kinds else [] for job_id, kinds in expected.items()}
    return tails == expected


async def test_nothing_is_repeated_when_nothing_happened(rig: Rig, database_url: str) -> None:
    """What is active is told again as it is; events from before the token are not."""
    active = await rig.create()
    request = pb.CreateJobRequest(type="OTHER", claim=pb.ClaimOnCreate(worker_id="w"))
    await rig.complete((await rig.stub.CreateJob(request)).claimed)
    token = await token_now(rig)
    assert is_told(await told_after(rig, token), {active.job_id: []}, database_url)


async def test_a_token_of_last_month_tells_what_ended_since(rig: Rig, database_url: str) -> None:
    """However old the token, each job that had events since is told once, with all of them."""
    token = await token_now(rig)
    done = []
    for _ in range(3):
        done.append(await rig.complete(await rig.running()))
        rig.clock.advance(10 * 86_400)
    assert is_told(
        await told_after(rig, token), {job.job_id: ["CREATED", "CLAIMED", "ENDED"] for job in done}, database_url
    )


async def test_a_clock_that_is_set_back_hides_nothing(rig: Rig, database_url: str) -> None:
    """The wall clock goes back by an hour after the token: what happens then is told all the same, to the last event."""
    ending, going_on = await rig.running(), await rig.running()
    token = await token_now(rig)
    rig.clock.wall_micros -= HOUR
    done = await rig.complete(ending)
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=going_on.job.job_id))
    assert done.end_time.ToMicroseconds() < ending.job.create_time.ToMicroseconds()
    assert is_told(
        await told_after(rig, token), {done.job_id: ["ENDED"], going_on.job.job_id: ["CANCEL_REQUESTED"]}, database_url
    )


async def test_a_clock_that_went_ahead_and_back_hides_nothing(rig: Rig, database_url: str) -> None:
    """A token from an hour that has not come yet, for the clock, is as good as any other; twice, too."""
    rig.clock.wall_micros += HOUR
    first, second = await rig.running(), await rig.running()
    token = await token_now(rig)
    rig.clock.wall_micros -= HOUR
    await rig.complete(first)
    assert is_told(await told_after(rig, token), {first.job.job_id: ["ENDED"], second.job.job_id: []}, database_url)
    token = await token_now(rig)
    rig.clock.wall_micros -= HOUR
    await rig.complete(second)
    assert is_told(await told_after(rig, token), {second.job.job_id: ["ENDED"]}, database_url)


@pytest.mark.parametrize("skew", [-HOUR, HOUR], ids=["behind", "ahead"])
async def test_a_token_is_good_at_a_jobtracker_with_another_clock(
    settings: Callable[..., TrackerSettings], skew: int, database_url: str
) -> None:
    """Who resumes at a JobTracker whose clock differs by an hour, on the same database, misses nothing."""
    async with tracker(settings(), TrackerClock()) as rig:
        ending = await rig.running()
        token = await token_now(rig)
    other = TrackerClock()
    other.wall_micros += skew
    async with tracker(settings(), other) as rig:
        await rig.complete(ending)
        assert is_told(await told_after(rig, token), {ending.job.job_id: ["ENDED"]}, database_url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # its files are copied back
async def test_a_token_of_a_database_that_was_restored_is_taken(
    settings: Callable[..., TrackerSettings], tmp_path: Path, database_url: str
) -> None:
    """It knows of a future that never was: what is active is told as it is, and then every change."""
    clock = TrackerClock()
    async with tracker(settings(), clock) as rig:
        claimed = await rig.running()
    shutil.copytree(tmp_path, tmp_path / "backup")
    clock.advance(60)
    async with tracker(settings(), clock) as rig:
        await rig.complete(claimed)
        token = await token_now(rig)
    for file in (tmp_path / "backup").iterdir():
        shutil.copy(file, tmp_path / file.name)
    clock.advance(60)
    async with tracker(settings(), clock) as rig:
        watch = rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=token, min_interval=AT_ONCE))
        first, complete = await snapshot(watch)
        assert first.job == claimed.job
        watch.cancel()
        done = await rig.complete(claimed)
        for later in (token, first.resume_token, complete.resume_token):
            assert is_told(await told_after(rig, later), {done.job_id: ["ENDED"]}, database_url)


async def test_a_token_belongs_to_no_filter(rig: Rig, database_url: str) -> None:
    """A token says how far its watcher was among all jobs, so it resumes any filter."""
    before = await rig.running(store_id="hue")
    token = await token_now(rig, store_ids=["hanoi"])
    await rig.complete(before)
    assert is_told(await told_after(rig, token, store_ids=["hue"]), {before.job.job_id: ["ENDED"]}, database_url)


async def test_a_page_token_is_no_resume_token(rig: Rig) -> None:
    """A token of another call is refused by its reason."""
    for _ in range(2):
        await rig.create()
    page = await rig.stub.ListJobs(pb.ListJobsRequest(page_size=1))
    seen = await refusal(rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=page.next_page_token)).read())
    assert (seen.code, seen.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID")


async def test_more_events_than_a_page_are_all_told(rig: Rig) -> None:
    """A job that was given back again and again has more events than any page, and the last one is told, too."""
    token = await token_now(rig)
    job = await rig.create()
    for _ in range(501):
        (claimed,) = await rig.claim()
        await rig.stub.ReleaseJob(
            pb.ReleaseJobRequest(job_id=job.job_id, lease_token=claimed.lease.lease_token, reason="again")
        )
    told = (await told_after(rig, token))[job.job_id]
    assert told == ["CREATED", *["CLAIMED", "RELEASED"] * 501]


async def test_a_job_that_comes_back_into_the_filter_brings_the_events_of_its_absence(rig: Rig) -> None:
    """While it has no wanted state a job is not sent; when it has one again, nothing of what happened between is missing."""
    job = await rig.create()
    wanted = pb.JobFilter(states=[job_pb2.JOB_STATE_PENDING])
    watch = rig.stub.WatchJobs(pb.WatchJobsRequest(filter=wanted, min_interval=AT_ONCE))
    assert [message.job.job_id for message in await snapshot(watch)] == [job.job_id, ""]
    (claimed,) = await rig.claim()
    await rig.stub.ReleaseJob(pb.ReleaseJobRequest(job_id=job.job_id, lease_token=claimed.lease.lease_token))
    back = await following(watch)
    assert (back.job.job_id, back.job.state) == (job.job_id, job_pb2.JOB_STATE_PENDING)
    assert kinds([back])[-2:] == ["CLAIMED", "RELEASED"]
    watch.cancel()
