"""WatchJob, WatchJobs and WaitJob, over the wire."""

import asyncio
from collections.abc import Callable

import grpc
import pytest
from google.protobuf import duration_pb2, struct_pb2
from job_tracker.__main__ import TrackerSettings, running
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub
from structlog.testing import capture_logs

from tests.contract.job_tracker.conftest import TYPE, Rig, refusal, refused
from tests.contract.job_tracker.streams import AT_ONCE, RARELY, following, kinds, snapshot, tracker

Code = grpc.StatusCode


async def test_a_watch_shows_the_job_now_and_ends_with_it(rig: Rig) -> None:
    """The first message is the job with all its events, the last has its final state, and then the stream ends OK."""
    claimed = await rig.running()
    watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=AT_ONCE))
    first = await following(watch)
    assert first.job == claimed.job
    assert kinds([first]) == ["CREATED", "CLAIMED"]
    await rig.report(claimed, 1, progress={"processed": 3, "successful": 3})
    second = await following(watch)
    assert (second.job.progress.processed, list(second.events)) == (3, [])
    done = await rig.complete(claimed)
    third = await following(watch)
    assert third.job == done
    assert kinds([third]) == ["ENDED"]
    assert await following(watch) is grpc.aio.EOF
    assert await watch.code() == Code.OK


async def test_a_watch_of_an_ended_job_is_one_message(rig: Rig) -> None:
    """Who comes after the end sees the end."""
    done = await rig.complete(await rig.running())
    messages = [message async for message in rig.stub.WatchJob(pb.WatchJobRequest(job_id=done.job_id))]
    assert [message.job for message in messages] == [done]
    assert kinds(messages) == ["CREATED", "CLAIMED", "ENDED"]


async def test_a_watch_resumes_after_a_revision(rig: Rig) -> None:
    """A watcher that comes back with the revision it saw gets exactly the events after it."""
    claimed = await rig.running()
    watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id))
    seen = (await following(watch)).job.revision
    watch.cancel()
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=claimed.job.job_id))
    await rig.complete(claimed)
    resumed = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id, after_revision=seen))
    assert kinds([message async for message in resumed]) == ["CANCEL_REQUESTED", "ENDED"]


@pytest.mark.parametrize("revision", [10**12, -1])
async def test_an_impossible_revision_is_answered_with_the_job(rig: Rig, revision: int) -> None:
    """A watcher that knows more than the database, restored since perhaps, is shown the job as it is."""
    done = await rig.complete(await rig.running())
    resumed = rig.stub.WatchJob(pb.WatchJobRequest(job_id=done.job_id, after_revision=revision))
    messages = [message async for message in resumed]
    assert [message.job for message in messages] == [done]
    assert kinds(messages) == ["CREATED", "CLAIMED", "ENDED"]


async def test_progress_waits_for_the_interval_and_a_state_does_not(rig: Rig) -> None:
    """Between two messages lies the interval, unless the state changes: that is sent at once."""
    claimed = await rig.running()
    watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=RARELY))
    await following(watch)
    for sequence in range(1, 20):
        await rig.report(claimed, sequence, progress={"processed": sequence, "successful": sequence})
    done = await rig.complete(claimed)
    assert (await following(watch)).job == done
    assert await following(watch) is grpc.aio.EOF


async def test_a_silent_watch_gives_signs_of_life(settings: Callable[..., TrackerSettings]) -> None:
    """Every kind of stream sends a heartbeat when nothing changes."""
    async with tracker(settings(heartbeat_seconds=0.02)) as rig:
        job = await rig.create()
        one = rig.stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id, min_interval=AT_ONCE))
        assert not (await following(one)).heartbeat
        assert await following(one) == pb.WatchJobResponse(heartbeat=True)
        many = rig.stub.WatchJobs(pb.WatchJobsRequest())
        await snapshot(many)
        beat = await following(many)
        assert (beat.heartbeat, beat.HasField("job")) == (True, False)
        assert beat.resume_token
        directives = rig.stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="w"))
        assert [await following(directives) for _ in range(2)] == [pb.WatchDirectivesResponse()] * 2
        for stream in (one, many, directives):
            stream.cancel()


