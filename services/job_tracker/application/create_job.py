"""CreateJob and RetryJob."""

from dataclasses import dataclass, field

from job_tracker.application.ports.job_store import Claimed, ClaimRequest, ConflictPolicy, Created, Creation
from job_tracker.application.tracker import Tracker
from job_tracker.domain.errors import IllegalTransitionError, RetryScopeUnsupportedError
from job_tracker.domain.job import Job, Json, RetryScope, prettified
from job_tracker.domain.locks import Lock


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a creator says."""

    request_id: str
    content_hash: str
    type: str
    variant: str = ""
    store_id: str = ""
    params: Json = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    priority: int = 0
    locks: tuple[Lock, ...] = ()
    policy: ConflictPolicy = ConflictPolicy.FAIL
    max_attempts: int = 3
    parent_job_id: str = ""
    retry_of_job_id: str = ""
    retry_scope: RetryScope | None = None
    not_before: int | None = None
    created_by: str = ""
    claim: ClaimRequest | None = None


@dataclass(frozen=True, slots=True)
class CreateOutcome:
    """The job, whether this call made it, and its lease when the call asked for one and got it."""

    job: Job
    created: bool
    claimed: Claimed | None = None


async def create_job(tracker: Tracker, new: NewJob) -> CreateOutcome:
    """Store a job, PENDING or claimed at once, or answer with the one that this request made before.

    Raises:
        RequestIdReusedError, ConflictingJobError, JobNotFoundError, JobDeletedError: As their texts say.
    """
    job = Job(
        job_id=tracker.new_id(),
        type=new.type,
        variant=new.variant,
        display_name=prettified(new.type),
        store_id=new.store_id,
        params=new.params,
        labels=new.labels,
        priority=new.priority,
        locks=new.locks,
        max_attempts=new.max_attempts,
        retry_of_job_id=new.retry_of_job_id,
        retry_scope=new.retry_scope,
        not_before=new.not_before,
        parent_job_id=new.parent_job_id,
        created_by=new.created_by,
        create_time=0,
        update_time=0,
    )
    creation = Creation(job, new.policy, new.request_id, new.content_hash, new.claim, tracker.cancel_grace)
    made: Created = await tracker.store.create(creation, tracker.new_token)
    for change in made.replaced:
        tracker.tell(change)
    if made.created:
        tracker.tell_watchers(made.job)
        tracker.tell_claimers()
    claimed = None
    if made.claimed and made.job.lease is not None:
        claimed = Claimed(made.job, made.job.lease, b"")
    return CreateOutcome(made.job, made.created, claimed)


@dataclass(frozen=True, slots=True)
class Retry:
    """How a job is repeated, and for whom."""

    request_id: str
    content_hash: str
    policy: ConflictPolicy
    created_by: str
    scope: RetryScope = RetryScope.ALL


async def retry_job(tracker: Tracker, job_id: str, how: Retry) -> CreateOutcome:
    """Create a job anew that repeats one which has ended.

    Raises:
        JobNotFoundError: There is no such job.
        IllegalTransitionError: It has not ended.
        RetryScopeUnsupportedError: Its failed items alone cannot be done again.
        RequestIdReusedError, ConflictingJobError: As their texts say.
    """
    old = await tracker.store.get(job_id)
    if not old.final:
        raise IllegalTransitionError(job_id, old.state, "RetryJob")
    if how.scope is RetryScope.FAILED_ITEMS:
        await _must_know_failed_items(tracker, old)
    new = NewJob(
        request_id=how.request_id,
        content_hash=how.content_hash,
        type=old.type,
        variant=old.variant,
        store_id=old.store_id,
        params=old.params,
        labels=dict(old.labels),
        priority=old.priority,
        locks=old.locks,
        policy=how.policy,
        max_attempts=old.max_attempts,
        parent_job_id=old.parent_job_id,
        retry_of_job_id=old.job_id,
        retry_scope=how.scope,
        created_by=how.created_by,
    )
    return await create_job(tracker, new)


async def _must_know_failed_items(tracker: Tracker, old: Job) -> None:
    able = {one.type for one in await tracker.store.types() if one.retries_failed_items}
    if old.type not in able:
        raise RetryScopeUnsupportedError(old.job_id, old.type, f"the workers of {old.type} do not say that they can")
    if old.item_failure_count == 0:
        raise RetryScopeUnsupportedError(old.job_id, old.type, "it has none on record")
