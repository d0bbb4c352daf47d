"""The command: `python -m tests.simulation --seed 7` replays one scenario line by line, `--seeds 0..3000` runs many.

The exit status is 0 when nothing happened that must not, 1 otherwise.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

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
    """Run scenarios in so many processes, as they come."""
    if parallel == 1:
        yield from map(run_one, seeds)
        return
    with get_context("spawn").Pool(parallel) as pool:
        yield from pool.imap_unordered(run_one, seeds, BATCH)


def replay(seed: int, console: Console) -> bool:
    """Run one scenario and write all of its history; whether all was well."""
    outcome = run(seed)
    for field in fields(outcome.plan):
        console.print(f"{field.name:>15} {getattr(outcome.plan, field.name)}", style="dim", highlight=False)
    for line in outcome.history.lines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"seed {seed}, {outcome.steps} steps, {outcome.violation or 'no violation'}", markup=False)
    return outcome.violation is None


def run_many(seeds: range, parallel: int, console: Console) -> bool:
    """Run many scenarios and sum up; whether all was well."""
    began, ran = time.monotonic(), list[Ran]()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("0 violations", total=len(seeds))
        for one in run_some(seeds, parallel):
            ran.append(one)
            if one.violation:
                progress.console.print(one.violation, markup=False, highlight=False, soft_wrap=True)
            broken = sum(bool(each.violation) for each in ran)
            progress.update(bar, advance=1, description=f"{broken} violations")
    console.print(summary(ran, time.monotonic() - began))
    broken_seeds = sorted(one.seed for one in ran if one.violation)
    if broken_seeds:
        console.print(f"replay with: python -m tests.simulation --seed {broken_seeds[0]}", markup=False)
    return not broken_seeds


def summary(ran: Iterable[Ran], took: float) -> Table:
    """Tell what was met, and how fast."""
    ran = list(ran)
    steps, seconds = sum(one.steps for one in ran), sum(one.seconds for one in ran)
    broken = sum(bool(one.violation) for one in ran)
    table = Table("", "", show_header=False)
    table.add_row("scenarios", f"{len(ran):,} ({len(ran) / took:,.0f} a second)")
    table.add_row("steps", f"{steps:,} ({steps / took:,.0f} a second)")
    table.add_row("simulated hours", f"{seconds / 3_600:,.1f}")
    for name, counts in (("event", Counter[str]()), ("fault", Counter[str]())):
        for one in ran:
            counts.update(one.events if name == "event" else one.faults)
        table.add_section()
        for key, count in counts.most_common():
            table.add_row(f"{name}: {key}", f"{count:,}")
    table.add_section()
    table.add_row("violations", f"[{'red' if broken else 'green'}]{broken}")
    return table


def seeds_of(text: str) -> range:
    """Read A..B; B is not one of them.

    Raises:
        ValueError: It is not of that form.
    """
    first, last = text.split("..")
    return range(int(first), int(last))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Simulate JobTracker by seeds.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="replay the scenario of this seed, line by line")
    which.add_argument("--seeds", type=seeds_of, metavar="A..B", help="run the scenarios from A to before B")
    cores = os.cpu_count() or 1
    parser.add_argument("--parallel", type=int, default=cores, help="in so many processes (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console()
    if options.seed is not None:
        return 0 if replay(options.seed, console) else 1
    console.print(f"seeds {options.seeds.start} to {options.seeds.stop - 1}", highlight=False)
    return 0 if run_many(options.seeds, options.parallel, console) else 1


if __name__ == "__main__":
    sys.exit(main())
