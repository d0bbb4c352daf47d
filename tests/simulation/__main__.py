"""The command: `python -m tests.simulation --seed 7` replays one scenario line by line, `--seeds 0..3000` runs many.

`--scenarios 3000` runs as many from a seed that is drawn and printed.
The exit status is 0 when nothing happened that must not, 1 otherwise.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from random import SystemRandom

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.simulation.many import Ran, run_some
from tests.simulation.scenario import run


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
    which.add_argument("--scenarios", type=int, metavar="N", help="run N scenarios, from a seed that is drawn")
    cores = os.cpu_count() or 1
    parser.add_argument("--parallel", type=int, default=cores, help="in so many processes (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console()
    if options.seed is not None:
        return 0 if replay(options.seed, console) else 1
    seeds = options.seeds
    if seeds is None:
        first = SystemRandom().randrange(1_000_000)
        seeds = range(first, first + options.scenarios)
    console.print(f"--seeds {seeds.start}..{seeds.stop}", highlight=False)
    return 0 if run_many(seeds, options.parallel, console) else 1


if __name__ == "__main__":
    sys.exit(main())
