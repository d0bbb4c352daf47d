"""Pause and resume, a retry of what failed, a double click, a start that takes another's place: with both services, for real."""

import asyncio
import datetime
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from nhanhsync.client import Client, refused
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import operations_pb2 as pb
from sandbox.expectations import truth_document
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.state import quantities

from tests.e2e.mirrored_customers import of_the_shop, pulled
from tests.fakes.whole_stack import start_pull, whole_stack

LEASE_SECONDS = 60
"""Heartbeats go every third of it: nothing but the directive stream can bring a word sooner."""

WELL_UNDER_A_HEARTBEAT = 5.0

HOLD = Rule("nhanh", "customer/list", FaultKind.HOLD, skip=3, times=-1)
"""A pull stands in its middle, with three pages read."""

COMPLETED, PENDING, RUNNING = job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING
USE_EXISTING, REPLACE = job_pb2.CONFLICT_POLICY_USE_EXISTING, job_pb2.CONFLICT_POLICY_REPLACE


def options(**more: Any) -> pb.StartOptions:
    """Options of a start for hanoi."""
    return pb.StartOptions(store_id="hanoi", **more)


async def kinds(client: Client, job_id: str) -> list[str]:
    """Read the kinds of a job's events."""
    events = (await client.jobs.ListJobEvents(jobs_pb.ListJobEventsRequest(job_id=job_id))).events
    return [job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_") for event in events]


async def given_back(client: Client, job_id: str) -> job_pb2.Job:
    """Wait until a job's worker has given it back."""
    async with asyncio.timeout(WELL_UNDER_A_HEARTBEAT):
        async for update in client.watch_job(job_id, min_interval=0):
            if update.job.state == PENDING:
                return update.job
    raise AssertionError("the job ended")


async def done(client: Client, job: job_pb2.Job) -> job_pb2.Job:
    """Wait for a job's end."""
    return await client.wait_job(job.job_id, timeout=60)


async def link_products(client: Client) -> None:
    """Pull both sides and match them."""
    for call, request in (
        (client.sync.PullNhanhProducts, pb.PullNhanhProductsRequest(options=options())),
        (client.sync.PullShopifyProducts, pb.PullShopifyProductsRequest(options=options())),
        (client.sync.AutoMatchProducts, pb.AutoMatchProductsRequest(options=options())),
    ):
        job = await done(client, (await call(request)).job)
        assert job.state == COMPLETED, job.error


async def test_a_paused_pull_goes_on_where_it_was(tmp_path: Path) -> None:
    """Given back at once, with its locks; resumed, its second attempt reads the rest: no row is lost or doubled."""
    async with whole_stack(tmp_path, lease_seconds=LEASE_SECONDS) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(HOLD)
        job = await start_pull(client)
        await stack.until_held("nhanh customer/list")
        answered = stack.sandbox.world.stores["hanoi"].calls.answered
        before = answered["nhanh customer/list"]
        await stack.until_stored(before)
        await client.jobs.PauseJob(jobs_pb.PauseJobRequest(job_id=job.job_id, requested_by="operator"))
        paused = await given_back(client, job.job_id)
        assert (paused.paused, paused.attempt, paused.attempts_used) == (True, 1, 0)
        stack.plan()
        again = pb.PullNhanhCustomersRequest(options=options())
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.sync.PullNhanhCustomers(again)
        assert refused(error.value).metadata["job_id"] == job.job_id
        await client.jobs.ResumeJob(jobs_pb.ResumeJobRequest(job_id=job.job_id, requested_by="operator"))
        ended = await done(client, job)
        assert (ended.state, ended.attempt, ended.paused) == (COMPLETED, 2, False), ended
        assert ended.result["resumed"] is True
        rows = of_the_shop(stack)
        assert pulled(tmp_path) == rows
        progress = ended.progress
        assert (progress.processed, progress.total, progress.successful) == (len(rows), len(rows), len(rows))
        assert progress.metrics["created"] == len(rows)
        # Every page was read once, but for those that were on their way when the job was given back.
        assert answered["nhanh customer/list"] <= progress.metrics["pages"] + 2
        assert before >= 3
        expected = ["CREATED", "CLAIMED", "PAUSED", "RELEASED", "RESUMED", "CLAIMED", "ENDED"]
        assert await kinds(client, job.job_id) == expected


async def test_a_drained_type_lets_its_pull_end_and_begins_no_other(tmp_path: Path) -> None:
    """What runs goes on to its end in its first attempt; the next begins when the type is resumed."""
    async with whole_stack(tmp_path, customers=200) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(Rule("nhanh", "customer/list", FaultKind.HOLD, times=-1))
        job = await start_pull(client)
        await stack.until_held("nhanh customer/list")
        answer = await client.jobs.PauseJobType(jobs_pb.PauseJobTypeRequest(type=job.type, requested_by="operator"))
        assert answer.running_now == 1
        stack.plan()
        ended = await done(client, job)
        assert (ended.state, ended.attempt) == (COMPLETED, 1)
        following = await start_pull(client)
        waiting = await client.wait_job(following.job_id, timeout=1)
        assert (waiting.state, waiting.attempt) == (PENDING, 0)
        await client.jobs.ResumeJobType(jobs_pb.ResumeJobTypeRequest(type=job.type, requested_by="operator"))
        assert (await done(client, following)).state == COMPLETED


async def test_a_retry_of_failed_items_heals_exactly_those(tmp_path: Path) -> None:
    """What Shopify refused for good is written by the retry; what was written before is not written again."""
    async with whole_stack(tmp_path, customers=0) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        await link_products(client)
        store = stack.sandbox.world.stores["hanoi"]
        stock = truth_document(store)["stock"]
        now = quantities(store.shop)
        changed = sorted({item for _, item, location, quantity in stock if now[item][location] != quantity})
        bad = changed[:2]
        stack.plan(
            *(
                Rule(
                    "shopify",
                    "inventorySetQuantities",
                    FaultKind.BAD_ITEM,
                    times=-1,
                    item=item,
                    message="Not this one.",
                )
                for item in bad
            )
        )
        selection = pb.MappingSelection(statuses=pb.MappingStatuses())
        request = pb.SyncProductsRequest(options=options(), selection=selection)
        partly = await done(client, (await client.sync.SyncProducts(request)).job)
        assert (partly.state, partly.progress.failed) == (job_pb2.JOB_STATE_PARTIALLY_COMPLETED, len(bad)), partly
        stack.plan()
        written = len(store.history.writes)

        retry = jobs_pb.RetryJobRequest(job_id=partly.job_id, scope=job_pb2.RETRY_SCOPE_FAILED_ITEMS)
        healed = await done(client, (await client.jobs.RetryJob(retry)).job)
        assert (healed.state, healed.retry_of_job_id) == (COMPLETED, partly.job_id), healed
        assert healed.retry_scope == job_pb2.RETRY_SCOPE_FAILED_ITEMS
        assert (healed.progress.total, healed.progress.successful) == (len(bad), len(bad))
        touched = {write.target.split(" ")[0] for write in store.history.writes[written:]}
        assert touched == set(bad)
        now = quantities(store.shop)
        for _, item, location, quantity in stock:
            assert now[item][location] == quantity
        assert max(Counter(write.target for write in store.history.writes).values()) == 1

        # Of a job without failed items there is nothing to do again.
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.jobs.RetryJob(
                jobs_pb.RetryJobRequest(job_id=healed.job_id, scope=job_pb2.RETRY_SCOPE_FAILED_ITEMS)
            )
        assert refused(error.value).reason == "ERROR_REASON_RETRY_SCOPE_UNSUPPORTED"


async def test_a_retry_of_a_deleted_jobs_items_does_not_push_everything(tmp_path: Path) -> None:
    """The record of what failed went with the job: the attempt fails and says so, and nothing is written."""
    async with whole_stack(tmp_path, customers=0) as stack:
        await stack.tracker()
        first = await stack.worker()
        client = await stack.client(first)
        await link_products(client)
        store = stack.sandbox.world.stores["hanoi"]
        item = truth_document(store)["stock"][0][1]
        stack.plan(
            Rule("shopify", "inventorySetQuantities", FaultKind.BAD_ITEM, times=-1, item=item, message="Not this one.")
        )
        selection = pb.MappingSelection(statuses=pb.MappingStatuses())
        request = pb.SyncProductsRequest(options=options(), selection=selection, repush=True)
        partly = await done(client, (await client.sync.SyncProducts(request)).job)
        assert partly.state == job_pb2.JOB_STATE_PARTIALLY_COMPLETED, partly
        written = len(store.history.writes)
        await client.jobs.PauseJobType(jobs_pb.PauseJobTypeRequest(type="PRODUCT_SYNC"))
        retry = jobs_pb.RetryJobRequest(job_id=partly.job_id, scope=job_pb2.RETRY_SCOPE_FAILED_ITEMS)
        job = (await client.jobs.RetryJob(retry)).job
        await client.jobs.DeleteJob(jobs_pb.DeleteJobRequest(job_id=partly.job_id))
        await client.jobs.ResumeJobType(jobs_pb.ResumeJobTypeRequest(type="PRODUCT_SYNC"))
        failed = await done(client, job)
        assert (failed.state, failed.error.code) == (job_pb2.JOB_STATE_FAILED, "RETRIED_JOB_DELETED")
        assert len(store.history.writes) == written


async def test_a_double_click_is_one_job(tmp_path: Path) -> None:
    """Both clicks are answered with the one that runs; a pull of another kind is still refused."""
    async with whole_stack(tmp_path, customers=200) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(Rule("nhanh", "customer/list", FaultKind.HOLD, times=-1))
        click = pb.PullNhanhCustomersRequest(options=options(conflict_policy=USE_EXISTING))
        answers = await asyncio.gather(*(client.sync.PullNhanhCustomers(click) for _ in range(5)))
        assert sorted(answer.created for answer in answers) == [False] * 4 + [True]
        assert len({answer.job.job_id for answer in answers}) == 1
        other = pb.PullNhanhCustomersRequest(
            options=options(conflict_policy=USE_EXISTING), mode=pb.PULL_MODE_INCREMENTAL
        )
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.sync.PullNhanhCustomers(other)
        assert refused(error.value).reason == "ERROR_REASON_CONFLICTING_JOB_ACTIVE"
        stack.plan()
        assert (await done(client, answers[0].job)).state == COMPLETED
        assert len((await client.jobs.ListJobs(jobs_pb.ListJobsRequest())).jobs) == 1


async def test_a_start_takes_the_place_of_the_one_that_runs(tmp_path: Path) -> None:
    """The pull that runs is cancelled, and the new one begins once the other has let go."""
    async with whole_stack(tmp_path, customers=200, lease_seconds=LEASE_SECONDS) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        stack.plan(Rule("nhanh", "customer/list", FaultKind.HOLD, skip=1, times=-1))
        first = await start_pull(client)
        await stack.until_held("nhanh customer/list")
        request = pb.PullNhanhCustomersRequest(options=options(conflict_policy=REPLACE))
        second = await client.sync.PullNhanhCustomers(request)
        assert second.created
        assert second.job.job_id != first.job_id
        async with asyncio.timeout(WELL_UNDER_A_HEARTBEAT):
            replaced = await client.wait_job(first.job_id)
        assert replaced.state == job_pb2.JOB_STATE_CANCELLED
        stack.plan()
        ended = await done(client, second.job)
        assert (ended.state, ended.attempt) == (COMPLETED, 1)
        assert pulled(tmp_path) == of_the_shop(stack)


async def test_a_start_waits_until_its_time(tmp_path: Path) -> None:
    """PENDING with its time until then; a policy that would need an answer now is refused, by the field's name."""
    async with whole_stack(tmp_path, customers=50) as stack:
        await stack.tracker()
        client = await stack.client(await stack.worker())
        soon = Timestamp()
        soon.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2))
        request = pb.PullNhanhCustomersRequest(options=options(not_before_time=soon))
        job = (await client.sync.PullNhanhCustomers(request)).job
        assert (job.state, job.not_before_time.ToMicroseconds()) == (PENDING, soon.ToMicroseconds())
        request.options.conflict_policy = USE_EXISTING
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.sync.PullNhanhCustomers(request)
        assert "conflict_policy" in [violation.field for violation in refused(error.value).violations]
        ended = await done(client, job)
        assert ended.state == COMPLETED
        assert ended.start_time.ToMicroseconds() >= soon.ToMicroseconds()
