"""Starts an operation: creates its job. The work itself is done by whichever worker claims it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sync_worker.application.large_selections import put_aside
from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.job_tracker import ConflictPolicy, CreatedJob, JobTracker, NewJob
from sync_worker.application.ports.selections import Selections
from sync_worker.application.refusals import StoreNotFound
from sync_worker.domain.operations import SPECS, LockNeed, Operation, push_locks
from sync_worker.domain.requests import MatchCustomersRequest, OperationRequest, RetryFailedRequest
from sync_worker.domain.stores import Store


@dataclass(frozen=True, slots=True)
class StartOptions:
    """What every start says; see `NewJob`. An empty `request_id` is given one, so that our own repeats are safe."""

    store_id: str
    request_id: str = ""
    conflict_policy: ConflictPolicy | None = None
    priority: int = 0
    created_by: str = ""
    not_before: int | None = None


@dataclass(frozen=True)
class Starter:
    """What starts need of the world."""

    stores: Mapping[str, Store]
    tracker: JobTracker
    selections: Selections
    new_id: Callable[[], str]


async def start_operation(
    starter: Starter,
    operation: Operation,
    options: StartOptions,
    request: OperationRequest,
    params: Mapping[str, JsonValue],
) -> CreatedJob:
    """Create the job of an operation; `params` is the request as it is stored with the job.

    Raises:
        StoreNotFound: The store is not in the stores file.
        TrackerRefusal: JobTracker said no: another job is in the way, or the request id was used otherwise.
        TrackerUnavailable: JobTracker cannot be reached.
    """
    if options.store_id not in starter.stores:
        raise StoreNotFound(options.store_id)
    kept, labels = await put_aside(params, starter.selections)
    return await starter.tracker.create_job(
        NewJob(
            request_id=options.request_id or starter.new_id(),
            type=operation,
            variant=request.strategy if isinstance(request, MatchCustomersRequest) else "",
            store_id=options.store_id,
            params=kept,
            labels=labels,
            locks=locks_of(operation, request, options.store_id),
            conflict_policy=options.conflict_policy,
            priority=options.priority,
            created_by=options.created_by,
            not_before=options.not_before,
        )
    )


def locks_of(operation: Operation, request: OperationRequest, store_id: str) -> Sequence[LockNeed]:
    """Say which locks a job holds, each under its store; a retry locks only the entities that it is asked for."""
    needs = SPECS[operation].locks
    if isinstance(request, RetryFailedRequest):
        needs = push_locks(request.entities)
    return tuple(LockNeed(f"{store_id}/{need.key}", need.exclusive) for need in needs)
