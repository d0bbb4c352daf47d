"""A client: creates, watches, waits, and does what operators do; whatever is not answered it repeats."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from job_tracker.application import bulk
from job_tracker.application.cancel_job import cancel_job
from job_tracker.application.create_job import CreateOutcome, NewJob, Retry, create_job, retry_job
from job_tracker.application.delete_job import delete_job
from job_tracker.application.pause_job import pause_job, resume_job
from job_tracker.application.pause_type import pause_type, resume_type
from job_tracker.application.ports.job_store import ConflictPolicy, Filter
from job_tracker.application.watch_job import wait_job
from job_tracker.domain.errors import TrackerError
from job_tracker.domain.job import RetryScope

from tests.simulation.creation import new_job
from tests.simulation.watcher import JobWatcher
from tests.simulation.world import World


class Client:
    """Makes a number of calls, drawn one by one."""

    def __init__(self, world: World, watchers: list[JobWatcher]) -> None:
        self._world = world
        self.name = world.new("client")
        self._watchers = watchers

    async def live(self) -> None:
        """Make all calls."""
        random = self._world.random
        calls: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._create, 10),
            (self._cancel, 3),
            (self._pause, 1),
            (self._resume, 2),
            (self._retry, 2),
            (self._wait, 1),
            (self._pause_type, 1),
            (self._resume_type, 1),
            (self._cancel_many, 1),
            (self._retry_many, 1),
            (self._delete, 2 if self._world.plan.removal else 0),
        ]
        await self._create()
        for _ in range(self._world.plan.calls):
            await asyncio.sleep(random.random() * 4.0)
            (call,) = random.choices([one for one, _ in calls], [weight for _, weight in calls])
            await call()

    async def _create(self) -> None:
        """Create a job; now and then twice at once, as a double click does."""
        new = new_job(self._world)
        twice = self._world.random.random() < 0.2
        for made in await asyncio.gather(*(self._made(new) for _ in range(1 + twice))):
            if made is not None:
                self._note(made)

    async def _made(self, new: NewJob) -> CreateOutcome | None:
        try:
            return await self._world.ask_until_answered(lambda tracker: create_job(tracker, new))
        except TrackerError as refused:
            self._world.record(self.name, f"is refused {new.request_id}: {type(refused).__name__}")
            return None

    def _note(self, made: CreateOutcome) -> None:
        job_id = made.job.job_id
        if job_id not in self._world.jobs:
            locks = " ".join(f"{lock.key}{'!' if lock.exclusive else ''}" for lock in made.job.locks)
            self._world.record(self.name, f"created {job_id} with locks [{locks}]")
            self._world.jobs.append(job_id)
        if self._world.random.random() < 0.4:
            watcher = JobWatcher(self._world, job_id)
            self._watchers.append(watcher)
            self._world.spawn(watcher.watch, f"watcher of {job_id}")

    async def _on_some_job(self, verb: str, call: Callable[[Any, str], Awaitable[object]]) -> None:
        if not self._world.jobs:
            return
        job_id = self._world.random.choice(self._world.jobs[-6:])
        self._world.record(self.name, f"{verb} {job_id}")
        with suppress(TrackerError):
            await self._world.ask_until_answered(lambda tracker: call(tracker, job_id))

    async def _cancel(self) -> None:
        await self._on_some_job("cancels", lambda tracker, job_id: cancel_job(tracker, job_id, "why", self.name))

    async def _pause(self) -> None:
        await self._on_some_job("pauses", lambda tracker, job_id: pause_job(tracker, job_id, "why", self.name))

    async def _resume(self) -> None:
        await self._on_some_job("resumes", lambda tracker, job_id: resume_job(tracker, job_id, self.name))

    async def _wait(self) -> None:
        await self._on_some_job("waits for", lambda tracker, job_id: wait_job(tracker, job_id, 5.0))

    async def _delete(self) -> None:
        await self._on_some_job("deletes", delete_job)

    async def _retry(self) -> None:
        how = Retry(self._world.new("request"), "same", ConflictPolicy.QUEUE, self.name)

        async def retry(tracker: Any, job_id: str) -> None:
            self._note(await retry_job(tracker, job_id, how))

        await self._on_some_job("retries", retry)

    async def _pause_type(self) -> None:
        release = self._world.random.random() < 0.5
        self._world.record(self.name, "pauses type U")
        await self._world.ask_until_answered(
            lambda tracker: pause_type(tracker, "U", "why", self.name, release_running=release)
        )

    async def _resume_type(self) -> None:
        self._world.record(self.name, "resumes type U")
        await self._world.ask_until_answered(lambda tracker: resume_type(tracker, "U"))

    async def _cancel_many(self) -> None:
        self._world.record(self.name, "cancels all of s2")
        wanted = bulk.cancellable(Filter(store_ids=("s2",)))
        await self._world.ask_until_answered(lambda tracker: bulk.cancel_jobs(tracker, wanted, None, "", self.name))

    async def _retry_many(self) -> None:
        self._world.record(self.name, "retries what failed")
        wanted, queue = bulk.retryable(Filter()), ConflictPolicy.QUEUE
        done = await self._world.ask_until_answered(
            lambda tracker: bulk.retry_jobs(tracker, wanted, None, RetryScope.ALL, queue, self.name)
        )
        self._world.jobs += done.created
