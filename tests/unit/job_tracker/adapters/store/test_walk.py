"""Random walks over the real store never reach what must not be."""

from random import Random

import pytest
from hypothesis import HealthCheck, settings
from job_tracker.domain.locks import Lock
from job_tracker.domain.states import FINAL, State

from tests.fakes.job_walk import FAIL, QUEUE, REPLACE, USE_EXISTING, Walk


def walking(examples: int) -> settings:
    """How far to walk."""
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


class TestWalk(Walk.TestCase):  # type: ignore[name-defined, misc]
    """The walk, as a test."""

    settings = walking(15)


class WalkOnPostgresql(Walk):
    """The same on PostgreSQL."""

    kind = "postgresql"


class TestWalkOnPostgresql(WalkOnPostgresql.TestCase):  # type: ignore[name-defined, misc]
    """The walk on PostgreSQL, as a test: shorter, since each has a database made for it."""

    settings = walking(4)


def random_locks(random: Random) -> list[Lock]:
    """None, one or both of two names, each shared or exclusive."""
    return [Lock(key, random.random() < 0.5) for key in "ab" if random.random() < 0.5]


def random_step(walk: Walk, random: Random) -> None:
    """Take one step of a walk, with the odds of a busy shop: most of what happens is work."""
    steps = {"create": 4, "claim": 3, "work": 7, "cancel": 1, "time": 2, "pause": 2, "kind": 1, "delete": 1, "batch": 1}
    step = random.choices(list(steps), list(steps.values()))[0]
    if step == "create":
        policy = random.choice([QUEUE, QUEUE, QUEUE, FAIL, USE_EXISTING, REPLACE])
        kind, later = random.choice("TTU"), random.choice([None, None, None, 5])
        walk.create(random_locks(random), policy, random.randint(-1, 1), random.randint(1, 3), kind, later)
    elif step == "claim":
        walk.claim(random.randint(1, 3), random.choice(["w1", "w2"]))
    elif step == "work" and walk.holdings:
        action = random.choice(["report", "report", "complete", "complete", "fail", "fail", "release"])
        counts = (random.randint(0, 3), random.choice([0, 0, 3]), random.randint(0, 3))
        total = random.choice([None, None, random.randint(0, 30)])
        which = random.randint(0, 7)
        if action == "complete" and random.random() < 0.5:
            walk.work(which, "report", (1, 1, 0), None, False)
            walk.nothing_is_as_it_must_not_be()
        walk.work(which, action, counts, total, random.random() < 0.7)
    elif step == "cancel" and walk.jobs:
        walk.cancel(random.randint(0, 7), random.random() < 0.7)
    elif step == "time":
        walk.time_passes(random.choice([1, 10, 21, 31]))
    elif step == "pause" and walk.jobs:
        walk.pause(random.randrange(len(walk.jobs)), random.random() < 0.2, random.random() < 0.8)
    elif step == "kind":
        walk.pause_kind(random.choice("TTU"), random.random() < 0.8, random.random() < 0.5)
    elif step == "delete" and walk.jobs:
        walk.delete(random.randrange(len(walk.jobs)))
    elif step == "batch" and walk.holdings:
        walk.batch([random.randint(0, 7) for _ in range(3)], (random.randint(0, 3), 0, 1))


@pytest.mark.parametrize(("kind", "seed"), [(Walk, 20), (Walk, 22), (Walk, 24), (WalkOnPostgresql, 26)])
def test_long_walks_of_a_busy_shop(kind: type[Walk], seed: int) -> None:
    """Long walks, where leases are lost and taken again, keep the same rules as short ones, and meet every kind of end."""
    walk, random = kind(), Random(seed)
    met: set[State] = set()
    try:
        for _ in range(350):
            random_step(walk, random)
            walk.nothing_is_as_it_must_not_be()
            met |= {job.state for job in walk.before.values()}
        assert met >= FINAL
        assert max(holding.claimed.job.attempt for holding in walk.holdings) > 2
        assert walk.deleted
    finally:
        walk.teardown()
