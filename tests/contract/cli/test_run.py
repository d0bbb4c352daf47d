"""`nhanhsync run`: operations started and watched to each of their endings."""

import asyncio

import pytest
from google.protobuf.json_format import ParseDict
from nhanhsync.cli.operations import OPERATIONS
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import sync_worker_service_pb2 as sync_pb
from sandbox.faults import FaultKind, Rule
from sandbox.shopify.gids import gid

from tests.contract.cli.conftest import HOLD_NHANH_CUSTOMERS, Shop

PULL = ("run", "pull-nhanh-customers", "--store", "hanoi")
GOES_ON = "the job goes on. To follow it: nhanhsync jobs watch {0}; to stop it: nhanhsync jobs cancel {0}"


async def only_job(shop: Shop) -> job_pb2.Job:
    """The one job that there is."""
    (job,) = (await shop.client.jobs.ListJobs(jobs_pb.ListJobsRequest())).jobs
    return job


async def test_all_eleven_run_from_the_command_line_to_completed(shop: Shop) -> None:
    """Each ends with 0 and its counts; then the statistics know all eleven."""
    for name, operation in OPERATIONS.items():
        if name.startswith("sync"):
            continue
        ran = await shop.terminal.types("run", name, "--store", "hanoi", "--watch")
        assert (ran.code, ran.err) == (0, ""), (name, ran.out)
        assert " COMPLETED in " in ran.out
        assert ran.out.startswith(operation.label.split(" SQL")[0].split(" Batch")[0])
    for name in ("sync-products", "sync-customers"):
        before = len(shop.store.history.after(0))
        ran = await shop.terminal.types("run", name, "--store", "hanoi", "--watch", "--dry-run")
        assert (ran.code, len(shop.store.history.after(0))) == (0, before), ran.out
        ran = await shop.terminal.types("run", name, "--store", "hanoi", "--watch")
        assert ran.code == 0, ran.out
        assert len(shop.store.history.after(0)) > before
    stats = await shop.terminal.types("jobs", "stats", "--store", "hanoi")
    assert (stats.code, stats.out.splitlines()[-1]) == (0, "11/11 operations completed")


async def test_a_json_stream_is_one_update_a_line_in_the_contracts_words(shop: Shop) -> None:
    """Every line is a WatchJobResponse with the contract's own field names, in order, and the last one is the end."""
    ran = await shop.terminal.types(*PULL, "--watch", "--json")
    assert (ran.code, ran.err) == (0, "")
    names = {field.name for field in job_pb2.Job.DESCRIPTOR.fields}
    updates = []
    for each in ran.objects:
        assert set(each["job"]) <= names
        updates.append(ParseDict(each, jobs_pb.WatchJobResponse()))
    revisions = [update.job.revision for update in updates]
    assert revisions == sorted(set(revisions))
    kinds = [event.kind for update in updates for event in update.events]
    assert (kinds[0], kinds[-1]) == (job_pb2.JOB_EVENT_KIND_CREATED, job_pb2.JOB_EVENT_KIND_ENDED)
    last = ran.objects[-1]["job"]
    assert last["state"] == "JOB_STATE_COMPLETED"
    assert int(last["progress"]["processed"]) == len(shop.store.business.customers)
    assert last["create_time"] <= last["start_time"] <= last["end_time"]


async def test_a_start_without_watching_says_how_to_follow(shop: Shop) -> None:
    """It does not wait; the same request id again finds the same job."""
    shop.plan(HOLD_NHANH_CUSTOMERS)
    ran = await shop.terminal.types(*PULL, "--request-id", "once")
    job = await only_job(shop)
    told = f"Pull Nhanh Customers: job {job.job_id}"
    assert (ran.code, ran.out.splitlines()) == (0, [told, f"To follow it: nhanhsync jobs watch {job.job_id}"])
    again = await shop.terminal.types(*PULL, "--request-id", "once")
    assert again.out.splitlines()[0] == f"{told} (started before)"
    as_json = await shop.terminal.types(*PULL, "--request-id", "once", "--json")
    answer = ParseDict(as_json.document, sync_pb.PullNhanhCustomersResponse())
    assert (answer.job.job_id, answer.created) == (job.job_id, False)
    assert job.created_by == "nhanhsync-cli"


async def test_a_failed_job_ends_with_3_and_says_why(shop: Shop) -> None:
    """The shop's owner has revoked the token."""
    shop.store.business.token_revoked = True
    ran = await shop.terminal.types(*PULL, "--watch")
    job = await only_job(shop)
    assert (ran.code, job.state) == (3, job_pb2.JOB_STATE_FAILED)
    assert "Pull Nhanh Customers FAILED in " in ran.out
    assert ran.out.splitlines()[-1] == f"{job.error.code}: {job.error.message}"
    assert (await shop.terminal.types("jobs", "watch", job.job_id)).code == 3


