"""Every call of both services, by every role, on what is the caller's, another's and nobody's."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2
from nhanhsync.sync.v1 import operations_pb2, sync_worker_service_pb2

from tests.contract.security.conftest import TYPE, Guarded, guarded_services
from tests.fakes.callers import DANANG, HANOI, FakeCaller, outcome_of

ROLES = ("viewer", "operator", "worker")
PLACES = ("own", "other", "missing")
STORES = {"own": HANOI, "other": DANANG, "missing": "hue"}
MISSING_JOB = "01890a5d-ac96-774b-bcce-b302099a8057"

VIEW, OPERATE, WORK = {"viewer", "operator"}, {"operator"}, {"worker"}
JOB, STORE, FREE, EVERYTHING = "a job", "a store", "bound to no store", "all stores"
"""What a call touches: who is limited to some stores may touch the first two of their own, the third, and never the last."""

JOB_TRACKER = {
    "CreateJob": (OPERATE, STORE),
    "GetJob": (VIEW, JOB),
    "ListJobs": (VIEW, STORE),
    "WaitJob": (VIEW, JOB),
    "WatchJob": (VIEW, JOB),
    "WatchJobs": (VIEW, STORE),
    "CancelJob": (OPERATE, JOB),
    "PauseJob": (OPERATE, JOB),
    "ResumeJob": (OPERATE, JOB),
    "PauseJobType": (OPERATE, EVERYTHING),
    "ResumeJobType": (OPERATE, EVERYTHING),
    "RetryJob": (OPERATE, JOB),
    "CancelJobs": (OPERATE, STORE),
    "RetryJobs": (OPERATE, STORE),
    "DeleteJob": (OPERATE, JOB),
    "ListJobEvents": (VIEW, JOB),
    "ListItemFailures": (VIEW, JOB),
    "GetJobStats": (VIEW, STORE),
    "RegisterJobTypes": (WORK, FREE),
    "ListJobTypes": (VIEW, FREE),
    "ListWorkers": (VIEW, EVERYTHING),
    "ClaimJobs": (WORK, FREE),
    "UpdateProgress": (WORK, JOB),
    "BatchUpdateProgress": (WORK, JOB),
    "CompleteJob": (WORK, JOB),
    "FailJob": (WORK, JOB),
    "ReleaseJob": (WORK, JOB),
    "WatchDirectives": (WORK, FREE),
}
STARTS = (
    *("PullNhanhProducts", "PullShopifyProducts", "PullNhanhCustomers", "PullShopifyCustomers", "SyncProducts"),
    *("SyncCustomers", "AutoMatchProducts", "AutoMatchCustomers", "RetryFailed"),
)
SYNC_WORKER = {
    **dict.fromkeys(STARTS, (OPERATE, STORE)),
    "ListStores": (VIEW, FREE),
    "CheckStore": (OPERATE, STORE),
    "ListMappings": (VIEW, STORE),
    "ListUnmatched": (VIEW, STORE),
    "ResetPullCheckpoint": (OPERATE, STORE),
}


def test_every_call_of_the_contract_is_tried() -> None:
    """A call that is added to the contract is missed here at once."""
    for module, service, table in (
        (job_tracker_service_pb2, "JobTracker", JOB_TRACKER),
        (sync_worker_service_pb2, "SyncWorker", SYNC_WORKER),
    ):
        assert set(table) == set(module.DESCRIPTOR.services_by_name[service].methods_by_name)


def job_tracker_request(call: str, job_id: str, store_id: str) -> Any:
    """Make the request of a call that names a job or a store; some are no good, which is seen only after permission."""
    request = getattr(job_tracker_service_pb2, f"{call}Request")()
    fields = request.DESCRIPTOR.fields_by_name
    if "job_id" in fields:
        request.job_id = job_id
    if "filter" in fields:
        request.filter.store_ids.append(store_id)
    if "store_ids" in fields:
        request.store_ids.append(store_id)
    if "timeout" in fields:
        request.timeout.SetInParent()
    match call:
        case "CreateJob":
            request.type, request.store_id = TYPE, store_id
        case "BatchUpdateProgress":
            request.reports.add(job_id=job_id, lease_token="none", report_sequence=1)
        case "ClaimJobs":
            request.request_id, request.worker_id = "r", "w"
            request.types.append("NOBODY_HAS_THIS")
        case "WatchDirectives":
            request.worker_id = "w"
    return request


def sync_worker_request(call: str, store_id: str) -> Any:
    """Make the request of a call that names a store."""
    of_starts = hasattr(operations_pb2, f"{call}Request")
    request = getattr(operations_pb2 if of_starts else sync_worker_service_pb2, f"{call}Request")()
    if of_starts:
        request.options.store_id = store_id
        request.options.conflict_policy = job_pb2.CONFLICT_POLICY_QUEUE
    elif "store_id" in request.DESCRIPTOR.fields_by_name:
        request.store_id = store_id
    return request


async def denials(
    caller: FakeCaller, table: dict[str, tuple[set[str], str]], make: Callable[[str, str], Awaitable[Any]]
) -> dict[tuple[str, str], str]:
    """Make every call at every place; what came out otherwise than the table says."""
    surprises = {}
    for call, (roles, touches) in table.items():
        answers = {}
        for place in PLACES:
            code, sentence, metadata = await outcome_of(await make(call, place))
            answers[place] = (code, sentence, metadata)
            limited = caller.stores is not None
            foreign = limited and (touches == EVERYTHING or (touches in (JOB, STORE) and place != "own"))
            allowed = bool(roles & set(caller.roles)) and not foreign
            if allowed == (code in ("PERMISSION_DENIED", "UNAUTHENTICATED")):
                surprises[call, place] = code
            if not allowed and metadata != {"call": call, "caller": caller.name}:
                surprises[call, place] = f"{metadata}"
        if answers["other"][0] == "PERMISSION_DENIED" and answers["other"] != answers["missing"]:
            surprises[call, "alike"] = f"{answers['other']} {answers['missing']}"
    return surprises


@pytest.mark.parametrize("stores", [None, (HANOI,)], ids=["all-stores", "limited"])
@pytest.mark.parametrize("role", ROLES)
async def test_each_call_of_job_tracker(tmp_path: Path, role: str, stores: tuple[str, ...] | None) -> None:
    """A role opens its calls and no other; who is limited to stores gets one answer for another's job and for none."""
    caller = FakeCaller("somebody", (role,), stores)
    async with guarded_services(tmp_path, caller) as guarded:

        async def make(call: str, place: str) -> Any:
            job_id = MISSING_JOB if place == "missing" else await guarded.job(STORES[place])
            request = job_tracker_request(call, job_id, STORES[place])
            return getattr(guarded.jobs, call)(request, metadata=caller.metadata, timeout=10)

        assert await denials(caller, JOB_TRACKER, make) == {}


