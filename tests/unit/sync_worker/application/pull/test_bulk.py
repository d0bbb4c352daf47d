"""A full pull from Shopify by a bulk operation: how it goes, how it fails, and what it leaves alone."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest
from sync_worker.adapters.backoff import Backoff
from sync_worker.adapters.shopify import bulk_download
from sync_worker.application.pull.bulk import STALLED_SECONDS
from sync_worker.domain.failures import (
    AccessRefused,
    Draining,
    JobCancelled,
    OperationFailure,
    WorkStopped,
)
from sync_worker.domain.requests import PullMethod, PullMode

from tests.fakes.bulk_shop import jsonl, variant_node
from tests.fakes.bulk_world import BulkWorld
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.stores import a_store

NUMBERS = list(range(1, 31))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty rows are many chunks."""
    monkeypatch.setattr(bulk_download, "CHUNK_BYTES", 1_500)


@pytest.fixture
def world(bulk: BulkWorld) -> BulkWorld:
    """A shop of thirty variants."""
    bulk.shop.content = jsonl(map(variant_node, NUMBERS))
    return bulk


def a_job(number: int = 1) -> RecordingJobContext:
    """A job that nobody stops."""
    return RecordingJobContext(a_store(), job_id=f"job-{number}")


async def test_a_full_pull_is_read_from_one_file(world: BulkWorld) -> None:
    """Every row is stored; the job says which way it went, and how many rows there are before it has them all."""
    job = a_job()
    done = await world.pull(job)
    assert await world.living() == NUMBERS
    assert (done.progress.successful, done.result["way"]) == (30, "by a bulk operation")
    assert "by a bulk operation" in job.reports[0].message
    assert [report.total for report in job.reports if 0 < report.successful < 30] == [30] * (len(job.reports) - 4)
    assert len(world.shop.downloads) == 1
    assert done.result["pages"] > 3


async def test_it_costs_a_start_and_looks(world: BulkWorld) -> None:
    """One search for what was left behind, one start, and a look for every state it was seen in."""
    await world.pull()
    assert world.shop.asked == ["bulkOperations", "bulkOperationRunQuery", "bulkOperation", "bulkOperation"]


async def test_looks_come_ever_later(world: BulkWorld) -> None:
    """From a twentieth of a second to three seconds apart."""
    seen: list[float] = []
    world.shop.before = lambda: seen.append(world.shop.clock.monotonic())
    world.shop.course = ("CREATED", *["RUNNING"] * 12, "COMPLETED")
    await world.pull()
    looks = [seconds for seconds, root in zip(seen, world.shop.asked, strict=False) if root == "bulkOperation"]
    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert gaps[0] == pytest.approx(0.075)
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(3.0)


async def test_what_the_file_lacks_is_gone(world: BulkWorld) -> None:
    """A second full pull marks what it does not bring."""
    await world.pull()
    world.shop.content = jsonl(map(variant_node, NUMBERS[:25]))
    done = await world.pull(a_job(2))
    assert (done.result["gone"], await world.living()) == (5, NUMBERS[:25])


async def test_a_list_without_rows_has_no_file(bulk: BulkWorld) -> None:
    """Shopify gives no address then; the pull ends with nothing."""
    done = await bulk.pull()
    assert (done.progress.successful, done.result["pages"], bulk.shop.downloads) == (0, 0, [])


async def test_increments_go_by_pages(world: BulkWorld) -> None:
    """Changes are few; only a first pull, which has to read everything, goes by bulk."""
    await world.pull(mode=PullMode.INCREMENTAL)
    assert world.shop.starts == 1
    world.shop.asked.clear()
    done = await world.pull(a_job(2), mode=PullMode.INCREMENTAL)
    assert (world.shop.asked, done.result["way"]) == (["productVariants"], "page by page")


@pytest.mark.parametrize(
    ("mode", "method", "root"),
    [
        (PullMode.FULL, PullMethod.PAGES, "productVariants"),
        (PullMode.FULL, PullMethod.BULK, "bulkOperationRunQuery"),
        (PullMode.INCREMENTAL, PullMethod.BULK, "bulkOperationRunQuery"),
    ],
)
async def test_the_caller_may_choose(world: BulkWorld, mode: PullMode, method: PullMethod, root: str) -> None:
    """Whatever the mode."""
    await world.pull()
    world.shop.asked.clear()
    await world.pull(a_job(2), mode, method)
    assert root in world.shop.asked


async def test_a_search_stands_in_the_query(world: BulkWorld) -> None:
    """A bulk query takes no variables."""
    await world.pull(mode=PullMode.INCREMENTAL)
    await world.pull(a_job(2), PullMode.INCREMENTAL, PullMethod.BULK)
    assert '(query: "updated_at:>=' in world.shop.operations[-1].query


