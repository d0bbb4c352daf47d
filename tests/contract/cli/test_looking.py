"""The commands that look: jobs, mappings, unmatched rows, stores, health; as tables and as JSON."""

import importlib.metadata
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb
from nhanhsync.sync.v1 import catalog_pb2

from tests.contract.cli.conftest import Shop, Tracked
from tests.fakes.command_line import NOBODY, CommandLine


async def create(tracked: Tracked, **fields: Any) -> job_pb2.Job:
    """Create a job that nobody works on."""
    return (await tracked.client.create_job(jobs_pb.CreateJobRequest(**({"type": "STOCK_COUNT"} | fields)))).job


def ids(document: Any) -> list[str]:
    """The ids in a list of jobs."""
    return [job["job_id"] for job in document["jobs"]]


async def test_jobs_are_listed_newest_first_and_filtered(tracked: Tracked) -> None:
    """By store, type, state and text, each alone and together; repeated options add up."""
    one = await create(tracked, store_id="hanoi")
    two = await create(tracked, store_id="danang", created_by="night-shift")
    three = await create(tracked, store_id="saigon", type="AUDIT")
    await tracked.client.jobs.CancelJob(jobs_pb.CancelJobRequest(job_id=three.job_id))

    async def listed(line: str) -> list[str]:
        ran = await tracked.terminal.types("jobs", "list", "--json", *line.split())
        assert (ran.code, ran.err) == (0, "")
        return ids(ran.document)

    assert await listed("") == [three.job_id, two.job_id, one.job_id]
    assert await listed("--limit 2") == [three.job_id, two.job_id]
    assert await listed("--store hanoi --store danang") == [two.job_id, one.job_id]
    assert await listed("--type AUDIT") == [three.job_id]
    assert await listed("--state cancelled --state running") == [three.job_id]
    assert await listed("--text night") == [two.job_id]
    assert await listed("--store hanoi --state cancelled") == []
    table = await tracked.terminal.types("jobs", "list")
    assert all(job.job_id in table.out for job in (one, two, three))
    none = await tracked.terminal.types("jobs", "list", "--store", "hue")
    assert (none.code, none.out) == (0, "No jobs.\n")
    unknown = await tracked.terminal.types("jobs", "list", "--state", "done")
    assert unknown.code == 2
    assert "'done' is not one of pending, running, cancelling, completed," in unknown.complaint


async def test_a_job_is_shown_with_what_is_known_of_it(tracked: Tracked) -> None:
    """Its names as they are, brackets and all; rows without a value are left out."""
    job = await create(tracked, store_id="hanoi", created_by="night [shift]")
    ran = await tracked.terminal.types("jobs", "show", job.job_id)
    rows = {line[:29].strip(): line[29:].strip() for line in ran.out.splitlines()}
    assert ran.code == 0
    assert rows["job"] == job.job_id
    assert (rows["type"], rows["state"]) == (f"{job.display_name} (STOCK_COUNT)", "PENDING")
    assert (rows["store"], rows["created by"]) == ("hanoi", "night [shift]")
    assert {"worker", "ended", "error"} & set(rows) == set()
    shown = await tracked.terminal.types("jobs", "show", job.job_id, "--json")
    assert ParseDict(shown.document, job_pb2.Job()) == job


@pytest.mark.parametrize("command", ["show", "watch", "cancel", "retry", "failures", "events"])
async def test_an_unknown_job_is_refused(tracked: Tracked, command: str) -> None:
    """Exit 1 at once, with the reason and the id."""
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    ran = await tracked.terminal.types("jobs", command, unknown)
    assert (ran.code, ran.out) == (1, "")
    assert "[ERROR_REASON_JOB_NOT_FOUND]" in ran.err
    assert unknown in ran.err


async def test_a_job_is_cancelled_and_its_history_told(tracked: Tracked) -> None:
    """A job that waits is cancelled on the spot; watching it ends with 5."""
    job = await create(tracked)
    ran = await tracked.terminal.types("jobs", "cancel", job.job_id, "--reason", "not today", "--json")
    assert (ran.code, ran.document["state"]) == (0, "JOB_STATE_CANCELLED")
    events = (await tracked.terminal.types("jobs", "events", job.job_id, "--json")).document["events"]
    assert [event["kind"].removeprefix("JOB_EVENT_KIND_") for event in events] == [
        "CREATED",
        "CANCEL_REQUESTED",
        "ENDED",
    ]
    assert events[1]["actor"] == "nhanhsync-cli"
    table = await tracked.terminal.types("jobs", "events", job.job_id)
    assert "not today" in table.out
    assert "UNSPECIFIED" not in table.out
    assert (await tracked.terminal.types("jobs", "watch", job.job_id)).code == 5


async def test_a_job_that_ended_is_run_again(shop: Shop) -> None:
    """As a new job that names the old one; watched it ends as a run does, and a job that has not ended is refused."""
    shop.store.business.token_revoked = True
    failed = await shop.terminal.types("run", "pull-nhanh-customers", "--store", "hanoi", "--watch", "--json")
    assert failed.code == 3
    old = failed.objects[-1]["job"]["job_id"]
    shop.store.business.token_revoked = False
    again = await shop.terminal.types("jobs", "retry", old, "--watch")
    assert again.code == 0, again.err
    new = again.out.splitlines()[0].split()[-1]
    shown = await shop.terminal.types("jobs", "show", new, "--json")
    assert (shown.document["retry_of_job_id"], shown.document["state"]) == (old, "JOB_STATE_COMPLETED")
    once_more = await shop.terminal.types("jobs", "retry", new, "--json")
    answer = ParseDict(once_more.document, jobs_pb.RetryJobResponse())
    assert (once_more.code, answer.job.retry_of_job_id) == (0, new)
    assert (await shop.terminal.types("jobs", "watch", answer.job.job_id)).code == 0


