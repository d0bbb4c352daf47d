"""What a caller that is limited to some stores sees, claims and leaves behind."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from nhanhsync.jobs.v1 import error_reason_pb2, job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.sync.v1 import operations_pb2, sync_worker_service_pb2

from tests.contract.security.conftest import TYPE, Guarded, guarded_services
from tests.fakes.callers import ADMIN, DANANG, HANOI, FakeCaller, outcome_of, reason_of

CLERK = FakeCaller("clerk", ("operator", "worker"), (HANOI,))
TWO_SHOPS = FakeCaller("two-shops", ("operator",), (HANOI, DANANG))
OPERATOR = FakeCaller("operator", ("operator",))


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    """Both services, which know all callers of this file."""
    async with guarded_services(tmp_path, CLERK, TWO_SHOPS, OPERATOR) as found:
        yield found


async def seen(guarded: Guarded, caller: FakeCaller, *stores: str) -> set[str]:
    """The ids of the jobs that a caller lists."""
    request = pb.ListJobsRequest(filter=pb.JobFilter(store_ids=stores))
    return {job.job_id for job in (await guarded.jobs.ListJobs(request, metadata=caller.metadata)).jobs}


async def test_an_empty_filter_means_the_callers_stores(guarded: Guarded) -> None:
    """Lists and counts leave out other stores and jobs of none; a filter with one foreign store is refused whole."""
    hanoi, danang, none = await guarded.job(HANOI), await guarded.job(DANANG), await guarded.job("")
    assert await seen(guarded, CLERK) == {hanoi}
    assert await seen(guarded, TWO_SHOPS) == {hanoi, danang}
    assert await seen(guarded, ADMIN) == {hanoi, danang, none}
    stats = await guarded.jobs.GetJobStats(pb.GetJobStatsRequest(), metadata=CLERK.metadata)
    assert stats.pending_now == 1
    both = pb.ListJobsRequest(filter=pb.JobFilter(store_ids=[HANOI, DANANG]))
    assert (await outcome_of(guarded.jobs.ListJobs(both, metadata=CLERK.metadata)))[0] == "PERMISSION_DENIED"


async def test_pages_of_a_narrowed_list_follow_each_other(guarded: Guarded) -> None:
    """A page token is good for the caller that got it, and for the same question of another it is not."""
    expected = {await guarded.job(HANOI) for _ in range(3)}
    found: set[str] = set()
    token = ""
    while True:
        request = pb.ListJobsRequest(page_size=1, page_token=token)
        page = await guarded.jobs.ListJobs(request, metadata=CLERK.metadata)
        found |= {job.job_id for job in page.jobs}
        if not page.next_page_token:
            break
        token = page.next_page_token
    assert found == expected
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await guarded.jobs.ListJobs(pb.ListJobsRequest(page_size=1, page_token=token), metadata=ADMIN.metadata)
    assert reason_of(raised.value)[1] == "PAGE_TOKEN_INVALID"


async def test_a_watch_of_all_jobs_shows_the_callers(guarded: Guarded) -> None:
    """What is active and what comes later of other stores stays unseen."""
    first = await guarded.job(HANOI)
    await guarded.job(DANANG)
    watch = guarded.jobs.WatchJobs(pb.WatchJobsRequest(), metadata=CLERK.metadata)
    assert (await watch.read()).job.job_id == first
    assert (await watch.read()).snapshot_complete
    await guarded.job(DANANG)
    second = await guarded.job(HANOI)
    assert (await watch.read()).job.job_id == second


async def test_claims_are_of_the_callers_stores(guarded: Guarded) -> None:
    """A worker of one store gets none of another's jobs, and repeats nobody's claim that may claim more."""
    await guarded.job(DANANG, priority=100)
    hanoi = await guarded.job(HANOI)
    request = pb.ClaimJobsRequest(request_id="c-1", worker_id="w", types=[TYPE], max_jobs=10)
    mine = await guarded.jobs.ClaimJobs(request, metadata=CLERK.metadata)
    assert [claimed.job.job_id for claimed in mine.claimed_jobs] == [hanoi]
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await guarded.jobs.ClaimJobs(request, metadata=ADMIN.metadata)
    assert reason_of(raised.value)[1] == "INVALID_FIELD"
    request.request_id = "c-2"
    others = await guarded.jobs.ClaimJobs(request, metadata=ADMIN.metadata)
    assert [claimed.job.store_id for claimed in others.claimed_jobs] == [DANANG]
    request.request_id = "c-2"
    with pytest.raises(grpc.aio.AioRpcError):
        await guarded.jobs.ClaimJobs(request, metadata=CLERK.metadata)


async def test_directives_are_of_the_callers_stores(guarded: Guarded) -> None:
    """Under another worker's name, too, a limited caller hears nothing of jobs of other stores."""
    jobs = [await guarded.job(DANANG), await guarded.job(HANOI)]
    claim = pb.ClaimJobsRequest(request_id="c", worker_id="w", types=[TYPE], max_jobs=2)
    await guarded.jobs.ClaimJobs(claim, metadata=ADMIN.metadata)
    watch = guarded.jobs.WatchDirectives(pb.WatchDirectivesRequest(worker_id="w"), metadata=CLERK.metadata)
    assert (await watch.read()).job_id == ""
    for job_id in jobs:
        await guarded.jobs.CancelJob(pb.CancelJobRequest(job_id=job_id), metadata=ADMIN.metadata)
    assert (await watch.read()).job_id == jobs[1]


