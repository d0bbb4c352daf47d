"""The hub of changes in one process."""

import asyncio

import pytest
from job_tracker.application.changes import Changes, Offer
from job_tracker.domain.errors import StoppingError


async def test_a_slow_subscriber_keeps_one_value_a_key() -> None:
    """However much is published, what waits is bounded by the number of keys, and the last of each."""
    changes = Changes()
    with changes.subscribe("topic") as subscription:
        for number in range(1_000):
            changes.publish("topic", f"key-{number % 3}", number, urgent=False)
        assert await subscription.wait(None)
        assert subscription.take() == {
            "key-0": Offer(999, False),
            "key-1": Offer(997, False),
            "key-2": Offer(998, False),
        }
        assert subscription.take() == {}


async def test_what_was_urgent_stays_urgent() -> None:
    """A state change is not forgotten because progress came after it."""
    changes = Changes()
    with changes.subscribe("topic") as subscription:
        changes.publish("topic", "key", 1, urgent=True)
        changes.publish("topic", "key", 2, urgent=False)
        assert await subscription.wait(None, urgent_only=True)
        assert subscription.take() == {"key": Offer(2, True)}
        changes.publish("topic", "key", 3, urgent=False)
        assert not await subscription.wait(0.0, urgent_only=True)
        assert await subscription.wait(0.0)


async def test_others_hear_nothing() -> None:
    """A subscriber hears its topic, for as long as it subscribes."""
    changes = Changes()
    with changes.subscribe("one") as subscription:
        changes.publish("two", "key", 1)
        assert not await subscription.wait(0.0)
    changes.publish("one", "key", 1)
    assert not await subscription.wait(0.0)


async def test_stopping_ends_every_wait_now_and_later() -> None:
    """Who waits is woken with StoppingError, who comes later is refused."""
    changes = Changes()
    with changes.subscribe("topic") as subscription:
        waiting = asyncio.ensure_future(subscription.wait(None))
        urgent = asyncio.ensure_future(subscription.wait(None, urgent_only=True))
        await asyncio.ensure_future(changes.stop())  # as a task, it runs when both wait
        for wait in (waiting, urgent):
            with pytest.raises(StoppingError):
                await wait
        with pytest.raises(StoppingError):
            subscription.take()
    with pytest.raises(StoppingError), changes.subscribe("topic"):
        pass


class SlowRead:
    """A read that takes as long as the test wants, and counts how often it was made."""

    def __init__(self) -> None:
        self.made = 0
        self.answers = asyncio.Event()

    async def __call__(self) -> int:
        """Answer with its number."""
        self.made += 1
        number = self.made
        await self.answers.wait()
        return number


async def test_who_asks_the_same_at_the_same_time_shares_one_read() -> None:
    """A thousand watchers of one change cost one read."""
    changes, read = Changes(), SlowRead()
    asking = [asyncio.ensure_future(changes.together("same", read)) for _ in range(1_000)]
    other = asyncio.ensure_future(changes.together("other", read))
    await asyncio.sleep(0)
    read.answers.set()
    assert set(await asyncio.gather(*asking)) == {1}
    assert await other == 2


async def test_nobody_is_handed_what_was_read_before_the_change_that_woke_him() -> None:
    """A read that began before something was published is not shared with those who ask after it."""
    changes, read = Changes(), SlowRead()
    before = asyncio.ensure_future(changes.together("same", read))
    await asyncio.sleep(0)
    changes.publish("topic", "key", None)
    after = [asyncio.ensure_future(changes.together("same", read)) for _ in range(2)]
    await asyncio.sleep(0)
    read.answers.set()
    assert [await before, *await asyncio.gather(*after)] == [1, 2, 2]


async def test_what_is_read_is_not_kept() -> None:
    """A read that is over is made again: the database is the truth, not its last answer."""
    changes, read = Changes(), SlowRead()
    read.answers.set()
    assert [await changes.together("same", read) for _ in range(3)] == [1, 2, 3]


async def test_a_shared_read_outlives_the_one_who_began_it() -> None:
    """When the watcher that asked first goes away, the others are answered; and so they are refused together."""
    changes, read = Changes(), SlowRead()
    first, second = (asyncio.ensure_future(changes.together("same", read)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    read.answers.set()
    assert await second == 1

    async def fail() -> int:
        raise LookupError

    failing = [asyncio.ensure_future(changes.together("bad", fail)) for _ in range(2)]
    for one in failing:
        with pytest.raises(LookupError):
            await one
