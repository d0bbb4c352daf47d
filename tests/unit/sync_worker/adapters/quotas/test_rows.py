"""What another release, or nobody knows who, wrote down of a limit."""

import asyncio

import orjson
import pytest
from structlog.testing import capture_logs
from sync_worker.adapters.quotas.buckets import BucketState, Lease
from sync_worker.adapters.quotas.turns import Turns, Waiting
from sync_worker.adapters.quotas.windows import WindowState
from sync_worker.adapters.shopify import documents
from sync_worker.domain.traffic import Traffic

from tests.fakes.nhanh_traffic import LONGEST_CALL, Flow, a_window
from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.set_clock import START
from tests.fakes.shopify_traffic import bucket_of
from tests.fakes.stepped_clock import SteppedClock

LEAVE_SECONDS = 5.0
TURNS = Turns([Waiting("two", Traffic.MANUAL, 2.0, START, START)], 0.5)
WINDOW = WindowState(START, [START + 1], {"a": START + 2}, START + 3, "a", START + 4, START + 3, TURNS)
BUCKET = BucketState(
    START, 2_000.0, 100.0, 7.5, 3.0, START + 1, heard=True, leases={"l": Lease(1.5, START)}, turns=TURNS
)


def with_more(text: str) -> str:
    """The same, with keys that are not known, in every place that may get some."""
    state = orjson.loads(text)
    state["since_then"] = {"deep": [1]}
    state["turns"]["more"] = None
    state["turns"]["queue"][0]["more"] = "x"
    for lease in state.get("leases", {}).values():
        lease["more"] = 1
    return orjson.dumps(state).decode()


def without(text: str, name: str) -> str:
    """The same, without a key."""
    return orjson.dumps({key: value for key, value in orjson.loads(text).items() if key != name}).decode()


def broken(state: WindowState | BucketState) -> list[str]:
    """Rows that are none of its kind."""
    wrong = [{**orjson.loads(state.text()), "turns": wrong} for wrong in (None, [], {"queue": [{}]}, {"queue": 7})]
    return [
        "garbage",
        "null",
        "[]",
        "7",
        '"seen"',
        "{}",
        *(orjson.dumps(each).decode() for each in wrong),
        *(without(state.text(), name) for name in orjson.loads(state.text())),
    ]


@pytest.mark.parametrize("state", [WINDOW, BUCKET])
def test_keys_of_another_release_are_passed_over(state: WindowState | BucketState) -> None:
    """What is known besides is read as it was written."""
    assert type(state).read(with_more(state.text())) == state


@pytest.mark.parametrize("row", [*broken(WINDOW), BUCKET.text()])
async def test_a_window_that_cannot_be_read_is_full_just_now(row: str) -> None:
    """Until all calls of that time no longer count; then one call goes first, and all is as ever. It is told of once."""
    clock = SteppedClock()
    ledger = MemoryLedger(clock, states={"window": row})
    flow = Flow(a_window(ledger, 2), clock)
    with capture_logs() as logs:
        calls = [flow.start(1.0) for _ in range(3)]
        await clock.until(lambda: all(call.done() for call in calls), within=300.0)
        await asyncio.gather(*calls)
    held = LEAVE_SECONDS + LONGEST_CALL + 30.0
    assert flow.sent == [held, held + 1.0, held + 31.0]
    assert [(entry["log_level"], entry["limit"]) for entry in logs] == [("warning", "window")]


@pytest.mark.parametrize("row", [*broken(BUCKET), WINDOW.text()])
async def test_a_bucket_that_cannot_be_read_is_empty_just_now(row: str) -> None:
    """A call waits until its points must have come back; its answer tells the rest."""
    clock = SteppedClock()
    bucket = bucket_of(MemoryLedger(clock, states={"bucket": row}))
    with capture_logs() as logs:
        call = asyncio.create_task(bucket.reserve(documents.SHOP, 50))
        await clock.until(call.done)
    assert clock.elapsed == pytest.approx(call.result().points / 50.0, rel=0.01, abs=0.01)
    assert [(entry["log_level"], entry["limit"]) for entry in logs] == [("warning", "bucket")]
    await bucket.close()