async def test_a_partly_failed_job_ends_with_4_and_can_be_healed(shop: Shop) -> None:
    """The item is listed with its reason, its mapping as failed; a retry of what failed ends with 0."""
    for name in ("pull-nhanh-customers", "pull-shopify-customers", "match-customers-sql"):
        assert (await shop.terminal.types("run", name, "--store", "hanoi", "--watch")).code == 0
    _, customer = shop.store.customers.must_link[0]
    bad = {"item": gid("Customer", customer), "code": "INTERNAL_ERROR", "message": "Not [today]."}
    shop.plan(Rule("shopify", "metafieldsSet", FaultKind.BAD_ITEM, times=-1, **bad))  # type: ignore[arg-type]
    ran = await shop.terminal.types("run", "sync-customers", "--store", "hanoi", "--watch")
    assert ran.code == 4, ran.out
    assert "Customer Sync PARTIALLY_COMPLETED in " in ran.out
    hint = ran.out.splitlines()[-1]
    assert hint.startswith("Why items failed: nhanhsync jobs failures ")
    job_id = hint.split()[-1]

    failures = await shop.terminal.types("jobs", "failures", job_id)
    assert failures.code == 0
    assert "Not [today]." in failures.out
    (failure,) = (await shop.terminal.types("jobs", "failures", job_id, "--json")).document["item_failures"]
    assert failure["code"] in failures.out
    assert failure["message"] in failures.out
    mappings = await shop.terminal.types(
        *("mappings", "list", "--store", "hanoi", "--entity", "customers", "--status", "failed", "--json")
    )
    (mapping,) = mappings.document["mappings"]
    assert mapping["shopify_id"] == gid("Customer", customer)
    assert mapping["status"] == "MAPPING_STATUS_FAILED"

    shop.plan()
    healed = await shop.terminal.types("run", "retry-failed", "--store", "hanoi", "--include-permanent", "--watch")
    assert healed.code == 0, healed.out
    assert "1 processed, 1 successful, 0 failed" in healed.out


async def test_a_cancelled_job_ends_with_5(shop: Shop) -> None:
    """Whoever watches sees what somebody else did, and the history says who and why."""
    shop.plan(HOLD_NHANH_CUSTOMERS)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(shop.terminal.runs(*PULL, "--watch"))
        await shop.until_held()
        job = await only_job(shop)
        cancel = await shop.terminal.types("jobs", "cancel", job.job_id, "--reason", "wrong [shop]")
        assert (cancel.code, cancel.err) == (0, "")
        assert f"Pull Nhanh Customers {job.job_id}: CANCEL" in cancel.out
    ran = watching.result()
    assert (ran.code, ran.err) == (5, "")
    assert "Pull Nhanh Customers CANCELLED in " in ran.out
    events = await shop.terminal.types("jobs", "events", job.job_id)
    assert all(part in events.out for part in ("CREATED", "CLAIMED", "CANCEL_REQUESTED", "ENDED", "wrong [shop]"))


@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_a_watch_that_times_out_ends_with_6_and_the_job_goes_on(shop: Shop, more: tuple[str, ...]) -> None:
    """It says so, and so it is: the job is there, runs, and completes when it can."""
    shop.plan(HOLD_NHANH_CUSTOMERS)
    ran = await shop.terminal.types(*PULL, "--watch", "--timeout", "0.5", *more)
    job = await only_job(shop)
    assert ran.code == 6
    assert ran.err.strip() == "timed out after 0.5 s; " + GOES_ON.format(job.job_id)
    assert job.state in (job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING)
    assert not job.cancel_requested
    shop.plan()
    assert (await shop.terminal.types("jobs", "watch", job.job_id)).code == 0


async def test_a_refusal_ends_with_1_and_shows_every_bad_field(shop: Shop) -> None:
    """All at once, not one a try; nothing is started."""
    line = f"--priority 1000 --max-drop-percent 101 --request-id {'r' * 200} --created-by {'c' * 200}"
    ran = await shop.terminal.types("run", "sync-products", "--store", "Not_Good!", *line.split())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("refused: ")
    assert "[ERROR_REASON_INVALID_FIELD]" in ran.err
    fields = [each.strip().split(":")[0] for each in ran.err.splitlines()[1:]]
    assert sorted(fields) == [
        *("max_drop_percent", "options.created_by", "options.priority", "options.request_id", "options.store_id"),
    ]
    assert not (await shop.client.jobs.ListJobs(jobs_pb.ListJobsRequest())).jobs


async def test_an_unknown_store_ends_with_1_and_is_named(shop: Shop) -> None:
    """The reason is the contract's."""
    ran = await shop.terminal.types("run", "match-products", "--store", "nowhere")
    assert (ran.code, ran.out) == (1, "")
    assert "[ERROR_REASON_STORE_NOT_FOUND]" in ran.err
    assert "  about: nowhere" in ran.err


async def test_a_job_in_the_way_is_a_refusal_or_a_queue(shop: Shop) -> None:
    """By default 1; with --conflict-policy queue the new job waits behind the other."""
    shop.plan(HOLD_NHANH_CUSTOMERS)
    assert (await shop.terminal.types(*PULL)).code == 0
    first = await only_job(shop)
    refused = await shop.terminal.types(*PULL)
    assert (refused.code, refused.out) == (1, "")
    assert first.job_id in refused.err
    queued = await shop.terminal.types(*PULL, "--conflict-policy", "queue", "--json")
    assert (queued.code, queued.document["job"]["state"]) == (0, "JOB_STATE_PENDING")
    shop.plan()
    assert (await shop.terminal.types("jobs", "watch", queued.document["job"]["job_id"])).code == 0
