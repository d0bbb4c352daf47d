"""Draws new jobs: of two types and two shops, with few keys, so that they meet."""

from job_tracker.application.create_job import NewJob
from job_tracker.application.ports.job_store import ClaimRequest, ConflictPolicy
from job_tracker.domain.locks import Lock

from tests.simulation.world import World

POLICIES = (
    ConflictPolicy.QUEUE,
    ConflictPolicy.QUEUE,
    ConflictPolicy.QUEUE,
    ConflictPolicy.FAIL,
    ConflictPolicy.USE_EXISTING,
    ConflictPolicy.REPLACE,
    ConflictPolicy.REPLACE,
)


def new_job(world: World, claim: ClaimRequest | None = None) -> NewJob:
    """Draw a job, under a request id of its own."""
    random = world.random
    return NewJob(
        request_id=world.new("request"),
        content_hash="same",
        type=random.choice("TTTU"),
        store_id=random.choice(("s1", "s1", "s2")),
        params={"n": random.randint(0, 1)},
        priority=random.randint(-1, 1),
        locks=tuple(Lock(key, random.random() < 0.7) for key in world.plan.keys if random.random() < 0.5),
        policy=random.choice(POLICIES),
        max_attempts=random.randint(1, 3),
        not_before=world.now().wall + random.randint(0, 6_000_000) if random.random() < 0.15 else None,
        created_by="client",
        claim=claim,
    )
