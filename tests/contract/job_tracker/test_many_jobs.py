"""CancelJobs and RetryJobs, over the wire."""

import asyncio
from typing import Any

import grpc
import pytest
from job_tracker.application import bulk
from nhanhsync.jobs.v1 import error_reason_pb2, job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.contract.job_tracker.conftest import Rig, exclusive, held, refusal

Code = grpc.StatusCode
CALLS = ["CancelJobs", "RetryJobs"]
FAILED, PARTLY = job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_PARTIALLY_COMPLETED
CANCELLED, COMPLETED = job_pb2.JOB_STATE_CANCELLED, job_pb2.JOB_STATE_COMPLETED
PENDING, RUNNING, CANCELLING = job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_CANCELLING
HANOI = pb.JobFilter(store_ids=["hanoi"])


async def ask(rig: Rig, name: str, **fields: Any) -> Any:
    """Make a call on many jobs."""
    return await getattr(rig.stub, name)(getattr(pb, f"{name}Request")(**fields))


async def preview(rig: Rig, name: str, **fields: Any) -> pb.BulkOutcome:
    """Ask what a call would do; time passes after it."""
    outcome: pb.BulkOutcome = (await ask(rig, name, **fields, dry_run=True)).outcome
    rig.clock.advance(1)
    return outcome


async def cancel_all(rig: Rig, **fields: Any) -> pb.BulkOutcome:
    """Cancel after a dry run."""
    token = (await preview(rig, "CancelJobs", **fields)).confirm_token
    outcome: pb.BulkOutcome = (await ask(rig, "CancelJobs", **fields, confirm_token=token)).outcome
    return outcome


async def retry_all(rig: Rig, **fields: Any) -> pb.RetryJobsResponse:
    """Retry after a dry run."""
    token = (await preview(rig, "RetryJobs", **fields)).confirm_token
    response: pb.RetryJobsResponse = await ask(rig, "RetryJobs", **fields, confirm_token=token)
    return response


def counts(outcome: pb.BulkOutcome) -> tuple[int, int, int, int]:
    """Matched, changed, passed over and refused."""
    return outcome.matched_count, outcome.changed_count, outcome.passed_over_count, outcome.refused_count


async def fail(rig: Rig, **fields: Any) -> job_pb2.Job:
    """Make a FAILED job."""
    claimed = await rig.running(**fields)
    job: job_pb2.Job = (await rig.stub.FailJob(pb.FailJobRequest(**held(claimed), code="C", message="m"))).job
    return job


async def one_of_each(rig: Rig) -> dict[int, str]:
    """Make a job in every state."""
    partly = await rig.running()
    counts = pb.ProgressReport(processed=2, successful=1, failed=1)
    ids = {
        FAILED: (await fail(rig)).job_id,
        PARTLY: (await rig.complete(partly, progress=counts)).job_id,
        COMPLETED: (await rig.complete(await rig.running())).job_id,
        CANCELLING: (await rig.running()).job.job_id,
        RUNNING: (await rig.running()).job.job_id,
        CANCELLED: (await rig.create()).job_id,
        PENDING: (await rig.create()).job_id,
    }
    for state in (CANCELLING, CANCELLED):
        await rig.stub.CancelJob(pb.CancelJobRequest(job_id=ids[state], reason="first"))
    for state, job_id in ids.items():
        assert (await rig.get(job_id)).state == state
    return ids


