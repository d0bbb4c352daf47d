"""How fast streams go: intervals, heartbeats, readers that are slow or do not read at all."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from job_tracker.__main__ import TrackerSettings
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import Rig, held, refusal
from tests.contract.job_tracker.streams import (
    AT_ONCE,
    NARROW,
    RARELY,
    bulky,
    following,
    kinds,
    snapshot,
    to_the_end,
    tracker,
)


async def reported(rig: Rig, claimed: job_pb2.ClaimedJob, first: int, last: int) -> None:
    """Report one row after the other."""
    for sequence in range(first, last + 1):
        await rig.report(claimed, sequence, progress={"processed": sequence, "successful": sequence})


@asynccontextmanager
async def busy(rig: Rig, claimed: job_pb2.ClaimedJob) -> AsyncIterator[None]:
    """Report on a job as fast as it goes while the context lasts."""
    reporting = asyncio.ensure_future(reported(rig, claimed, 1, 1_000_000))
    try:
        yield
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)


async def test_an_interval_of_nothing_sends_every_change_to_who_keeps_up(rig: Rig) -> None:
    """`min_interval` 0 is allowed: each report is seen, one by one."""
    claimed = await rig.running()
    watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=AT_ONCE))
    many = rig.stub.WatchJobs(pb.WatchJobsRequest(min_interval=AT_ONCE))
    await following(watch)
    await snapshot(many)
    for sequence in range(1, 11):
        await reported(rig, claimed, sequence, sequence)
        assert (await following(watch)).job.progress.processed == sequence
        assert (await following(many)).job.progress.processed == sequence
    watch.cancel()
    many.cancel()


@pytest.mark.parametrize("method", ["WatchJob", "WatchJobs"])
async def test_without_a_word_a_job_is_sent_ten_times_a_second_at_most(rig: Rig, method: str) -> None:
    """An unset `min_interval` means 100 ms: there are no more messages than tenths of a second, and the last is the newest."""
    claimed = await rig.running()
    began = time.monotonic()
    if method == "WatchJob":
        watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id))
        await following(watch)
    else:
        watch = rig.stub.WatchJobs(pb.WatchJobsRequest())
        await snapshot(watch)
    await reported(rig, claimed, 1, 60)
    messages = []
    while not messages or messages[-1].job.progress.processed < 60:
        messages.append(await following(watch))
    assert len(messages) <= (time.monotonic() - began) / 0.1
    watch.cancel()


async def test_a_heartbeat_comes_only_after_silence(settings: Callable[..., TrackerSettings]) -> None:
    """While messages flow there is none: it comes a whole span after the last of them."""
    span = 0.2
    async with tracker(settings(heartbeat_seconds=span)) as rig:
        claimed = await rig.running()
        watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=AT_ONCE))
        await following(watch)
        beats = 0
        for sequence in range(1, 16):
            spoke = time.monotonic()  # before the message is sent, so a beat after it is later than this by a span
            await reported(rig, claimed, sequence, sequence)
            message = await following(watch)
            while message.heartbeat:  # of the time before the report
                message = await following(watch)
            assert message.job.progress.processed == sequence
            await asyncio.sleep(span / 5)
        while beats < 3:
            assert (await following(watch)).heartbeat
            beats += 1
            assert time.monotonic() - spoke >= span * beats
        watch.cancel()


async def test_a_stream_gives_signs_of_life_while_its_interval_lasts(settings: Callable[..., TrackerSettings]) -> None:
    """Progress that waits for a long interval does not make the stream silent, and a state change still comes at once."""
    async with tracker(settings(heartbeat_seconds=0.02)) as rig:
        claimed = await rig.running()
        watch = rig.stub.WatchJob(pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=RARELY))
        many = rig.stub.WatchJobs(pb.WatchJobsRequest(min_interval=RARELY))
        await following(watch)
        await snapshot(many)
        await reported(rig, claimed, 1, 1)
        assert (await following(watch)).heartbeat
        assert (await following(many)).heartbeat
        done = await rig.complete(claimed)
        for stream in (watch, many):
            message = await following(stream)
            while message.heartbeat:
                message = await following(stream)
            assert message.job == done
        many.cancel()


async def test_a_filter_in_which_nothing_happens_gives_signs_of_life(settings: Callable[..., TrackerSettings]) -> None:
    """However busy the jobs are that nobody here asked for."""
    async with tracker(settings(heartbeat_seconds=0.05)) as rig:
        claimed = await rig.running(store_id="hue")
        watch = rig.stub.WatchJobs(pb.WatchJobsRequest(filter=pb.JobFilter(store_ids=["hanoi"])))
        await snapshot(watch)
        async with busy(rig, claimed):
            assert [(await following(watch)).heartbeat for _ in range(3)] == [True] * 3
        watch.cancel()


@pytest.mark.parametrize("method", ["WatchJob", "WatchJobs"])
async def test_a_slow_reader_skips_progress_and_no_event(rig: Rig, method: str) -> None:
    """Who reads nothing for hundreds of changes gets fewer messages than changes, and every event once and in order."""
    job = await rig.create(params=bulky(40_000))
    async with grpc.aio.insecure_channel(rig.address, options=NARROW) as channel:
        stub = JobTrackerStub(channel)
        if method == "WatchJob":
            slow = stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id, min_interval=AT_ONCE))
            messages = [await following(slow)]
        else:
            slow = stub.WatchJobs(pb.WatchJobsRequest(min_interval=AT_ONCE))
            messages = await snapshot(slow)
        changes = 0
        for _ in range(20):
            (claimed,) = await rig.claim()
            await reported(rig, claimed, 1, 5)
            await rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(claimed)))
            changes += 7
        (claimed,) = await rig.claim()
        done = await rig.complete(claimed)
        while messages[-1].job != done:
            messages.append(await following(slow))
        slow.cancel()
    before = ["CREATED"] if method == "WatchJob" else []  # a stream of many jobs begins with them as they are
    assert kinds(messages) == [*before, *["CLAIMED", "RELEASED"] * 20, "CLAIMED", "ENDED"]
    assert len(messages) < changes / 4


@pytest.mark.parametrize("method", ["WatchJob", "WatchJobs"])
async def test_readers_that_never_read_hold_up_nobody(
    settings: Callable[..., TrackerSettings], method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Twenty blocked streams are given up: reports are answered and others see each of them all along, on the same channel, too.

    A blocked reader learns its end when it reads on; one that goes away instead leaves no trace.
    """
    async with tracker(settings(watch_write_seconds=0.3)) as rig:
        claimed = await rig.running(params=bulky(60_000))
        async with grpc.aio.insecure_channel(rig.address, options=NARROW) as channel:
            stub = JobTrackerStub(channel)
            request = pb.WatchJobRequest(job_id=claimed.job.job_id, min_interval=AT_ONCE)
            many = pb.WatchJobsRequest(min_interval=AT_ONCE)
            asleep = [stub.WatchJob(request) if method == "WatchJob" else stub.WatchJobs(many) for _ in range(20)]
            for stream in asleep:
                await following(stream)
            awake = [rig.stub.WatchJob(request), stub.WatchJob(request)]
            for stream in awake:
                await following(stream)
            began, sequence = time.monotonic(), 0
            while time.monotonic() - began < 1.0 or sequence < 20:
                sequence += 1
                await reported(rig, claimed, sequence, sequence)
                for stream in awake:
                    assert (await following(stream)).job.progress.processed == sequence
            for stream in awake:
                stream.cancel()
            gone = asleep.pop()
            gone.cancel()
            for stream in asleep:
                seen = await refusal(to_the_end(stream))
                assert (seen.code, seen.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_TOO_SLOW")
                assert seen.metadata == ({"job_id": claimed.job.job_id} if method == "WatchJob" else {})
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