async def test_a_worker_of_others_is_listed_as_its_own_calls_tell(guarded: Guarded) -> None:
    """A limited caller that claims and listens under its name changes nothing of it; under a name of its own it is listed."""

    async def claim(caller: FakeCaller, worker_id: str, of_type: str) -> None:
        request = pb.ClaimJobsRequest(request_id=f"{worker_id}-{of_type}", worker_id=worker_id, types=[of_type])
        await guarded.jobs.ClaimJobs(request, metadata=caller.metadata)

    await claim(ADMIN, "w", "TOLD")
    await claim(CLERK, "w", "SPOOFED")
    watch = guarded.jobs.WatchDirectives(pb.WatchDirectivesRequest(worker_id="w"), metadata=CLERK.metadata)
    await watch.read()
    await claim(CLERK, "clerks", "OWN")
    listed = (await guarded.jobs.ListWorkers(pb.ListWorkersRequest(), metadata=ADMIN.metadata)).workers
    found = {one.worker_id: (list(one.types), one.listening) for one in listed}
    assert (found["w"], found["clerks"]) == ((["TOLD"], False), (["OWN"], False))


async def test_creations_stay_within_the_callers_stores(guarded: Guarded) -> None:
    """No job of no store, no foreign or missing parent, no lock outside; and a lease only for workers."""
    parent, foreign = await guarded.job(HANOI), await guarded.job(DANANG)

    async def tried(caller: FakeCaller, **fields: Any) -> str:
        request = pb.CreateJobRequest(**({"type": TYPE, "store_id": HANOI} | fields))
        return (await outcome_of(guarded.jobs.CreateJob(request, metadata=caller.metadata)))[0]

    def lock(key: str) -> list[job_pb2.Lock]:
        return [job_pb2.Lock(key=key, mode=job_pb2.LOCK_MODE_EXCLUSIVE)]

    claim = pb.ClaimOnCreate(worker_id="w")
    assert await tried(CLERK, parent_job_id=parent, locks=lock(f"{HANOI}/things"), claim=claim) == "OK"
    denied = [
        await tried(CLERK, store_id=""),
        await tried(CLERK, store_id=DANANG),
        await tried(CLERK, parent_job_id=foreign),
        await tried(CLERK, parent_job_id="01890a5d-ac96-774b-bcce-b302099a8057"),
        await tried(CLERK, locks=lock(f"{DANANG}/things")),
        await tried(CLERK, locks=lock(f"{HANOI}-2/things")),
        await tried(OPERATOR, claim=claim),
    ]
    assert denied == ["PERMISSION_DENIED"] * len(denied)
    assert await tried(OPERATOR, store_id="", locks=lock("anything")) == "OK"
    assert await tried(OPERATOR, parent_job_id="01890a5d-ac96-774b-bcce-b302099a8057") == "NOT_FOUND"


