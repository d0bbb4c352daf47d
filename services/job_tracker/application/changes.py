"""Who wants to hear of what, in this process. Everything is published after its commit, never before.

Where several replicas share a database, a relay hears what is published here, and delivers what was published elsewhere.

A subscriber has one slot a key: what is published again before it was taken replaces what waited. A slow subscriber
therefore holds up nobody, and its memory is bounded by the number of things, not of changes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, TypeVar, cast

from job_tracker.application.ports.relay import Relay
from job_tracker.domain.errors import StoppingError

Value = TypeVar("Value")

ALL_JOBS = "jobs"
PENDING = "pending"
_JOB = "job:"
_WORKER = "worker:"


def of_job(job_id: str) -> str:
    """Name the topic of one job's changes."""
    return f"{_JOB}{job_id}"


def of_worker(worker_id: str) -> str:
    """Name the topic of one worker's directives."""
    return f"{_WORKER}{worker_id}"


def worker_of(topic: str) -> str | None:
    """Tell whose directives a topic has, if it is one of directives."""
    return topic.removeprefix(_WORKER) if topic.startswith(_WORKER) else None


def job_of(topic: str) -> str | None:
    """Tell whose changes a topic has, if it is one job's."""
    return topic.removeprefix(_JOB) if topic.startswith(_JOB) else None


class Offer(NamedTuple, Generic[Value]):
    """What waits in a slot, and whether it, or anything that it replaced, is urgent."""

    value: Value
    urgent: bool


class Subscription(Generic[Value]):
    """The slots of one subscriber."""

    def __init__(self) -> None:
        self._slots: dict[str, Offer[Value]] = {}
        self._woken = asyncio.Event()
        self._urgently = asyncio.Event()
        self._stopped = False

    def offer(self, key: str, value: Value, *, urgent: bool) -> None:
        """Put something into a slot."""
        before = self._slots.get(key)
        self._slots[key] = Offer(value, urgent or (before is not None and before.urgent))
        self._woken.set()
        if urgent:
            self._urgently.set()

    def stop(self) -> None:
        """Wake the subscriber for good."""
        self._stopped = True
        self._woken.set()
        self._urgently.set()

    async def wait(self, seconds: float | None, *, urgent_only: bool = False) -> bool:
        """Wait until there is something (urgent); False when the time has passed.

        Raises:
            StoppingError: JobTracker is stopping.
        """
        event = self._urgently if urgent_only else self._woken
        try:
            if not event.is_set():  # what is there already is found with no time left, too
                await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        if self._stopped:
            raise StoppingError
        return True

    def take(self) -> dict[str, Offer[Value]]:
        """Empty the slots."""
        taken, self._slots = self._slots, {}
        self._woken.clear()
        self._urgently.clear()
        if self._stopped:
            raise StoppingError
        return taken


class Changes:
    """Passes on what has changed to those who asked."""

    def __init__(self) -> None:
        self._topics: dict[str, set[Subscription[object]]] = defaultdict(set)
        self._relay: Relay | None = None
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}
        self._stopped = False

    def relay_through(self, relay: Relay) -> None:
        """Let a relay hear what is published from now on."""
        self._relay = relay

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription[object]]:
        """Hear of a topic for as long as the context lasts.

        Raises:
            StoppingError: JobTracker is stopping.
        """
        if self._stopped:
            raise StoppingError
        subscription: Subscription[object] = Subscription()
        self._topics[topic].add(subscription)
        try:
            yield subscription
        finally:
            self._topics[topic].discard(subscription)
            if not self._topics[topic]:
                del self._topics[topic]

    def publish(self, topic: str, key: str, value: object, *, urgent: bool = True) -> None:
        """Tell the subscribers of a topic, in every replica."""
        self.deliver(topic, key, value, urgent=urgent)
        if self._relay is not None:
            self._relay.hear(topic, key, value, urgent=urgent)

    def deliver(self, topic: str, key: str, value: object, *, urgent: bool = True) -> None:
        """Tell the subscribers of a topic in this process, of what was published elsewhere."""
        self._reads.clear()  # what is being read may be from before this
        for subscription in self._topics.get(topic, ()):
            subscription.offer(key, value, urgent=urgent)

    async def together(self, what: Hashable, read: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Read something once for all who ask for it while it is being read and nothing is published.

        A thousand subscribers are woken by one change and ask the same. Nobody is handed what was read before the change that
        woke him: that would be no answer, and the change would not be told again.
        """
        task = self._reads.get(what)
        if task is None:
            task = asyncio.ensure_future(read())
            self._reads[what] = task
            task.add_done_callback(lambda done: self._forget_read(what, done))
        return cast(Value, await asyncio.shield(task))

    def _forget_read(self, what: Hashable, done: "asyncio.Task[Any]") -> None:
        if self._reads.get(what) is done:
            del self._reads[what]
        if not done.cancelled():
            done.exception()  # they may all have gone away

    def subscribers(self, topic: str) -> int:
        """How many hear of a topic now."""
        return len(self._topics.get(topic, ()))

    def topics(self) -> list[str]:
        """Name the topics that somebody hears of now."""
        return list(self._topics)

    async def stop(self) -> None:
        """End every wait, now and later, with `StoppingError`."""
        self._stopped = True
        for subscriptions in list(self._topics.values()):
            for subscription in list(subscriptions):
                subscription.stop()
