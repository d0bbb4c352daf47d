"""Runs many scenarios in several processes, and keeps of each what is told of many."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.scenario import Outcome, run

LAST_LINES = 40
BATCH = 10


@dataclass(frozen=True, slots=True)
class Ran:
    """What of an outcome is told when there are many."""

    seed: int
    steps: int
    seconds: float
    events: Counter[str]
    faults: Counter[str]
    violation: str = ""


def told(outcome: Outcome) -> Ran:
    """Keep of an outcome what is told: the end of its history where something is wrong."""
    violation = ""
    if outcome.violation is not None:
        lines = "\n".join(outcome.history.lines(LAST_LINES))
        violation = f"{lines}\nseed {outcome.seed}, step {outcome.steps}: {outcome.violation}"
    return Ran(outcome.seed, outcome.steps, outcome.seconds, outcome.events, outcome.faults, violation)


def run_one(seed: int) -> Ran:
    """Run the scenario of a seed."""
    return told(run(seed))


def run_some(seeds: Sequence[int], parallel: int) -> Iterator[Ran]:
    """Run scenarios in so many processes, in their order."""
    if parallel == 1:
        yield from map(run_one, seeds)
        return
    with ProcessPoolExecutor(parallel, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run_one, seeds, chunksize=BATCH)