@pytest.mark.parametrize("stores", [None, (HANOI,)], ids=["all-stores", "limited"])
@pytest.mark.parametrize("role", ROLES)
async def test_each_call_of_sync_worker(tmp_path: Path, role: str, stores: tuple[str, ...] | None) -> None:
    """A role opens its calls and no other; who is limited to stores gets one answer for another's store and for none."""
    caller = FakeCaller("somebody", (role,), stores)
    async with guarded_services(tmp_path, caller) as guarded:

        async def make(call: str, place: str) -> Any:
            request = sync_worker_request(call, STORES[place])
            return getattr(guarded.sync, call)(request, metadata=caller.metadata, timeout=10)

        assert await denials(caller, SYNC_WORKER, make) == {}


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer unknown"),),
        (("authorization", "Bearer "),),
        (("authorization", "Basic dG9rZW4="),),
        (("authorization", "Bearer token-of-admin"), ("authorization", "Bearer unknown")),
    ],
    ids=["none", "unknown", "empty", "no-bearer", "two"],
)
async def test_who_is_not_known_may_do_nothing(guarded: Guarded, metadata: Any) -> None:
    """Every call of both services is UNAUTHENTICATED, whatever it holds."""
    for stub, table, module in (
        (guarded.jobs, JOB_TRACKER, job_tracker_service_pb2),
        (guarded.sync, SYNC_WORKER, sync_worker_service_pb2),
    ):
        for call in table:
            kind = getattr(module, f"{call}Request", None) or getattr(operations_pb2, f"{call}Request")
            code, _, details = await outcome_of(getattr(stub, call)(kind(), metadata=metadata, timeout=10))
            assert (call, code, details) == (call, "UNAUTHENTICATED", {})
