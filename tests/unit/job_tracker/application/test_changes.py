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
