"""Who may make which call: one row for each of JobTracker's calls.

Permission comes before existence. For a caller that is limited to some stores, a job of another store and one that does not
exist are refused alike. A job's store never changes, so looking first and acting then is no race.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from chassis.auth import Caller, Role
from chassis.door import Permission, Scope, all_stores, anything, stores_in

from job_tracker.application.ports.job_store import Filter, JobStore
from job_tracker.entrypoints.bounds import NUL

MOST_JOBS = 500
"""No call names more jobs; one that does is refused without a look at them."""


def permissions(store: JobStore) -> Mapping[str, Permission]:
    """Make the table; `store` tells whose a job is."""

    def job(field: str = "job_id") -> Scope:
        async def scope(caller: Caller, request: Any) -> bool:  # noqa: ANN401 - any request
            return await owns_jobs(store, caller, [getattr(request, field)])

        return scope

    async def reports(caller: Caller, request: Any) -> bool:  # noqa: ANN401 - any request
        return await owns_jobs(store, caller, [report.job_id for report in request.reports])

    async def new_job(caller: Caller, request: Any) -> bool:  # noqa: ANN401 - any request
        if request.HasField("claim") and not caller.may(Role.WORKER):
            return False  # its answer holds a lease
        if caller.stores is None:
            return True
        # A lock of another store would hold up that store's jobs, and tell of them.
        own_locks = all(lock.key.startswith(f"{request.store_id}/") for lock in request.locks)
        parents = [request.parent_job_id] if request.parent_job_id else []
        return caller.owns(request.store_id) and own_locks and await owns_jobs(store, caller, parents)

    viewer, operator, worker = Role.VIEWER, Role.OPERATOR, Role.WORKER
    return {
        "CreateJob": Permission(operator, new_job, who="created_by"),
        "GetJob": Permission(viewer, job()),
        "ListJobs": Permission(viewer, stores_in("filter.store_ids")),
        "WaitJob": Permission(viewer, job()),
        "WatchJob": Permission(viewer, job()),
        "WatchJobs": Permission(viewer, stores_in("filter.store_ids")),
        "CancelJob": Permission(operator, job(), who="requested_by"),
        "PauseJob": Permission(operator, job(), who="requested_by"),
        "ResumeJob": Permission(operator, job(), who="requested_by"),
        "PauseJobType": Permission(operator, all_stores, who="requested_by"),
        "ResumeJobType": Permission(operator, all_stores, who="requested_by"),
        "RetryJob": Permission(operator, job(), who="created_by"),
        "CancelJobs": Permission(operator, stores_in("filter.store_ids"), who="requested_by"),
        "RetryJobs": Permission(operator, stores_in("filter.store_ids"), who="created_by"),
        "DeleteJob": Permission(operator, job()),
        "ListJobEvents": Permission(viewer, job()),
        "ListItemFailures": Permission(viewer, job()),
        "GetJobStats": Permission(viewer, stores_in("store_ids")),
        "RegisterJobTypes": Permission(worker, anything),
        "ListJobTypes": Permission(viewer, anything),
        "ListWorkers": Permission(viewer, all_stores),
        "ClaimJobs": Permission(worker, anything),  # claims only of its own stores; see requests.claim_request
        "UpdateProgress": Permission(worker, job()),
        "BatchUpdateProgress": Permission(worker, reports),
        "CompleteJob": Permission(worker, job()),
        "FailJob": Permission(worker, job()),
        "ReleaseJob": Permission(worker, job()),
        "WatchDirectives": Permission(worker, anything),  # hears only of its own stores; see WorkerCalls
    }


async def owns_jobs(store: JobStore, caller: Caller, job_ids: Sequence[str]) -> bool:
    """Whether all of some jobs are there and of the caller's stores; always, for one who has all stores."""
    if caller.stores is None:
        return True
    wanted = sorted(set(job_ids))
    # The look comes before the request's bounds are checked; no job has an id with a NUL, and PostgreSQL takes none.
    if len(wanted) > MOST_JOBS or any(NUL in job_id for job_id in wanted):
        return False
    return len(await store.matching(wanted, Filter(store_ids=caller.stores))) == len(wanted)
