"""ListJobs, ListJobEvents, ListItemFailures, GetJobStats and the types, over the wire."""

from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2, timestamp_pb2
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import TYPE, Rig, held, refusal

Code = grpc.StatusCode


async def listed(rig: Rig, page_size: int = 0, order: int = 0, **wanted: Any) -> list[str]:
    """Read every page of a list; the jobs' ids in the order they came."""
    request = pb.ListJobsRequest(filter=pb.JobFilter(**wanted), page_size=page_size, order=order)
    ids: list[str] = []
    while True:
        page = await rig.stub.ListJobs(request)
        ids.extend(job.job_id for job in page.jobs)
        if not page.next_page_token:
            return ids
        request.page_token = page.next_page_token


@pytest.mark.parametrize("page_size", [1, 3, 7, 500])
async def test_pages_cover_every_job_once(rig: Rig, page_size: int) -> None:
    """Whatever the page size, every job comes once, newest first or oldest first; equal times do not matter."""
    ids = []
    for number in range(7):
        ids.append((await rig.create()).job_id)
        rig.clock.advance(number % 2)
    assert await listed(rig, page_size, pb.JOB_ORDER_CREATE_TIME_ASC) == ids
    assert await listed(rig, page_size) == ids[::-1]


async def test_jobs_created_between_pages_do_not_shift_them(rig: Rig) -> None:
    """A page begins after the last job of the page before, whatever has come since."""
    ids = [(await rig.create()).job_id for _ in range(4)]
    first = await rig.stub.ListJobs(pb.ListJobsRequest(page_size=2))
    rig.clock.advance(1)
    await rig.create()
    second = await rig.stub.ListJobs(pb.ListJobsRequest(page_size=2, page_token=first.next_page_token))
    assert [job.job_id for job in (*first.jobs, *second.jobs)] == ids[::-1]
    assert second.next_page_token == ""


async def test_filters_select_what_they_say(rig: Rig) -> None:
    """All given conditions must hold; text is found whatever its case, Vietnamese too."""
    one = await rig.create(store_id="hanoi", created_by="Đặng Phương")
    rig.clock.advance(10)
    two = await rig.create(store_id="hue", type="A")
    cancelled = await rig.create(store_id="hanoi")
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=cancelled.job_id, reason="100% sai"))
    middle = timestamp_pb2.Timestamp()
    middle.FromMicroseconds(rig.clock.now_micros())
    assert await listed(rig, store_ids=["hue", "saigon"]) == [two.job_id]
    assert await listed(rig, types=["A"]) == [two.job_id]
    assert await listed(rig, states=[job_pb2.JOB_STATE_CANCELLED]) == [cancelled.job_id]
    assert await listed(rig, store_ids=["hanoi"], states=[job_pb2.JOB_STATE_PENDING]) == [one.job_id]
    assert await listed(rig, created_before=middle) == [one.job_id]
    assert await listed(rig, created_from=middle, types=["A"]) == [two.job_id]
    assert await listed(rig, text="đặng phương") == [one.job_id]
    assert await listed(rig, text="ĐẶNG") == [one.job_id]
    assert await listed(rig, text="0% SAI") == [cancelled.job_id]
    assert await listed(rig, text="%") == [cancelled.job_id]
    assert await listed(rig, text=two.job_id[3:30].upper()) == [two.job_id]
    assert await listed(rig, text="nobody") == []


async def test_a_page_fits_into_a_message(rig: Rig) -> None:
    """Large jobs make a page shorter than asked for, and none is lost."""
    params = struct_pb2.Struct()
    params.update({"numbers": [1] * 32_000})
    ids = [(await rig.create(params=params)).job_id for _ in range(16)]
    first = await rig.stub.ListJobs(pb.ListJobsRequest(page_size=500))
    assert 0 < len(first.jobs) < 16
    assert first.ByteSize() < 4 * 1024 * 1024
    assert await listed(rig, 500) == ids[::-1]
    claimed = await rig.claim(max_jobs=100)
    assert 0 < len(claimed) < 16


