"""What no database keeps and no client parses is refused at the door, with either database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from job_tracker.__main__ import TrackerSettings, running
from job_tracker.entrypoints.tokens import page_token
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.jobs.v1.job_tracker_service_pb2_grpc import JobTrackerStub

from tests.contract.job_tracker.conftest import TYPE, Rig, exclusive, held, refusal
from tests.fakes.callers import HANOI, FakeCaller, write_tokens

NUL = "a\0b"
NO_NUL = "must hold no NUL character"


def struct(value: Any) -> struct_pb2.Struct:
    """A Struct."""
    made = struct_pb2.Struct()
    made.update({"a": value})
    return made


def nested(levels: int, *, lists: bool) -> struct_pb2.Struct:
    """A Struct so deep, itself included."""
    value: Any = 1
    for _ in range(levels - 1):
        value = [value] if lists else {"a": value}
    return struct(value)


@pytest.mark.parametrize("text", [NUL, "\0"])
async def test_no_text_of_a_new_job_holds_a_nul(rig: Rig, text: str) -> None:
    """PostgreSQL has no place for it, so SQLite is not asked either."""
    request = pb.CreateJobRequest(
        request_id=text,
        type=TYPE,
        labels={"a": text},
        locks=[exclusive(text)],
        parent_job_id=text,
        created_by=text,
        claim=pb.ClaimOnCreate(worker_id=text),
    )
    seen = await refusal(rig.stub.CreateJob(request))
    names = ("request_id", "labels[a]", "locks[0].key", "parent_job_id", "created_by", "claim.worker_id")
    assert seen.fields == dict.fromkeys(names, NO_NUL)


@pytest.mark.parametrize("params", [struct(NUL), struct([NUL]), struct({"a": {NUL: 1}})])
async def test_no_struct_holds_a_nul(rig: Rig, params: struct_pb2.Struct) -> None:
    """In no string and in no key, however deep."""
    seen = await refusal(rig.create(params=params))
    assert (seen.reason, seen.fields) == ("INVALID_FIELD", {"params": NO_NUL})
    claimed = await rig.running()
    assert (await refusal(rig.complete(claimed, result=params))).fields == {"result": NO_NUL}


async def test_no_text_of_a_worker_holds_a_nul(rig: Rig) -> None:
    """Whatever a vendor said, a worker hears which field it must mend, and keeps its lease."""
    claimed = await rig.running()
    failure = job_pb2.ItemFailure(
        item_key=NUL, stage=NUL, origin=job_pb2.ITEM_FAILURE_ORIGIN_NHANH, code="X", message=NUL
    )
    seen = await refusal(rig.report(claimed, 1, progress={"phase": NUL, "message": NUL}, item_failures=[failure]))
    names = (
        "progress.phase",
        "progress.message",
        *(f"item_failures[0].{name}" for name in ("item_key", "stage", "message")),
    )
    assert seen.fields == dict.fromkeys(names, NO_NUL)
    for call, request in (
        ("FailJob", pb.FailJobRequest(**held(claimed), code="X", message=NUL)),
        ("CompleteJob", pb.CompleteJobRequest(**held(claimed), message=NUL)),
    ):
        assert (await refusal(getattr(rig.stub, call)(request))).fields == {"message": NO_NUL}
    seen = await refusal(rig.stub.ReleaseJob(pb.ReleaseJobRequest(**held(claimed), reason=NUL)))
    assert seen.fields == {"reason": NO_NUL}
    assert (await rig.complete(claimed)).state == job_pb2.JOB_STATE_COMPLETED


async def test_no_question_holds_a_nul(rig: Rig) -> None:
    """Reads are refused as writes are."""
    assert (await refusal(rig.get(NUL))).fields == {"job_id": NO_NUL}
    wanted = pb.JobFilter(store_ids=[NUL], types=[NUL], text=NUL)
    seen = await refusal(rig.stub.ListJobs(pb.ListJobsRequest(filter=wanted)))
    assert seen.fields == dict.fromkeys(("filter.store_ids[0]", "filter.types[0]", "filter.text"), NO_NUL)


async def test_a_forged_page_token_holds_no_nul(rig: Rig) -> None:
    """A token is taken apart before the database is asked."""
    request = pb.ListJobsRequest()
    request.page_token = page_token(request, (1, NUL))
    assert (await refusal(rig.stub.ListJobs(request))).reason == "PAGE_TOKEN_INVALID"


async def test_an_id_with_a_nul_is_nobodys(settings: Callable[..., TrackerSettings], tmp_path: Path) -> None:
    """Who may see some shops alone is refused it as any job that is not theirs."""
    viewer = FakeCaller("viewer", ("viewer",), (HANOI,))
    tokens = str(write_tokens(tmp_path / "tokens.toml", viewer))
    async with (
        running(settings(tokens_file=tokens)) as handle,
        grpc.aio.insecure_channel(handle.address) as channel,
    ):
        call = JobTrackerStub(channel).GetJob(pb.GetJobRequest(job_id=NUL), metadata=viewer.metadata)
        assert (await refusal(call)).reason == "PERMISSION_DENIED"


@pytest.mark.parametrize("lists", [True, False])
async def test_what_is_as_deep_as_allowed_is_answered_by_every_call(rig: Rig, lists: bool) -> None:
    """A client parses messages 100 levels deep; the deepest answer has a job in a claim in a response."""
    deep = nested(32, lists=lists)
    created = await rig.create(params=deep)
    (listed,) = (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs
    (claimed,) = await rig.claim()
    assert created.params == listed.params == claimed.job.params == deep
    assert (await rig.complete(claimed, result=deep)).result == deep


@pytest.mark.parametrize("lists", [True, False])
async def test_what_is_deeper_is_refused(rig: Rig, lists: bool) -> None:
    """One job that nobody can parse would spoil every list that it is in."""
    said = "must be nested at most 32 deep"
    assert (await refusal(rig.create(params=nested(33, lists=lists)))).fields == {"params": said}
    claimed = await rig.running()
    assert (await refusal(rig.complete(claimed, result=nested(33, lists=lists)))).fields == {"result": said}
