"""The command: `python -m tests.chaos --seed 7` replays one trial, `--trials 300 --parallel 8` runs many.

The exit status is 0 when no rule was broken, 1 otherwise.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.plan import DatabaseKind, Plan, draw
from tests.chaos.trial import Outcome, run_trial


async def run_many(
    plans: list[Plan], parallel: int, folder: Path, console: Console, *, keep: bool = False
) -> list[Outcome]:
    """Run trials, so many at once, and tell of each violation as soon as it is found. Logs of good trials are removed."""
    # gRPC would guard itself against forks; ours, to start PostgreSQL as its own user, do nothing but run a program.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    waiting, outcomes = list(reversed(plans)), list[Outcome]()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("trials", total=len(plans))

        async def run_some() -> None:
            while waiting:
                plan = waiting.pop()
                outcome = await run_trial(plan, folder / f"{plan.database}-{plan.seed}")
                outcomes.append(outcome)
                if outcome.violations:
                    progress.console.print(str(outcome), markup=False, highlight=False)
                elif not keep:
                    await asyncio.to_thread(shutil.rmtree, outcome.folder)
                broken = sum(len(one.violations) for one in outcomes)
                progress.update(bar, advance=1, description=f"{broken} violations")

        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(run_some())
    return outcomes


def summary(outcomes: list[Outcome]) -> Table:
    """Tell what was tried, for each database."""
    kinds = sorted({outcome.plan.database for outcome in outcomes})
    table = Table("", *kinds)
    totals = {kind: Counter[str]() for kind in kinds}
    for outcome in outcomes:
        totals[outcome.plan.database] += outcome.counts
    table.add_row("trials", *(str(sum(one.plan.database is kind for one in outcomes)) for kind in kinds))
    names = sorted(set().union(*totals.values()), key=lambda name: (name.startswith("fault: "), name))
    for name in names:
        table.add_row(name, *(str(totals[kind][name]) for kind in kinds))
    table.add_section()
    broken = {kind: sum(len(one.violations) for one in outcomes if one.plan.database is kind) for kind in kinds}
    table.add_row("violations", *(f"[{'red' if broken[kind] else 'green'}]{broken[kind]}" for kind in kinds))
    return table


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Try JobTracker by seeded faults.")
    parser.add_argument("--seed", type=int, help="run the one trial of this seed, or begin with it")
    parser.add_argument("--database", choices=[*DatabaseKind], help="of one kind only (default: every one that runs)")
    parser.add_argument("--trials", type=int, default=1, help="how many, over all databases (default: %(default)s)")
    parser.add_argument("--parallel", type=int, default=8, help="how many at once (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the logs of good trials too")
    options = parser.parse_args()
    kinds = (DatabaseKind(options.database),) if options.database else tuple(DatabaseKind)
    first = 1 if options.seed is None else options.seed
    plans = [draw(first + place // len(kinds), kinds[place % len(kinds)]) for place in range(options.trials)]
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    outcomes = asyncio.run(run_many(plans, options.parallel, folder, console, keep=options.keep))
    if options.trials == 1:
        console.print(str(plans[0]), markup=False, highlight=False)
    console.print(summary(outcomes))
    broken = sum(len(outcome.violations) for outcome in outcomes)
    if broken or options.keep:
        console.print(f"logs in {folder}")
    else:
        folder.rmdir()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