async def test_a_page_token_belongs_to_its_question(rig: Rig) -> None:
    """A token of another filter, another order or another call is refused; another page size is not."""
    job = await rig.create()
    await rig.create()
    token = (await rig.stub.ListJobs(pb.ListJobsRequest(page_size=1))).next_page_token
    assert len((await rig.stub.ListJobs(pb.ListJobsRequest(page_size=9, page_token=token))).jobs) == 1
    for call in (
        rig.stub.ListJobs(pb.ListJobsRequest(page_token=token, filter=pb.JobFilter(types=["A"]))),
        rig.stub.ListJobs(pb.ListJobsRequest(page_token=token, order=pb.JOB_ORDER_CREATE_TIME_ASC)),
        rig.stub.ListJobEvents(pb.ListJobEventsRequest(page_token=token, job_id=job.job_id)),
        rig.stub.ListItemFailures(pb.ListItemFailuresRequest(page_token=token, job_id=job.job_id)),
    ):
        seen = await refusal(call)
        assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
        assert set(seen.fields) == {"page_token"}


@pytest.mark.parametrize("token", ["nonsense", "W10", "WzEsMiwzXQ", "e30", "🙂"])
async def test_a_made_up_page_token_is_refused(rig: Rig, token: str) -> None:
    """What no list made is no page token."""
    seen = await refusal(rig.stub.ListJobs(pb.ListJobsRequest(page_token=token)))
    assert (seen.reason, seen.fields) == ("PAGE_TOKEN_INVALID", {"page_token": "is not a page token of this call"})


@pytest.mark.parametrize("size", [-1, 501])
async def test_a_bad_page_size_is_refused(rig: Rig, size: int) -> None:
    """Pages hold from 1 to 500."""
    job = await rig.create()
    for call in (
        rig.stub.ListJobs(pb.ListJobsRequest(page_size=size)),
        rig.stub.ListJobEvents(pb.ListJobEventsRequest(page_size=size, job_id=job.job_id)),
        rig.stub.ListItemFailures(pb.ListItemFailuresRequest(page_size=size, job_id=job.job_id)),
    ):
        seen = await refusal(call)
        assert seen.fields == {"page_size": f"must be from 0 to 500, is {size}"}


async def test_a_bad_filter_is_refused(rig: Rig) -> None:
    """Unknown states, unknown orders, bad times and endless lists are named together."""
    wanted = pb.JobFilter(
        store_ids=["s"] * 101, types=["T" * 65], states=[99], created_from=timestamp_pb2.Timestamp(nanos=-1)
    )
    seen = await refusal(rig.stub.ListJobs(pb.ListJobsRequest(filter=wanted, order=7)))
    assert set(seen.fields) == {
        "filter.store_ids",
        "filter.types[0]",
        "filter.states[0]",
        "filter.created_from",
        "order",
    }


async def test_events_and_failures_come_in_pages(rig: Rig) -> None:
    """Events page oldest first, also within one revision; failures page by item and stage."""
    claimed = await rig.running()
    failures = [
        job_pb2.ItemFailure(item_key=f"{n:03}", origin=job_pb2.ITEM_FAILURE_ORIGIN_RULE, code="C") for n in range(5)
    ]
    await rig.report(claimed, 1, item_failures=failures)
    await rig.stub.FailJob(pb.FailJobRequest(**held(claimed), code="C", message="m"))
    events: list[str] = []
    request = pb.ListJobEventsRequest(job_id=claimed.job.job_id, page_size=1)
    while True:
        page = await rig.stub.ListJobEvents(request)
        events.extend(job_pb2.JobEventKind.Name(event.kind)[15:] for event in page.events)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert events == ["CREATED", "CLAIMED", "ATTEMPT_FAILED", "ENDED"]
    keys: list[str] = []
    asked = pb.ListItemFailuresRequest(job_id=claimed.job.job_id, page_size=2)
    while True:
        failed = await rig.stub.ListItemFailures(asked)
        assert failed.total_count == 5
        keys.extend(failure.item_key for failure in failed.item_failures)
        if not failed.next_page_token:
            break
        asked.page_token = failed.next_page_token
    assert keys == ["000", "001", "002", "003", "004"]