async def test_a_dry_run_changes_nothing_and_says_what_would_be(rig: Rig) -> None:
    """It counts and names what the call can touch, oldest first, and gives the token that confirms the call."""
    ids = await one_of_each(rig)
    before = (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs
    for name, touched in (("CancelJobs", [RUNNING, PENDING]), ("RetryJobs", [PARTLY, FAILED])):
        outcome = await preview(rig, name)
        assert counts(outcome) == (2, 0, 0, 0)
        assert list(outcome.job_ids) == sorted(ids[state] for state in touched)
        assert outcome.confirm_token
        assert not outcome.more
    assert (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs == before


async def test_a_cancel_touches_what_waits_and_runs_alone(rig: Rig) -> None:
    """Each is cancelled as CancelJob does it, with who and why; what ends or has ended stays as it is."""
    ids = await one_of_each(rig)
    before = {state: await rig.get(job_id) for state, job_id in ids.items()}
    token = (await preview(rig, "CancelJobs")).confirm_token
    response = await ask(rig, "CancelJobs", confirm_token=token, reason="wrong price list", requested_by="linh")
    assert counts(response.outcome) == (2, 2, 0, 0)
    assert list(response.outcome.job_ids) == sorted([ids[RUNNING], ids[PENDING]])
    assert (response.outcome.more, response.outcome.confirm_token) == (False, "")
    for state, after in ((RUNNING, CANCELLING), (PENDING, CANCELLED)):
        job = await rig.get(ids[state])
        assert (job.state, job.state_message, job.cancel_requested) == (after, "wrong price list", True)
        events = (await rig.stub.ListJobEvents(pb.ListJobEventsRequest(job_id=job.job_id))).events
        asked = [event for event in events if event.kind == job_pb2.JOB_EVENT_KIND_CANCEL_REQUESTED]
        assert [event.actor for event in asked] == ["linh"]
    for state in (FAILED, PARTLY, COMPLETED, CANCELLING, CANCELLED):
        assert await rig.get(ids[state]) == before[state]


async def test_a_retry_touches_what_went_wrong_alone(rig: Rig) -> None:
    """What somebody cancelled is retried only where the filter names it; the rest of the filter's states are never."""
    ids = await one_of_each(rig)
    first = await retry_all(rig, created_by="linh")
    assert counts(first.outcome) == (2, 2, 0, 0)
    assert list(first.outcome.job_ids) == sorted([ids[PARTLY], ids[FAILED]])
    made = [await rig.get(job_id) for job_id in first.created_job_ids]
    assert [job.retry_of_job_id for job in made] == list(first.outcome.job_ids)
    assert {(job.state, job.created_by, job.retry_scope) for job in made} == {
        (PENDING, "linh", job_pb2.RETRY_SCOPE_ALL)
    }
    named = await retry_all(rig, filter=pb.JobFilter(states=[CANCELLED, COMPLETED, RUNNING]))
    assert counts(named.outcome) == (1, 1, 0, 0)
    (retried,) = named.created_job_ids
    assert (await rig.get(retried)).retry_of_job_id == ids[CANCELLED]


@pytest.mark.parametrize(("name", "states"), [("CancelJobs", [COMPLETED, CANCELLING]), ("RetryJobs", [COMPLETED])])
async def test_a_filter_that_selects_nothing_is_answered_with_nothing(rig: Rig, name: str, states: list[int]) -> None:
    """Neither one that matches no job, nor one that names only states that the call never touches."""
    await one_of_each(rig)
    before = (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs
    for wanted in (pb.JobFilter(store_ids=["nowhere"]), pb.JobFilter(states=states)):
        dry = await preview(rig, name, filter=wanted)
        assert counts(dry) == (0, 0, 0, 0)
        response = await ask(rig, name, filter=wanted, confirm_token=dry.confirm_token)
        assert response.outcome == pb.BulkOutcome()
    assert (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs == before


@pytest.mark.parametrize("name", CALLS)
async def test_nothing_is_done_without_the_token_of_a_dry_run(rig: Rig, name: str) -> None:
    """None, another call's, another filter's, a made-up one, and one that is too old are refused."""
    await fail(rig, store_id="hanoi")
    await rig.create(store_id="hanoi")
    before = (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs
    good = (await preview(rig, name, filter=HANOI)).confirm_token
    (other,) = set(CALLS) - {name}
    tokens = {
        "": "is missing; ask with dry_run first",
        "AAAA": "is not a confirm token of this call",
        good[:-4]: "is not a confirm token of this call",
        "né": "is not a confirm token of this call",
        (await preview(rig, name)).confirm_token: "belongs to another filter",
        (await preview(rig, other, filter=HANOI)).confirm_token: "belongs to another filter",
    }
    for token, said in tokens.items():
        seen = await refusal(ask(rig, name, filter=HANOI, confirm_token=token))
        assert (seen.code, seen.reason) == (Code.INVALID_ARGUMENT, "CONFIRM_TOKEN_INVALID")
        assert seen.fields == {"confirm_token": said}
    rig.clock.advance(600)
    seen = await refusal(ask(rig, name, filter=HANOI, confirm_token=good))
    assert seen.fields == {"confirm_token": "is older than 10 minutes; ask with dry_run again"}
    assert (await rig.stub.ListJobs(pb.ListJobsRequest())).jobs == before


async def test_the_scope_is_part_of_what_is_confirmed(rig: Rig) -> None:
    """Who looked at retrying the failed items does not retry everything with that token."""
    failed_items, everything = job_pb2.RETRY_SCOPE_FAILED_ITEMS, job_pb2.RETRY_SCOPE_ALL
    token = (await preview(rig, "RetryJobs", scope=failed_items)).confirm_token
    seen = await refusal(ask(rig, "RetryJobs", scope=everything, confirm_token=token))
    assert seen.reason == "CONFIRM_TOKEN_INVALID"


async def test_jobs_that_came_after_the_dry_run_are_not_touched(rig: Rig) -> None:
    """What nobody has looked at is not cancelled, nor retried."""
    old, old_failed = await rig.create(type="OTHER"), await fail(rig)
    cancelling, retrying = [(await preview(rig, name)).confirm_token for name in CALLS]
    new, new_failed = await rig.create(type="OTHER"), await fail(rig)
    cancelled = await ask(rig, "CancelJobs", confirm_token=cancelling)
    assert (counts(cancelled.outcome), list(cancelled.outcome.job_ids)) == ((1, 1, 0, 0), [old.job_id])
    retried = await ask(rig, "RetryJobs", confirm_token=retrying)
    assert (counts(retried.outcome), list(retried.outcome.job_ids)) == ((1, 1, 0, 0), [old_failed.job_id])
    assert [await rig.get(job.job_id) for job in (new, new_failed)] == [new, new_failed]


async def test_more_jobs_than_one_call_handles_go_on_with_the_new_token(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer counts what was left when it began, and leads to the next; every job is touched once."""
    monkeypatch.setattr(bulk, "JOBS_PER_CALL", 4)
    monkeypatch.setattr(bulk, "PAGE", 2)
    jobs = [(await rig.create()).job_id for _ in range(9)]
    token, seen, done = (await preview(rig, "CancelJobs")).confirm_token, [], []
    while token:
        outcome = (await ask(rig, "CancelJobs", confirm_token=token)).outcome
        seen.append((*counts(outcome), outcome.more))
        done += outcome.job_ids
        token = outcome.confirm_token
        await rig.create()
        rig.clock.advance(300)  # each answer's token is good for ten minutes of its own
    assert seen == [(9, 4, 0, 0, True), (5, 4, 0, 0, True), (1, 1, 0, 0, False)]
    assert done == sorted(jobs)
    token, seen, made = (await preview(rig, "RetryJobs", filter=pb.JobFilter(states=[CANCELLED]))).confirm_token, [], []
    while token:
        response = await ask(rig, "RetryJobs", filter=pb.JobFilter(states=[CANCELLED]), confirm_token=token)
        seen.append((*counts(response.outcome), response.outcome.more))
        made += response.created_job_ids
        token = response.outcome.confirm_token
    assert seen == [(9, 4, 0, 0, True), (5, 4, 0, 0, True), (1, 1, 0, 0, False)]
    assert [(await rig.get(job_id)).retry_of_job_id for job_id in made] == sorted(jobs)


async def test_exactly_as_many_as_one_call_handles_leave_no_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No token that leads to nothing."""
    monkeypatch.setattr(bulk, "JOBS_PER_CALL", 4)
    monkeypatch.setattr(bulk, "PAGE", 2)
    for _ in range(4):
        await rig.create()
    outcome = await cancel_all(rig)
    assert (counts(outcome), outcome.more, outcome.confirm_token) == ((4, 4, 0, 0), False, "")


async def test_refusals_say_why_each(rig: Rig) -> None:
    """One job that is refused holds up no other; what was refused is retried by a call that lets it wait."""
    blocked = await fail(rig, locks=[exclusive("k")])
    free = await fail(rig, locks=[exclusive("l")])
    holder = await rig.create(type="OTHER", locks=[exclusive("k")])
    response = await retry_all(rig, conflict_policy=job_pb2.CONFLICT_POLICY_FAIL)
    assert counts(response.outcome) == (2, 1, 0, 1)
    assert list(response.outcome.job_ids) == [free.job_id]
    (refused,) = response.outcome.refusals
    assert (refused.job_id, refused.reason) == (blocked.job_id, error_reason_pb2.ERROR_REASON_CONFLICTING_JOB_ACTIVE)
    assert holder.job_id in refused.message
    queued = await retry_all(rig)
    assert counts(queued.outcome) == (2, 1, 1, 0)
    assert (await rig.get(queued.created_job_ids[0])).retry_of_job_id == blocked.job_id


async def test_what_has_been_retried_is_passed_over(rig: Rig) -> None:
    """By whichever call, and even when the retry was deleted; with another scope neither."""
    one, two = await fail(rig), await fail(rig)
    await rig.stub.RetryJob(pb.RetryJobRequest(job_id=one.job_id))
    first = await retry_all(rig)
    assert (counts(first.outcome), list(first.outcome.job_ids)) == ((2, 1, 1, 0), [two.job_id])
    assert counts((await retry_all(rig)).outcome) == (2, 0, 2, 0)
    (made,) = first.created_job_ids
    await rig.stub.CancelJob(pb.CancelJobRequest(job_id=made))
    await rig.stub.DeleteJob(pb.DeleteJobRequest(job_id=made))
    assert counts((await retry_all(rig)).outcome) == (2, 0, 2, 0)


async def test_retries_at_once_make_one_job_each(rig: Rig) -> None:
    """An impatient second click, and a second operator, retry nothing twice."""
    failed = [(await fail(rig)).job_id for _ in range(3)]
    tokens = [(await preview(rig, "RetryJobs")).confirm_token for _ in range(2)]
    answers = await asyncio.gather(
        *(ask(rig, "RetryJobs", confirm_token=token, created_by=who) for token in tokens for who in ("linh", "minh"))
    )
    made = [job_id for answer in answers for job_id in answer.created_job_ids]
    assert sorted([(await rig.get(job_id)).retry_of_job_id for job_id in made]) == sorted(failed)
    assert sum(answer.outcome.changed_count for answer in answers) == 3
    assert sum(answer.outcome.passed_over_count for answer in answers) == 9
    assert sum(answer.outcome.refused_count for answer in answers) == 0


async def test_cancels_at_once_cancel_each_job(rig: Rig) -> None:
    """Two calls share the work or repeat it; no job is left, and nothing is refused."""
    jobs = [(await rig.create()).job_id for _ in range(5)]
    token = (await preview(rig, "CancelJobs")).confirm_token
    answers = await asyncio.gather(*(ask(rig, "CancelJobs", confirm_token=token) for _ in range(3)))
    assert {(await rig.get(job_id)).state for job_id in jobs} == {CANCELLED}
    assert [answer.outcome.refused_count for answer in answers] == [0, 0, 0]
    for job_id in jobs:
        assert await rig.kinds(job_id) == ["CREATED", "CANCEL_REQUESTED", "ENDED"]
