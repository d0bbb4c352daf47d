"""Every way in which the plan lets bulk operations and their files go wrong."""

import json
from typing import Any

import httpx
import orjson
import pytest
from sandbox.faults import FaultKind
from sandbox.shopify.bulk.operations import FOREIGN
from sandbox.shopify.gids import gid

from tests.contract.sandbox.bulk_calls import CANCEL, RUN, VARIANTS, finished, look, run
from tests.contract.sandbox.conftest import Caller, calling

START = "bulkOperationRunQuery"
DOWNLOAD = "bulk/download"


async def content_of(box: Caller, found: dict[str, Any], address: str = "url") -> bytes:
    """Download a whole file."""
    response = await box.http.get(found[address])
    assert response.status_code == 200
    return response.content


async def assert_healed(box: Caller, operation: str = START) -> None:
    """The next operation has its whole file, and one call was hit."""
    lines = (await content_of(box, await finished(box))).splitlines()
    assert len([orjson.loads(line) for line in lines]) == len(box.store.shop.variants)
    assert box.store.calls.faulted == {f"shopify {operation}": 1}


async def until_cut(response: httpx.Response) -> bytes:
    """Read what comes of an answer before its connection is cut."""
    came = bytearray()
    try:
        async for piece in response.aiter_raw():
            came += piece
    except httpx.RemoteProtocolError:
        return bytes(came)
    pytest.fail("the whole answer came")


@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_start_that_brings_no_answer(box: Caller, is_lost: bool) -> None:
    """Throttled, nothing is started; with the answer lost, the operation is there and can be found."""
    box.fault("shopify", START, FaultKind.DROP_AFTER_COMMIT if is_lost else FaultKind.THROTTLED)
    if is_lost:
        with pytest.raises(httpx.RemoteProtocolError):
            await box.post_shopify(RUN, query=VARIANTS)
    else:
        document = await box.shopify(RUN, query=VARIANTS)
        assert document["errors"][0]["extensions"]["code"] == "THROTTLED"
    listed = (await box.data("{ bulkOperations(first: 9) { nodes { query status } } }"))["bulkOperations"]["nodes"]
    assert listed == ([{"query": VARIANTS, "status": "COMPLETED"}] if is_lost else [])
    await assert_healed(box)


async def test_stuck_for_ever(box: Caller) -> None:
    """It runs, and counts no further; whoever cancels it has its slot back."""
    box.fault("shopify", START, FaultKind.BULK_STUCK)
    begun = await run(box)
    box.clock.advance(60)
    found = await look(box, begun)
    box.clock.advance(9 * 86_400)
    assert await look(box, begun) == found
    assert (found["status"], found["url"]) == ("RUNNING", None)
    assert 0 < int(found["objectCount"]) < len(box.store.shop.variants)
    await box.data(CANCEL, id=begun["id"])
    box.clock.advance(1)
    assert (await look(box, begun))["status"] == "CANCELED"
    await assert_healed(box)


async def test_a_slow_cancellation() -> None:
    """It is being cancelled for as long as the plan says, even when asked again, and counts no further in the end."""
    async with calling(bulk_seconds=100.0) as box:
        begun = await run(box)
        box.fault("shopify", "bulkOperationCancel", FaultKind.BULK_STUCK, seconds=300.0)
        for _ in range(2):
            canceled = (await box.data(CANCEL, id=begun["id"]))["bulkOperationCancel"]["bulkOperation"]
            assert canceled["status"] == "CANCELING"
            box.clock.advance(150)
        found = await look(box, begun)
        assert (found["status"], found["completedAt"], found["url"]) == ("CANCELING", None, None)
        box.clock.advance(1)
        assert (await look(box, begun))["status"] == "CANCELED"


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT", "ACCESS_DENIED"])
@pytest.mark.parametrize("partial", [False, True])
async def test_failed_halfway(box: Caller, code: str, partial: bool) -> None:
    """With its code; with half of its lines where something is left, never under the address of a whole result."""
    box.fault("shopify", START, FaultKind.BULK_FAILED, code=code, item="partial" if partial else "")
    found = await finished(box)
    half = len(box.store.shop.variants) // 2
    assert (found["status"], found["errorCode"], found["url"], found["fileSize"]) == ("FAILED", code, None, None)
    assert (found["objectCount"], found["rootObjectCount"]) == (str(half), str(half))
    assert found["completedAt"]
    assert (found["partialDataUrl"] is not None) == partial
    if partial:
        lines = (await content_of(box, found, "partialDataUrl")).splitlines()
        assert [orjson.loads(line)["id"] for line in lines] == [
            gid("ProductVariant", one) for one in box.store.shop.variants.ids[:half]
        ]
        box.clock.advance(7 * 86_400)
        assert (await look(box, found))["partialDataUrl"] is None
    await assert_healed(box)


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.BULK_CANCELED, "CANCELED"), (FaultKind.BULK_EXPIRED, "EXPIRED")]
)
async def test_cancelled_by_somebody_or_expired(box: Caller, kind: FaultKind, status: str) -> None:
    """Without a result, and without an error."""
    box.fault("shopify", START, kind)
    found = await finished(box)
    assert found["status"] == status
    assert (found["errorCode"], found["url"], found["partialDataUrl"]) == (None, None, None)
    await assert_healed(box)


async def test_a_file_that_ends_inside_a_line(box: Caller) -> None:
    """The operation counts all rows; all lines but the last are whole."""
    box.fault("shopify", START, FaultKind.BULK_CUT_LINE)
    found = await finished(box)
    *lines, last = (await content_of(box, found)).split(b"\n")
    assert (found["status"], found["objectCount"]) == ("COMPLETED", str(len(lines) + 1))
    assert len(lines) + 1 == len(box.store.shop.variants)
    assert all(orjson.loads(line)["id"] for line in lines)
    with pytest.raises(json.JSONDecodeError):
        orjson.loads(last)
    await assert_healed(box)