async def test_a_watcher_that_does_not_read_is_given_up(settings: Callable[..., TrackerSettings]) -> None:
    """A blocked stream ends with WATCHER_TOO_SLOW, and it holds up nobody."""
    async with tracker(settings(watch_write_seconds=0.2)) as rig:
        params = struct_pb2.Struct()
        params.update({"text": "x" * 60_000})
        claimed = await rig.running(params=params)
        options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
        async with grpc.aio.insecure_channel(rig.address, options=options) as channel:
            request = pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=AT_ONCE)
            slow = JobTrackerStub(channel).WatchJob(request)
            await following(slow)

            async def report_until_ended() -> None:
                sequence = 0
                while not slow.done():
                    sequence += 1
                    counts = {"processed": sequence, "successful": sequence}
                    assert (await rig.report(claimed, sequence, progress=counts)).applied

            async def read_late() -> None:
                """Read the blocked stream once the server has ended it; until then somebody else is told all the while."""
                async with asyncio.timeout(30):
                    fast = rig.stub.WatchJob(request)
                    with capture_logs() as answered:
                        while all(call.get("code") != "RESOURCE_EXHAUSTED" for call in answered):
                            answered.clear()
                            assert await fast.read() is not grpc.aio.EOF
                    fast.cancel()
                    while await slow.read() is not grpc.aio.EOF:
                        pass

            reports = asyncio.ensure_future(report_until_ended())
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await read_late()
            await reports
            seen = refused(raised.value)
    assert (seen.code, seen.reason) == (Code.RESOURCE_EXHAUSTED, "WATCHER_TOO_SLOW")
    assert seen.metadata == {"job_id": claimed.job.job_id}


async def test_watches_end_when_the_tracker_stops(settings: Callable[..., TrackerSettings]) -> None:
    """At shutdown every stream and every long poll ends with UNAVAILABLE, which says: try again."""
    async with running(settings()) as handle:
        channel = grpc.aio.insecure_channel(handle.address)
        stub = JobTrackerStub(channel)
        job = (await stub.CreateJob(pb.CreateJobRequest(type=TYPE))).job
        streams = [
            stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id)),
            stub.WatchDirectives(pb.WatchDirectivesRequest(worker_id="w")),
            stub.WatchJobs(pb.WatchJobsRequest()),
        ]
        for stream in streams[:2]:
            await following(stream)
        await snapshot(streams[2])
    for stream in streams:
        seen = await refusal(stream.read())
        assert (seen.code, seen.reason) == (Code.UNAVAILABLE, "UNAVAILABLE")
        assert seen.retry_seconds == 0.5
    await channel.close()


async def test_an_unknown_job_is_not_watched(rig: Rig) -> None:
    """Every reading call says when there is no such job."""
    for call in (
        rig.stub.WatchJob(pb.WatchJobRequest(job_id="nobody")).read(),
        rig.stub.GetJob(pb.GetJobRequest(job_id="nobody")),
        rig.stub.WaitJob(pb.WaitJobRequest(job_id="nobody")),
        rig.stub.CancelJob(pb.CancelJobRequest(job_id="nobody")),
        rig.stub.RetryJob(pb.RetryJobRequest(job_id="nobody")),
        rig.stub.ListJobEvents(pb.ListJobEventsRequest(job_id="nobody")),
        rig.stub.ListItemFailures(pb.ListItemFailuresRequest(job_id="nobody")),
    ):
        seen = await refusal(call)
        assert (seen.code, seen.reason, seen.metadata) == (Code.NOT_FOUND, "JOB_NOT_FOUND", {"job_id": "nobody"})


async def test_waiting_is_answered_by_the_end_or_by_the_time(rig: Rig) -> None:
    """WaitJob answers when the job ends; with no time left it answers with the job as it is."""
    claimed = await rig.running()
    now = await rig.stub.WaitJob(pb.WaitJobRequest(job_id=claimed.job.job_id, timeout=AT_ONCE))
    assert now.job.state == job_pb2.JOB_STATE_RUNNING
    waiting = asyncio.ensure_future(rig.stub.WaitJob(pb.WaitJobRequest(job_id=claimed.job.job_id)))
    await rig.report(claimed, 1, progress={"processed": 1, "successful": 1})
    done = await rig.complete(claimed)
    assert (await asyncio.wait_for(waiting, 10)).job == done