async def test_stats_count_and_say_what_is_covered(rig: Rig) -> None:
    """Counts by type, variant and state; a registered type counts once per variant, once if it has none."""
    registered = await rig.stub.RegisterJobTypes(
        pb.RegisterJobTypesRequest(
            job_types=[
                job_pb2.JobType(type=TYPE, display_name="Pull"),
                job_pb2.JobType(type="MATCH", variants=["SQL", "BATCH"]),
            ]
        )
    )
    assert [one.display_name for one in registered.job_types] == ["Match", "Pull"]
    assert (await rig.stub.ListJobTypes(pb.ListJobTypesRequest())).job_types == registered.job_types
    await rig.complete(await rig.running())
    await rig.running()
    rig.clock.advance(1)
    waiting = await rig.create(type="MATCH", variant="SQL")
    stats = await rig.stub.GetJobStats(pb.GetJobStatsRequest())
    assert [(one.type, one.variant, job_pb2.JobState.Name(one.state), one.count) for one in stats.counts] == [
        ("MATCH", "SQL", "JOB_STATE_PENDING", 1),
        (TYPE, "", "JOB_STATE_COMPLETED", 1),
        (TYPE, "", "JOB_STATE_RUNNING", 1),
    ]
    assert (stats.running_now, stats.pending_now) == (1, 1)
    assert stats.oldest_pending_create_time == waiting.create_time
    assert (stats.coverage.registered, stats.coverage.completed) == (3, 1)
    assert [(one.type, one.variant, one.completed_jobs) for one in stats.coverage.operations] == [
        ("MATCH", "SQL", 0),
        ("MATCH", "BATCH", 0),
        (TYPE, "", 1),
    ]
    later = await rig.stub.GetJobStats(pb.GetJobStatsRequest(created_from=waiting.create_time, store_ids=[]))
    assert [one.type for one in later.counts] == ["MATCH"]
    elsewhere = await rig.stub.GetJobStats(pb.GetJobStatsRequest(store_ids=["nowhere"]))
    assert (len(elsewhere.counts), elsewhere.pending_now) == (0, 0)
    assert not elsewhere.HasField("oldest_pending_create_time")


async def test_registering_again_replaces(rig: Rig) -> None:
    """A type is what it was last registered as, and bad types are refused together."""
    for variants in (["A"], ["A", "B"]):
        response = await rig.stub.RegisterJobTypes(
            pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type="T", variants=variants)])
        )
        assert list(response.job_types[0].variants) == variants
    bad = [
        job_pb2.JobType(type="t", display_name="x" * 101, variants=["b"]),
        job_pb2.JobType(type="T", variants=["A", "A"]),
        job_pb2.JobType(type="T"),
    ]
    seen = await refusal(rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=bad)))
    assert set(seen.fields) == {
        "job_types[0].type",
        "job_types[0].display_name",
        "job_types[0].variants[0]",
        "job_types[1].variants",
        "job_types[2].type",
    }


async def test_a_registration_answers_with_what_it_named(rig: Rig) -> None:
    """However many types others have registered."""
    for name in ("U", "T"):
        answer = await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type=name)]))
        assert [one.type for one in answer.job_types] == [name]
    assert [one.type for one in (await rig.stub.ListJobTypes(pb.ListJobTypesRequest())).job_types] == ["T", "U"]


async def test_the_types_of_all_workers_fit_into_an_answer(rig: Rig) -> None:
    """There are at most 1,000; one more is refused, and those that there are can be registered again."""
    longest = {"display_name": "😀" * 100}
    for batch in range(10):
        types = [job_pb2.JobType(type=f"T{batch}_{number}".ljust(64, "X"), **longest) for number in range(100)]
        await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types))
    seen = await refusal(
        rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=[types[0], job_pb2.JobType(type="ONE_MORE")]))
    )
    assert (seen.reason, seen.fields) == ("INVALID_FIELD", {"job_types": "would make more than 1,000 types"})
    await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types))
    assert len((await rig.stub.ListJobTypes(pb.ListJobTypesRequest())).job_types) == 1_000
    assert (await rig.stub.GetJobStats(pb.GetJobStatsRequest())).coverage.registered == 1_000


async def test_the_variants_of_all_types_fit_into_an_answer(rig: Rig) -> None:
    """There are at most 1,000 in all; fewer of one type make room for more of another."""
    variants = [f"V{number}".ljust(64, "X") for number in range(100)]
    types = [job_pb2.JobType(type=f"T{number}", variants=variants) for number in range(11)]
    seen = await refusal(rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types)))
    assert seen.fields == {"job_types": "would make more than 1,000 variants of all types together"}
    assert (await rig.stub.ListJobTypes(pb.ListJobTypesRequest())).job_types == []
    await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types[:10]))
    assert (await refusal(rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=types[10:])))).fields
    await rig.stub.RegisterJobTypes(pb.RegisterJobTypesRequest(job_types=[job_pb2.JobType(type="T0"), types[10]]))
    assert (await rig.stub.GetJobStats(pb.GetJobStatsRequest())).coverage.registered == 1_001