async def test_a_job_of_which_no_item_failed_says_so(tracked: Tracked) -> None:
    """An empty list as JSON."""
    job = await create(tracked)
    ran = await tracked.terminal.types("jobs", "failures", job.job_id)
    assert (ran.code, ran.out) == (0, "No item failed.\n")
    as_json = await tracked.terminal.types("jobs", "failures", job.job_id, "--json")
    assert as_json.document == {"item_failures": []}


async def test_links_and_what_was_left_alone_are_listed(shop: Shop) -> None:
    """Each link with its rule and sureness, each row left alone with its reason; by entity, status, side and reason."""
    none = await shop.terminal.types("mappings", "list", "--store", "hanoi")
    assert (none.code, none.out) == (0, "No mappings.\n")
    for name in ("pull-nhanh-customers", "pull-shopify-customers", "match-customers-batch"):
        assert (await shop.terminal.types("run", name, "--store", "hanoi", "--watch")).code == 0
    document = (await shop.terminal.types("mappings", "list", "--store", "hanoi", "--json")).document
    links = {(row["nhanh_id"], row["shopify_id"].rsplit("/", 1)[-1]) for row in document["mappings"]}
    assert links >= {(str(one), str(other)) for one, other in shop.store.customers.must_link}
    table = await shop.terminal.types("mappings", "list", "--store", "hanoi", "--entity", "customers")
    assert all(row["mapping_id"] in table.out for row in document["mappings"])
    products = await shop.terminal.types("mappings", "list", "--store", "hanoi", "--entity", "products", "--json")
    assert products.document == {"mappings": []}

    asked = ("unmatched", "list", "--store", "hanoi", "--entity", "customers")
    rows = (await shop.terminal.types(*asked, "--json")).document["rows"]
    reason = rows[0]["reason"].removeprefix("UNMATCHED_REASON_").lower().replace("_", "-")
    expected = [row for row in rows if row["reason"] == rows[0]["reason"] and row["side"] == "SIDE_NHANH"]
    some = await shop.terminal.types(*asked, "--side", "nhanh", "--reason", reason, "--json")
    assert some.document["rows"] == expected
    assert len(expected) > 0
    lines = (await shop.terminal.types(*asked)).out.splitlines()
    assert len([line for line in lines if line.startswith("│")]) == len(rows)
    wrong = await shop.terminal.types(*asked, "--reason", "bored")
    assert wrong.code == 2
    assert "'bored' is not one of " in wrong.complaint


async def test_stores_are_listed_with_their_places(shop: Shop) -> None:
    """Which depot feeds which location; no secret is among it."""
    ran = await shop.terminal.types("stores", "list")
    assert ran.code == 0
    assert all(part in ran.out for part in ("hanoi", "1001", "7 → 64000000007"))
    document = (await shop.terminal.types("stores", "list", "--json")).document
    (store,) = [ParseDict(each, catalog_pb2.Store()) for each in document["stores"]]
    assert store.store_id == "hanoi"
    for secret in (shop.store.business.access_token, shop.store.business.secret_key, shop.store.shop.access_token):
        assert secret not in ran.out + str(document)


async def test_verify_walks_a_job_and_tells_every_step(shop: Shop) -> None:
    """It ends with 0, and leaves nothing but its own job."""
    ran = await shop.terminal.types("verify")
    assert (ran.code, ran.err) == (0, "")
    steps = [line.split()[0] for line in ran.out.splitlines()[:3]]
    assert steps == ["CREATED", "CLAIMED", "ENDED"]
    assert "ended COMPLETED with 3 of 3 items" in ran.out
    assert "The stream told of every step." in ran.out
    assert ran.out.splitlines()[-1] == "0/11 operations completed"
    (job,) = (await shop.client.jobs.ListJobs(jobs_pb.ListJobsRequest())).jobs
    assert (job.type, job.state) == ("VERIFY", job_pb2.JOB_STATE_COMPLETED)
    as_json = await shop.terminal.types("verify", "--json")
    assert ParseDict(as_json.document, jobs_pb.Coverage()).registered == 11


async def test_health_asks_both_services(shop: Shop) -> None:
    """0 when both serve; 1 when one is not reached, which is named."""
    good = await shop.terminal.types("health")
    assert (good.code, good.out.count("SERVING")) == (0, 2)
    half = await CommandLine(job_tracker=shop.terminal.job_tracker).types("health", "--json")
    assert half.code == 1
    assert half.document == {
        "JobTracker": {"address": shop.terminal.job_tracker, "status": "SERVING"},
        "SyncWorker": {"address": NOBODY, "status": "NOT REACHED"},
    }


async def test_version_is_the_installed_one(tracked: Tracked) -> None:
    """Without asking anybody."""
    ran = await tracked.terminal.types("version")
    assert (ran.code, ran.out) == (0, importlib.metadata.version("nhanhsync") + "\n")
