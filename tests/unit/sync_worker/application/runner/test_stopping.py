"""A running operation is stopped at once wherever it waits, except in the middle of a write to a vendor."""

import asyncio

import pytest
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.failures import Draining, JobCancelled, LeaseLost

CANCEL = JobCancelled("not wanted")


async def until_cut(task: "asyncio.Task[None]") -> bool:
    """Whether a task was cut; it has ended by now."""
    await asyncio.wait((task,))
    return task.cancelled()


def test_nothing_stops_what_nobody_asked_to_stop() -> None:
    """A safe place lets the operation go on."""
    stopping = Stopping()
    stopping.safe_place()
    assert stopping.asked is None


def test_the_first_wish_stands() -> None:
    """What was asked for first is what the operation ends with."""
    stopping = Stopping()
    stopping.ask(CANCEL, at_once=False)
    stopping.ask(Draining("stopping"), at_once=False)
    with pytest.raises(JobCancelled):
        stopping.safe_place()


async def test_at_once_means_wherever_it_waits() -> None:
    """A wait of any kind is cut."""
    stopping = Stopping()
    task = asyncio.create_task(asyncio.Event().wait())
    stopping.governs(task)
    stopping.ask(CANCEL, at_once=True)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_wish_that_came_first_cuts_the_task_before_it_begins() -> None:
    """A job that was cancelled before its operation began does no work."""
    begun = False

    async def work() -> None:
        nonlocal begun
        begun = True

    stopping = Stopping()
    stopping.ask(CANCEL, at_once=True)
    task = asyncio.create_task(work())
    stopping.governs(task)
    assert await until_cut(task)
    assert not begun


async def test_a_drain_waits_for_a_safe_place() -> None:
    """Without haste a wait is not cut; asking again in haste cuts it."""
    stopping = Stopping()
    task = asyncio.create_task(asyncio.Event().wait())
    stopping.governs(task)
    stopping.ask(Draining("stopping"), at_once=False)
    await asyncio.sleep(0)
    assert not task.cancelling()
    stopping.ask(Draining("stopping"), at_once=True)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cleaning_up_is_not_cut_a_second_time() -> None:
    """However often a stop is asked for, the task is cancelled once."""
    stopping = Stopping()
    cleaning, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await asyncio.sleep(0)
            cleaned.set()

    task = asyncio.create_task(work())
    stopping.governs(task)
    await asyncio.sleep(0)
    stopping.ask(CANCEL, at_once=True)
    await cleaning.wait()
    stopping.ask(LeaseLost("lost"), at_once=True)
    assert await until_cut(task)
    assert cleaned.is_set()


async def test_a_write_in_flight_is_answered_and_settled_first() -> None:
    """From the gate to the next safe place the task is held: the answer comes, is stored, and then the operation stops."""
    stopping = Stopping()
    at_vendor, answered, settling, settled = (asyncio.Event() for _ in range(4))
    done: list[str] = []

    async def work() -> None:
        with stopping.writing():
            stopping.gate_passed()
            at_vendor.set()
            await answered.wait()
            done.append("answered")
        settling.set()
        await settled.wait()
        done.append("settled")
        stopping.safe_place()
        done.append("next batch")

    task = asyncio.create_task(work())
    stopping.governs(task)
    await at_vendor.wait()
    stopping.ask(CANCEL, at_once=True)
    answered.set()
    await settling.wait()
    stopping.ask(CANCEL, at_once=True)
    settled.set()
    with pytest.raises(JobCancelled):
        await task
    assert done == ["answered", "settled"]


async def test_a_write_that_waits_for_its_turn_is_cut() -> None:
    """A rate-limit wait before a write has sent nothing yet."""
    stopping = Stopping()

    async def work() -> None:
        with stopping.writing():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    stopping.governs(task)
    await asyncio.sleep(0)
    stopping.ask(CANCEL, at_once=True)
    assert await until_cut(task)
    assert not stopping.held


async def test_a_read_between_writes_is_not_held() -> None:
    """After a write is settled, a read can be cut again."""
    stopping = Stopping()
    reading = asyncio.Event()

    async def work() -> None:
        with stopping.writing():
            stopping.gate_passed()
        stopping.safe_place()
        stopping.gate_passed()
        reading.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    stopping.governs(task)
    await reading.wait()
    stopping.ask(CANCEL, at_once=True)
    assert await until_cut(task)


async def test_writes_side_by_side_are_all_waited_for() -> None:
    """One write that ends does not let another be cut."""
    stopping = Stopping()
    answers = [asyncio.Event(), asyncio.Event()]
    applied: list[int] = []

    async def write(number: int) -> None:
        with stopping.writing():
            stopping.gate_passed()
            await answers[number].wait()
            applied.append(number)

    async def work() -> None:
        await asyncio.gather(write(0), write(1))
        stopping.safe_place()

    task = asyncio.create_task(work())
    stopping.governs(task)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answers[0].set()
    await asyncio.sleep(0)
    stopping.ask(CANCEL, at_once=True)
    answers[1].set()
    with pytest.raises(JobCancelled):
        await task
    assert applied == [0, 1]
