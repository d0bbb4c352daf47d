"""What a run is made of, drawn from its seed: each leaves out much, so that what is left meets more often."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of whom, what may go wrong, and the few settings that rules depend on. Times are seconds, odds per call."""

    replicas: int
    workers: int
    clients: int
    calls: int
    """Each client makes so many."""
    keys: str
    """Each character is the key of a lock."""
    ttl: float
    cancel_grace: float
    look_again: float
    heartbeat: float
    slowness: float
    """A message takes up to so long."""
    lost_answers: float
    lost_commits: float
    lost_wakeups: float
    fault_every: float
    """On the average, while there are faults."""
    outages: bool
    replica_deaths: bool
    worker_deaths: bool
    freezes: bool
    clock_jumps: bool
    stubborn: bool
    """Some workers do not let go when they are asked to."""
    removal: bool
    """Retention removes jobs soon, and clients delete some."""


def draw(random: Random) -> Plan:
    """Draw a plan."""

    def maybe(probability: float) -> bool:
        return random.random() < probability

    return Plan(
        replicas=random.choice((1, 1, 2, 3)),
        workers=random.choice((1, 2, 2, 3)),
        clients=random.randint(1, 3),
        calls=random.randint(3, 9),
        keys=random.choice(("a", "ab", "abc")),
        ttl=random.choice((5.0, 6.0, 10.0)),
        cancel_grace=random.choice((2.0, 4.0, 12.0)),
        look_again=random.choice((0.5, 2.0)),
        heartbeat=random.choice((3.0, 6.0)),
        slowness=random.choice((0.01, 0.1, 1.0)),
        lost_answers=random.choice((0.0, 0.05, 0.2)),
        lost_commits=random.choice((0.0, 0.02)),
        lost_wakeups=random.choice((0.0, 0.1, 1.0)),
        fault_every=random.choice((2.0, 5.0, 15.0)),
        outages=maybe(0.3),
        replica_deaths=maybe(0.4),
        worker_deaths=maybe(0.5),
        freezes=maybe(0.5),
        clock_jumps=maybe(0.2),
        stubborn=maybe(0.4),
        removal=maybe(0.3),
    )
