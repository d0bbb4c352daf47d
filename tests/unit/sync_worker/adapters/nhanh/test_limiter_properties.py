"""What holds for any traffic of several processes through one sliding window."""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.domain.traffic import Traffic

from tests.fakes.nhanh_traffic import Flow, a_window
from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.stepped_clock import SteppedClock

ROUNDING = 1e-5
"""Seconds; the ledger's time has whole microseconds."""

_traffic = st.sampled_from(list(Traffic))


def processes(ledger: MemoryLedger, quota: int, window: float, count: int) -> list[Flow]:
    """So many processes that share a window."""
    clock = ledger.clock
    assert isinstance(clock, SteppedClock)
    return [Flow(a_window(ledger, quota, window, f"process {number}", 20.0), clock) for number in range(count)]


@settings(deadline=None, max_examples=60)
@given(
    quota=st.integers(1, 5),
    window=st.sampled_from([1.0, 7.5, 30.0]),
    ledger_seconds=st.sampled_from([0.0, 0.003, 0.7]),
    calls=st.lists(
        st.tuples(st.integers(0, 2), st.floats(0.0, 40.0), st.floats(0.0, 20.0), _traffic, st.booleans()),
        min_size=1,
        max_size=20,
    ),
    counted=st.randoms(use_true_random=False),
)
async def test_never_more_than_the_quota_in_any_window(
    quota: int,
    window: float,
    ledger_seconds: float,
    calls: list[tuple[int, float, float, Traffic, bool]],
    counted: Random,
) -> None:
    """Whoever calls from where, however long answers take, whoever is cut off, and whenever Nhanh counts a call."""
    clock = SteppedClock()
    flows = processes(MemoryLedger(clock, ledger_seconds), quota, window, 3)
    sent: list[tuple[float, float]] = []

    async def caller(process: int, comes: float, takes: float, traffic: Traffic, cut: bool) -> None:
        await clock.sleep(comes)
        async with flows[process].window.place(traffic) as place:
            place.sent()
            began = clock.monotonic()
            await clock.sleep(takes / 2 if cut else takes)  # Nhanh may still count it: its answer is only not awaited
            sent.append((began, clock.monotonic()))

    tasks = [asyncio.create_task(caller(*call)) for call in calls]
    await clock.until(lambda: all(task.done() for task in tasks), within=10_000.0)
    await asyncio.gather(*tasks)
    moments = sorted(counted.uniform(*span) for span in sent)
    assert len(moments) == len(calls)
    for first, beyond in zip(moments, moments[quota:], strict=False):
        assert beyond - first >= window - ROUNDING


@settings(deadline=None, max_examples=60)
@given(
    quota=st.integers(0, 4),
    calls=st.lists(
        st.tuples(
            st.integers(0, 2), st.floats(0.0, 30.0), st.floats(0.0, 5.0), st.none() | st.floats(0.5, 20.0), _traffic
        ),
        min_size=1,
        max_size=20,
    ),
)
async def test_never_a_call_while_a_lock_lasts(
    quota: int, calls: list[tuple[int, float, float, float | None, Traffic]]
) -> None:
    """Whichever process was answered it, and after a lock no call leaves beside the first one.

    Without a quota a lock is heard by the others within a second.
    """
    clock = SteppedClock()
    flows = processes(MemoryLedger(clock), quota, 10.0, 3 if quota else 1)
    locks: list[tuple[float, float]] = []

    async def caller(process: int, comes: float, takes: float, lock: float | None, traffic: Traffic) -> None:
        await clock.sleep(comes)
        await flows[process % len(flows)].call(takes, lock=lock, traffic=traffic)
        if lock is not None:
            locks.append((clock.monotonic(), clock.monotonic() + lock))

    tasks = [asyncio.create_task(caller(*call)) for call in calls]
    await clock.until(lambda: all(task.done() for task in tasks), within=10_000.0)
    await asyncio.gather(*tasks)
    spans = [span for flow in flows for span in flow.spans]
    for answered, until in locks:
        assert not [sent for sent, _ in spans if answered < sent < until - ROUNDING]
        after = sorted((sent, ended) for sent, ended in spans if sent >= until - ROUNDING)
        assert all(sent >= after[0][1] for sent, _ in after[1:])