@pytest.mark.parametrize(
    ("course", "error_code", "code"),
    [
        (("RUNNING", "FAILED"), "INTERNAL_SERVER_ERROR", "BULK_FAILED"),
        (("RUNNING", "FAILED"), "TIMEOUT", "BULK_FAILED"),
        (("RUNNING", "CANCELING", "CANCELED"), None, "BULK_CANCELED"),
        (("RUNNING", "EXPIRED"), None, "BULK_EXPIRED"),
    ],
)
async def test_an_operation_that_ends_badly_stores_nothing(
    world: BulkWorld, course: tuple[str, ...], error_code: str | None, code: str
) -> None:
    """Its partial data is not used; the next attempt starts another."""
    await world.pull()
    world.shop.course, world.shop.error_code, world.shop.partial = course, error_code, True
    downloads = len(world.shop.downloads)
    with pytest.raises(OperationFailure) as failed:
        await world.pull(a_job(2))
    assert (failed.value.code, failed.value.retryable) == (code, True)
    assert "keeps is not used" in failed.value.message
    assert len(world.shop.downloads) == downloads
    assert await world.living() == NUMBERS
    world.shop.course = ("COMPLETED",)
    assert (await world.pull(a_job(2))).progress.successful == 30
    assert world.shop.starts == 3


async def test_access_that_is_denied_is_for_a_person(world: BulkWorld) -> None:
    """Trying again cannot help; with the scope granted a new operation is started."""
    world.shop.course, world.shop.error_code = ("RUNNING", "FAILED"), "ACCESS_DENIED"
    with pytest.raises(AccessRefused):
        await world.pull()
    world.shop.course = ("COMPLETED",)
    assert (await world.pull(a_job(2))).progress.successful == 30


async def test_an_operation_that_stands_still_is_given_up(world: BulkWorld) -> None:
    """After half an hour it is cancelled, and the job fails for now."""
    world.shop.course = ("RUNNING",)
    began = world.shop.clock.monotonic()
    with pytest.raises(OperationFailure) as failed:
        await world.pull()
    assert (failed.value.code, failed.value.retryable) == ("BULK_STALLED", True)
    assert world.shop.clock.monotonic() - began == pytest.approx(STALLED_SECONDS, abs=10)
    assert world.shop.cancelled == [1]


async def test_an_operation_that_moves_may_take_long(world: BulkWorld) -> None:
    """Twenty hours, as long as its count rises; the place is touched meanwhile, so that it is not outdated."""
    world.shop.course = ("RUNNING",) * 40_000 + ("COMPLETED",)
    looked = 0

    def rises() -> None:
        nonlocal looked
        looked += 1
        world.shop.clock.advance(0 if looked < 10 else 1_000)
        world.shop.running_objects = looked
        if looked == 80:
            world.shop.operations[0].course = ["COMPLETED"]

    world.shop.before = rises
    job = a_job()
    await world.pull(job)
    assert len(job.reports) > 60
    assert "Shopify has gathered 75 objects for it so far" in {report.message.split("; ")[-1] for report in job.reports}


@pytest.mark.parametrize(("objects", "roots"), [(30, 30), (28, 28), (29, 28), (29, 30)])
async def test_counts_that_differ_fail_the_pull(world: BulkWorld, objects: int, roots: int) -> None:
    """Nothing is marked gone, nothing counts as covered, and the next attempt reads everything anew."""
    await world.pull()
    (_, covered) = await world.place()
    world.shop.content = jsonl(map(variant_node, NUMBERS[1:]))
    world.shop.objects, world.shop.roots = objects, roots
    world.shop.clock.advance(1_000)
    with pytest.raises(OperationFailure) as failed:
        await world.pull(a_job(2))
    assert (failed.value.code, failed.value.retryable) == ("BULK_MISMATCH", True)
    assert await world.living() == NUMBERS
    assert await world.place() == (None, covered)
    world.shop.objects = world.shop.roots = None
    assert (await world.pull(a_job(2))).result["gone"] == 1


async def test_rows_without_a_file_fail_the_pull(bulk: BulkWorld) -> None:
    """An operation that tells of rows and gives no address is no empty list."""
    bulk.shop.objects = 7
    with pytest.raises(OperationFailure, match="gathered 7 objects"):
        await bulk.pull()


async def test_a_cancelled_job_cancels_its_operation(world: BulkWorld) -> None:
    """And no other; the next pull starts a new one at once."""
    world.shop.of("query Other { products { edges { node { id } } } }", "RUNNING")
    world.shop.course = ("RUNNING",)
    await _stopped(world, JobCancelled())
    assert world.shop.cancelled == [2]
    world.shop.course = ("COMPLETED",)
    assert (await world.pull(a_job(2))).progress.successful == 30
    assert [each.cancelled for each in world.shop.operations] == [False, True, False]


async def test_a_drained_job_leaves_its_operation(world: BulkWorld) -> None:
    """The next attempt goes on with it."""
    world.shop.course = ("RUNNING",)
    await _stopped(world, Draining())
    assert world.shop.cancelled == []
    world.shop.operations[0].course = ["COMPLETED"]
    assert (await world.pull()).progress.successful == 30
    assert world.shop.starts == 1


