"""What holds for any traffic through the sliding window."""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.nhanh_traffic import traffic


@settings(deadline=None)
@given(
    quota=st.integers(1, 5),
    window=st.sampled_from([1.0, 7.5, 30.0]),
    calls=st.lists(st.tuples(st.floats(0.0, 40.0), st.floats(0.0, 20.0)), min_size=1, max_size=25),
    counted=st.randoms(use_true_random=False),
)
async def test_never_more_than_the_quota_in_any_window(
    quota: int, window: float, calls: list[tuple[float, float]], counted: Random
) -> None:
    """Whenever callers come, however long answers take, and at whatever moment of a call Nhanh counts it."""
    flow = traffic(quota, window)

    async def caller(comes: float, takes: float) -> None:
        await flow.clock.sleep(comes)
        await flow.call(takes)

    tasks = [asyncio.create_task(caller(comes, takes)) for comes, takes in calls]
    await flow.clock.until(lambda: all(task.done() for task in tasks), within=10_000.0)
    await asyncio.gather(*tasks)
    moments = sorted(counted.uniform(sent, answered) for sent, answered in flow.spans)
    assert len(moments) == len(calls)
    for first, beyond in zip(moments, moments[quota:], strict=False):
        assert beyond - first >= window - 1e-9


@settings(deadline=None)
@given(
    quota=st.integers(0, 4),
    calls=st.lists(
        st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 5.0), st.none() | st.floats(0.5, 20.0)), min_size=1, max_size=20
    ),
)
async def test_never_a_call_while_a_lock_lasts(quota: int, calls: list[tuple[float, float, float | None]]) -> None:
    """Whichever answers lock the path, and whoever waits; and after a lock no call leaves beside the first one."""
    flow = traffic(quota, 10.0)
    locks: list[tuple[float, float]] = []

    async def caller(comes: float, takes: float, lock: float | None) -> None:
        await flow.clock.sleep(comes)
        await flow.call(takes, lock=lock)
        if lock is not None:
            answered = flow.clock.monotonic()
            locks.append((answered, answered + lock))

    tasks = [asyncio.create_task(caller(*call)) for call in calls]
    await flow.clock.until(lambda: all(task.done() for task in tasks), within=10_000.0)
    await asyncio.gather(*tasks)
    for answered, until in locks:
        assert not [sent for sent, _ in flow.spans if answered < sent < until]
        after = sorted((sent, ended) for sent, ended in flow.spans if sent >= until)
        assert all(sent >= after[0][1] for sent, _ in after[1:])