async def test_many_jobs_are_watched_by_a_filter(rig: Rig) -> None:
    """First comes what is active, then every change of what the filter selects, and nothing else."""
    ended = await rig.complete(await rig.running(store_id="hanoi"))
    active = await rig.create(store_id="hanoi", type="A")
    await rig.create(store_id="hue", type="A")
    request = pb.WatchJobsRequest(filter=pb.JobFilter(store_ids=["hanoi"]), min_interval=AT_ONCE)
    watch = rig.stub.WatchJobs(request)
    first = await snapshot(watch)
    assert [message.job.job_id for message in first] == [active.job_id, ""]
    await rig.create(store_id="hue", type="A")
    later = await rig.create(store_id="hanoi")
    message = await following(watch)
    assert message.job == later
    assert kinds([message]) == ["CREATED"]
    (claimed,) = await rig.claim()
    assert (await following(watch)).job == claimed.job
    done = await rig.complete(claimed)
    message = await following(watch)
    assert message.job == done
    assert kinds([message]) == ["ENDED"]
    assert ended.job_id not in {one.job.job_id for one in first}
    watch.cancel()


async def test_a_watch_of_many_resumes_and_misses_nothing(rig: Rig) -> None:
    """What ended, began or changed while nobody watched is told after a resume; an event may come twice, none is lost."""
    ending = await rig.running()
    going_on = await rig.create(type="A")
    watch = rig.stub.WatchJobs(pb.WatchJobsRequest())
    token = (await snapshot(watch))[-1].resume_token
    watch.cancel()
    rig.clock.advance(60)
    done = await rig.complete(ending)
    between = await rig.complete(await rig.running())
    rig.clock.advance(60)
    resumed = rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=token))
    messages = await snapshot(resumed)
    assert [message.job.job_id for message in messages] == [
        ending.job.job_id,
        going_on.job_id,
        between.job_id,
        "",
    ]
    told = {message.job.job_id: kinds([message]) for message in messages}
    assert told[done.job_id][-1] == "ENDED"
    assert told[between.job_id] == ["CREATED", "CLAIMED", "ENDED"]
    resumed.cancel()


async def test_a_token_does_not_pass_over_what_waits_behind_it(rig: Rig) -> None:
    """The token of a message does not cover jobs that changed with it and have not been sent yet."""
    first, second = await rig.running(), await rig.running()
    watch = rig.stub.WatchJobs(pb.WatchJobsRequest(min_interval=RARELY))
    await snapshot(watch)
    rig.clock.advance(20)
    await rig.complete(first)
    message = await following(watch)
    rig.clock.advance(20)
    await rig.complete(second)
    watch.cancel()
    resumed = rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=message.resume_token))
    assert second.job.job_id in {one.job.job_id for one in await snapshot(resumed)}
    resumed.cancel()


async def test_a_filter_of_states_shows_a_job_while_it_has_one(rig: Rig) -> None:
    """With states in the filter a job is sent while it has one of them, not when it leaves them."""
    request = pb.WatchJobsRequest(filter=pb.JobFilter(states=[job_pb2.JOB_STATE_RUNNING]), min_interval=AT_ONCE)
    watch = rig.stub.WatchJobs(request)
    await snapshot(watch)
    claimed = await rig.running()
    assert (await following(watch)).job == claimed.job
    await rig.complete(claimed)
    other = await rig.running()
    assert (await following(watch)).job == other.job
    watch.cancel()


@pytest.mark.parametrize("token", ["nonsense", "W10", "WyJ3YXRjaCIsInRvZGF5Il0", "é"])
async def test_a_made_up_resume_token_is_refused(rig: Rig, token: str) -> None:
    """A resume token comes from WatchJobs."""
    seen = await refusal(rig.stub.WatchJobs(pb.WatchJobsRequest(resume_token=token)).read())
    assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID")
    assert seen.fields == {"resume_token": "is not a resume token"}


async def test_the_bounds_of_watches_are_held(rig: Rig) -> None:
    """Intervals, workers and filters out of bounds are refused."""
    long = duration_pb2.Duration(seconds=61)
    for call, fields in (
        (rig.stub.WatchJob(pb.WatchJobRequest(min_interval=long)), {"job_id", "min_interval"}),
        (
            rig.stub.WatchJobs(pb.WatchJobsRequest(min_interval=long, filter=pb.JobFilter(text="x" * 201, states=[0]))),
            {"min_interval", "filter.text", "filter.states[0]"},
        ),
        (rig.stub.WatchDirectives(pb.WatchDirectivesRequest()), {"worker_id"}),
    ):
        assert set((await refusal(call.read())).fields) == fields