async def _stopped(world: BulkWorld, stop: WorkStopped, number: int = 1) -> None:
    """Run an attempt until its operation is waited for, and stop it there, as the runner does."""
    job = a_job(number)
    world.shop.asked.clear()
    pulling = asyncio.create_task(world.pull(job))
    looked = asyncio.Event()
    world.shop.before = lambda: looked.set() if world.shop.asked.count("bulkOperation") > 3 else None
    await looked.wait()
    job.stop = job.gate.stop = stop
    pulling.cancel()
    with pytest.raises((asyncio.CancelledError, WorkStopped)):
        await pulling
    world.shop.before = lambda: None


async def test_another_way_begins_anew(world: BulkWorld) -> None:
    """A place of the one way says nothing to the other."""
    world.shop.course = ("RUNNING",)
    await _stopped(world, Draining())
    done = await world.pull(a_job(2), method=PullMethod.PAGES)
    assert (done.result["way"], done.result["resumed"]) == ("page by page", False)


@pytest.mark.parametrize(
    ("course", "cancelled"), [("CREATED", [2]), ("RUNNING", [2]), ("CANCELING", []), ("COMPLETED", [])]
)
async def test_the_operation_of_a_place_that_is_given_up_is_cancelled(
    world: BulkWorld, course: str, cancelled: list[int]
) -> None:
    """It would hold one of five slots; one that has ended holds none, and others of the app are not ours."""
    world.shop.of("query Other { products { edges { node { id } } } }", "RUNNING")
    world.shop.course = ("RUNNING",)
    await _stopped(world, Draining())
    world.shop.operations[1].course = [course]
    await world.pull(a_job(2), method=PullMethod.PAGES)
    assert world.shop.cancelled == cancelled
    await world.pull(a_job(3), method=PullMethod.PAGES)
    assert world.shop.cancelled == cancelled


async def test_an_incremental_pull_cancels_what_an_unfinished_full_one_left(world: BulkWorld) -> None:
    """It goes by pages, and nobody goes on with the operation."""
    await world.pull(a_job(1))
    world.shop.course = ("RUNNING",)
    await _stopped(world, Draining(), 2)
    await world.pull(a_job(3), mode=PullMode.INCREMENTAL)
    assert world.shop.cancelled == [2]


async def test_an_attempt_after_a_crash_cancels_what_was_left_before_it(world: BulkWorld) -> None:
    """The one before it died between taking the place and cancelling."""
    await world.pull(a_job(1))
    world.shop.course = ("RUNNING",)
    await _stopped(world, Draining(), 2)

    def dying() -> None:
        raise Draining

    world.shop.before = dying
    with pytest.raises(Draining):
        await world.pull(a_job(3), mode=PullMode.INCREMENTAL)
    world.shop.before = lambda: None
    job = a_job(3)
    await world.pull(job, mode=PullMode.INCREMENTAL)
    assert world.shop.cancelled == [2]
    assert "in place of an unfinished FULL pull" in job.reports[0].message


@pytest.mark.parametrize("forgotten", [True, False])
async def test_an_operation_that_cannot_be_cancelled_holds_nobody_up(world: BulkWorld, forgotten: bool) -> None:
    """Shopify has forgotten it, or is away for as long as is tried: the pull goes its way."""
    world.shop.course = ("RUNNING",)
    await _stopped(world, Draining())
    if forgotten:
        world.shop.operations.clear()
    away = 0 if forgotten else Backoff().attempts

    def unreachable() -> None:
        nonlocal away
        if away:
            away -= 1
            raise httpx.ReadError("away")

    world.shop.before = unreachable
    assert (await world.pull(a_job(2), method=PullMethod.PAGES)).result["way"] == "page by page"
    assert (away, world.shop.cancelled) == (0, [])


async def test_a_row_that_cannot_be_read_fails_alone(world: BulkWorld) -> None:
    """As on pages: it is told of, and is not gone."""
    await world.pull()
    nodes = [variant_node(number, **({"price": "cheap"} if number == 7 else {})) for number in NUMBERS]
    world.shop.content = jsonl(nodes)
    job = a_job(2)
    done = await world.pull(job)
    assert (done.progress.successful, done.progress.failed, done.result["gone"]) == (29, 1, 0)
    assert [failure.item_key for failure in job.failures] == ["shopify:7"]


@pytest.mark.parametrize(
    ("spoil", "code", "retryable"),
    [
        (lambda content: content[:-40], "BULK_INCOMPLETE", True),
        (lambda content: content + b"{}\n", "MALFORMED_ANSWER", False),
        (lambda content: content + b"[]\n", "MALFORMED_ANSWER", False),
        (lambda content: content + b"\n", "BULK_INCOMPLETE", True),
    ],
    ids=["cut", "without an id", "no object", "empty line"],
)
async def test_a_line_that_is_none_spoils_the_result(
    world: BulkWorld, spoil: Callable[[bytes], bytes], code: str, retryable: bool
) -> None:
    """The place is given up with it, and nothing is marked gone."""
    good = world.shop.content
    await world.pull()
    world.shop.content = spoil(good)
    with pytest.raises(OperationFailure) as failed:
        await world.pull(a_job(2))
    assert (failed.value.code, failed.value.retryable) == (code, retryable)
    assert await world.living() == NUMBERS
    world.shop.content = good
    assert (await world.pull(a_job(2))).progress.successful == 30
