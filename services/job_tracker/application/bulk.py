"""CancelJobs and RetryJobs: one call on each of the jobs that a filter selects, after a dry run that said which."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from job_tracker.application.cancel_job import cancel_job
from job_tracker.application.create_job import Retry, retry_job
from job_tracker.application.ports.job_store import ConflictPolicy, Filter, JobKey
from job_tracker.application.tracker import Tracker
from job_tracker.domain.errors import (
    IllegalTransitionError,
    JobDeletedError,
    JobNotFoundError,
    RequestIdReusedError,
    TrackerError,
)
from job_tracker.domain.job import Job, RetryScope
from job_tracker.domain.states import PAUSABLE, State

JOBS_PER_CALL = 1_000
SHOWN = 100
PAGE = 200
BULK_RETRY = "bulk-retry/"
"""Begins the request ids of bulk retries. Callers may not take one: the job would count as retried."""

RETRYABLE = frozenset({State.FAILED, State.PARTIALLY_COMPLETED, State.CANCELLED})
RETRIED_UNASKED = RETRYABLE - {State.CANCELLED}
"""What somebody cancelled is retried only where the filter names it."""


@dataclass(slots=True)
class Bulk:
    """What a call on many jobs did, or in a dry run would do."""

    matched: int = 0
    changed: int = 0
    passed_over: int = 0
    job_ids: list[str] = field(default_factory=list)
    refused: list[tuple[str, TrackerError]] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    more_after: JobKey | None = None
    """Where the next call goes on; None when nothing is left."""


class _NothingToDoError(Exception):
    """The job has moved on, or somebody was there before."""


def cancellable(wanted: Filter) -> Filter | None:
    """Narrow a filter to what a bulk cancel touches, None when that is nothing. What is being cancelled is not asked again."""
    return _narrowed(wanted, PAUSABLE, PAUSABLE)


def retryable(wanted: Filter) -> Filter | None:
    """Narrow a filter to what a bulk retry touches, None when that is nothing."""
    return _narrowed(wanted, RETRYABLE, RETRIED_UNASKED)


async def preview(tracker: Tracker, wanted: Filter | None) -> Bulk:
    """Say what a filter selects, and change nothing."""
    if wanted is None:
        return Bulk()
    matched = await tracker.store.count_selected(wanted, None)
    first = await tracker.store.list_jobs(wanted, newest_first=False, after=None, limit=SHOWN)
    return Bulk(matched=matched, job_ids=[job.job_id for job in first])


async def cancel_jobs(
    tracker: Tracker, wanted: Filter | None, after: JobKey | None, reason: str, requested_by: str
) -> Bulk:
    """Cancel each job that a filter selects, in order of creation after a place."""

    async def cancel(job: Job, _bulk: Bulk) -> None:
        try:
            await cancel_job(tracker, job.job_id, reason, requested_by)
        except (IllegalTransitionError, JobNotFoundError) as moved_on:
            raise _NothingToDoError from moved_on

    return await _each(tracker, wanted, after, cancel)


async def retry_jobs(
    tracker: Tracker,
    wanted: Filter | None,
    after: JobKey | None,
    scope: RetryScope,
    policy: ConflictPolicy,
    created_by: str,
) -> Bulk:
    """Retry each job that a filter selects and that nobody has retried yet, in order of creation after a place."""

    async def retry(job: Job, bulk: Bulk) -> None:
        if await tracker.store.retried([job.job_id]):
            raise _NothingToDoError
        # Two calls at once make one job: both ask under the same name.
        how = Retry(f"{BULK_RETRY}{job.job_id}", f"{BULK_RETRY}{scope}", policy, created_by, scope)
        try:
            made = await retry_job(tracker, job.job_id, how)
        except (JobNotFoundError, JobDeletedError, RequestIdReusedError) as done_with:
            raise _NothingToDoError from done_with  # it is gone, its retry is, or another scope was first
        if not made.created:
            raise _NothingToDoError
        bulk.created.append(made.job.job_id)

    return await _each(tracker, wanted, after, retry)


async def _each(
    tracker: Tracker, wanted: Filter | None, after: JobKey | None, act: Callable[[Job, Bulk], Awaitable[None]]
) -> Bulk:
    bulk = Bulk()
    if wanted is None:
        return bulk
    bulk.matched = await tracker.store.count_selected(wanted, after)
    for _ in range(JOBS_PER_CALL // PAGE):
        page = await tracker.store.list_jobs(wanted, newest_first=False, after=after, limit=PAGE)
        for job in page:
            await _one(job, bulk, act)
        if len(page) < PAGE:
            return bulk
        after = JobKey(page[-1].create_time, page[-1].job_id)
    if await tracker.store.list_jobs(wanted, newest_first=False, after=after, limit=1):
        bulk.more_after = after
    return bulk


async def _one(job: Job, bulk: Bulk, act: Callable[[Job, Bulk], Awaitable[None]]) -> None:
    try:
        await act(job, bulk)
    except _NothingToDoError:
        bulk.passed_over += 1
    except TrackerError as refusal:
        bulk.refused.append((job.job_id, refusal))
    else:
        bulk.changed += 1
        if len(bulk.job_ids) < SHOWN:
            bulk.job_ids.append(job.job_id)


def _narrowed(wanted: Filter, touched: frozenset[State], unasked: frozenset[State]) -> Filter | None:
    states = touched & set(wanted.states) if wanted.states else unasked
    return replace(wanted, states=tuple(sorted(states))) if states else None