async def test_a_used_request_id_does_not_tell_whose_job_it_made(guarded: Guarded) -> None:
    """Request ids know no stores; a limited caller learns that one is used, and not by which job."""
    foreign = await guarded.job(DANANG, request_id="r-1")
    request = pb.CreateJobRequest(type=TYPE, store_id=HANOI, request_id="r-1")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await guarded.jobs.CreateJob(request, metadata=CLERK.metadata)
    assert reason_of(raised.value)[1:] == ("REQUEST_ID_REUSED", {"request_id": "r-1"})
    assert foreign not in f"{raised.value}{raised.value.trailing_metadata()}"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await guarded.jobs.CreateJob(request, metadata=ADMIN.metadata)
    assert reason_of(raised.value)[2]["job_id"] == foreign


async def test_a_lock_in_the_way_does_not_tell_whose_job_holds_it(guarded: Guarded) -> None:
    """A job may have locks outside its store from somebody who is not limited; its owner's retry takes them, too."""
    locks = [job_pb2.Lock(key=f"{DANANG}/things", mode=job_pb2.LOCK_MODE_EXCLUSIVE)]
    own = await guarded.job(HANOI, locks=locks)
    await guarded.jobs.CancelJob(pb.CancelJobRequest(job_id=own), metadata=ADMIN.metadata)
    foreign = await guarded.job(DANANG, locks=locks)
    request = pb.RetryJobRequest(job_id=own)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await guarded.jobs.RetryJob(request, metadata=CLERK.metadata)
    assert reason_of(raised.value)[1:] == ("CONFLICTING_JOB_ACTIVE", {})
    assert foreign not in f"{raised.value}{raised.value.trailing_metadata()}"
    cancelled = pb.JobFilter(states=[job_pb2.JOB_STATE_CANCELLED])
    dry = pb.RetryJobsRequest(filter=cancelled, dry_run=True)
    token = (await guarded.jobs.RetryJobs(dry, metadata=CLERK.metadata)).outcome.confirm_token
    fail = job_pb2.CONFLICT_POLICY_FAIL
    confirmed = pb.RetryJobsRequest(filter=cancelled, confirm_token=token, conflict_policy=fail)
    (refusal,) = (await guarded.jobs.RetryJobs(confirmed, metadata=CLERK.metadata)).outcome.refusals
    assert refusal.reason == error_reason_pb2.ERROR_REASON_CONFLICTING_JOB_ACTIVE
    assert foreign not in refusal.message
    for caller in (ADMIN, TWO_SHOPS):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await guarded.jobs.RetryJob(request, metadata=caller.metadata)
        assert reason_of(raised.value)[2] == {"job_id": foreign, "lock_key": f"{DANANG}/things"}


async def test_who_asked_is_the_tokens_name_unless_they_say_otherwise(guarded: Guarded) -> None:
    """A job's creator and an event's actor are known without anybody writing them."""
    job_id = await guarded.job(HANOI)
    cancelled = await guarded.jobs.CancelJob(pb.CancelJobRequest(job_id=job_id), metadata=CLERK.metadata)
    assert cancelled.job.created_by == "admin"
    events = await guarded.jobs.ListJobEvents(pb.ListJobEventsRequest(job_id=job_id), metadata=CLERK.metadata)
    assert "clerk" in [event.actor for event in events.events]
    retried = await guarded.jobs.RetryJob(pb.RetryJobRequest(job_id=job_id), metadata=CLERK.metadata)
    assert retried.job.created_by == "clerk"
    named = await guarded.jobs.CreateJob(
        pb.CreateJobRequest(type=TYPE, store_id=HANOI, created_by="night shift"), metadata=CLERK.metadata
    )
    assert named.job.created_by == "night shift"


async def test_a_start_names_its_caller_and_not_sync_worker(guarded: Guarded) -> None:
    """SyncWorker calls JobTracker with a token of its own, and says for whom."""
    options = operations_pb2.StartOptions(store_id=HANOI)
    started = await guarded.sync.PullNhanhProducts(
        operations_pb2.PullNhanhProductsRequest(options=options), metadata=CLERK.metadata
    )
    assert (started.job.created_by, started.job.store_id) == ("clerk", HANOI)


async def test_stores_are_listed_to_whom_they_belong(guarded: Guarded) -> None:
    """A caller that is limited does not learn which other stores there are."""

    async def listed(caller: FakeCaller) -> list[str]:
        request = sync_worker_service_pb2.ListStoresRequest()
        return [store.store_id for store in (await guarded.sync.ListStores(request, metadata=caller.metadata)).stores]

    assert await listed(CLERK) == [HANOI]
    assert await listed(ADMIN) == [DANANG, HANOI]