async def test_fewer_lines_than_were_counted(box: Caller) -> None:
    """Every line is whole; the last is not there."""
    box.fault("shopify", START, FaultKind.BULK_SHORT)
    found = await finished(box)
    lines = (await content_of(box, found)).splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == [
        gid("ProductVariant", one) for one in box.store.shop.variants.ids[:-1]
    ]
    assert found["objectCount"] == str(len(lines) + 1)
    await assert_healed(box)


async def test_a_line_that_stands_for_another(box: Caller) -> None:
    """As many lines as were counted, of which one comes twice."""
    box.fault("shopify", START, FaultKind.BULK_TWICE)
    found = await finished(box)
    lines = (await content_of(box, found)).splitlines()
    ids = box.store.shop.variants.ids
    assert [orjson.loads(line)["id"] for line in lines] == [gid("ProductVariant", one) for one in [*ids[:-1], ids[0]]]
    assert found["objectCount"] == found["rootObjectCount"] == str(len(lines))
    await assert_healed(box)


async def test_a_line_that_is_no_json(box: Caller) -> None:
    """Amid others that are; none is missing in the count."""
    box.fault("shopify", START, FaultKind.BULK_BAD_LINE)
    found = await finished(box)
    lines = (await content_of(box, found)).splitlines()
    assert [line for line in lines if not line.startswith(b"{")] == [b"<html>"]
    assert found["objectCount"] == str(len(lines)) == str(len(box.store.shop.variants))
    await assert_healed(box)


@pytest.mark.parametrize("begin", [0, 500])
async def test_a_download_that_is_cut(box: Caller, begin: int) -> None:
    """Half of what was asked for comes, as said beforehand of the whole; the rest can be had from there on."""
    url = (await finished(box))["url"]
    whole = (await box.http.get(url)).content
    box.fault("shopify", DOWNLOAD, FaultKind.DROP_AFTER_COMMIT)
    async with box.http.stream("GET", url, headers={"Range": f"bytes={begin}-"}) as response:
        assert int(response.headers["content-length"]) == len(whole) - begin
        came = await until_cut(response)
    assert came == whole[begin : begin + (len(whole) - begin) // 2]
    rest = await box.http.get(url, headers={"Range": f"bytes={begin + len(came)}-"})
    assert (rest.status_code, whole[:begin] + came + rest.content) == (206, whole)
    assert box.store.calls.faulted == {f"shopify {DOWNLOAD}": 1}


async def test_a_part_that_is_not_given(box: Caller) -> None:
    """The whole file comes, and its status says so."""
    url = (await finished(box))["url"]
    whole = (await box.http.get(url)).content
    box.fault("shopify", DOWNLOAD, FaultKind.RANGE_IGNORED)
    response = await box.http.get(url, headers={"Range": "bytes=500-"})
    assert (response.status_code, response.content) == (200, whole)
    assert "content-range" not in response.headers
    await assert_healed(box, DOWNLOAD)


async def test_an_address_that_has_expired(box: Caller) -> None:
    """It is refused from then on; the operation, looked up again, has a fresh one with the same file."""
    found = await finished(box)
    whole = await content_of(box, found)
    box.fault("shopify", DOWNLOAD, FaultKind.URL_EXPIRED)
    for _ in range(2):
        assert (await box.http.get(found["url"])).status_code == 403
    fresh = await look(box, found)
    assert fresh == {**found, "url": fresh["url"]}
    assert fresh["url"] != found["url"]
    assert await content_of(box, fresh) == whole
    await assert_healed(box, DOWNLOAD)


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.HTTP_503, 503), (FaultKind.HTML, 200), (FaultKind.TIMEOUT, 504)]
)
async def test_a_host_that_is_not_well(box: Caller, kind: FaultKind, status: int) -> None:
    """HTML comes instead of the file, after silence if the plan says so; the address stays good."""
    url = (await finished(box))["url"]
    box.fault("shopify", DOWNLOAD, kind, seconds=30.0)
    response = await box.http.get(url)
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (status, "text/html")
    assert box.clock.elapsed == (30.0 if kind is FaultKind.TIMEOUT else 0.0)
    assert (await box.http.get(url)).content
    await assert_healed(box, DOWNLOAD)


async def test_others_hold_the_slots(box: Caller) -> None:
    """For as long as an edit says; theirs are listed like ours, and mutations have slots of their own."""

    async def hold(slots: int) -> None:
        edit = {"set": "foreign_bulk_operations", "value": slots}
        answer = await box.http.post("/_sandbox/mutate", params={"store": "hanoi"}, json={"edits": [edit]})
        assert answer.json() == {"edits": 1}

    await hold(5)
    box.clock.advance(86_400)
    payload = (await box.data(RUN, query=VARIANTS))["bulkOperationRunQuery"]
    assert payload["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"
    running = '{ bulkOperations(first: 9, query: "status:running") { nodes { id query } } }'
    theirs = (await box.data(running))["bulkOperations"]["nodes"]
    assert [one["query"] for one in theirs] == [FOREIGN] * 5
    assert all(one["id"] in payload["userErrors"][0]["message"] for one in theirs)
    await hold(4)
    assert len((await box.data(running))["bulkOperations"]["nodes"]) == 4
    assert (await finished(box))["status"] == "COMPLETED"
    await hold(0)
    assert (await box.data(running))["bulkOperations"]["nodes"] == []
