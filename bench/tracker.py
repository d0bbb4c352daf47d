"""`python -m bench.tracker`: what JobTracker promises in milliseconds, on SQLite and on PostgreSQL."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench.cancelling import cancels, pushes
from bench.lines import Line, percentile
from bench.reclaiming import reclaims
from bench.servers import job_tracker, server
from tests.fakes.postgres import Server

CANCELS = 500
RECLAIMED_JOBS = 20
SAME_GOAL_MS, ACROSS_GOAL_MS, RECLAIM_GOAL_SECONDS = 20.0, 80.0, 1.0


def cancel_line(name: str, taken: list[float], limit: list[float], goal: float) -> Line:
    """Say how long cancels took, beside bare pushes."""
    p99 = percentile(taken, 0.99) * 1_000
    more = {"p50": round(percentile(taken, 0.5) * 1_000, 3), "samples": len(taken)}
    bare = percentile(limit, 0.99) * 1_000
    return Line(name, "ms p99", p99, goal, bare, "bare gRPC push through one process, p99", more)


def reclaim_line(name: str, late: list[float]) -> Line:
    """Say how late the latest reclaim was."""
    more = {"p50": round(percentile(late, 0.5), 3), "samples": len(late)}
    return Line(name, "s beyond the lease, worst", max(late), RECLAIM_GOAL_SECONDS, more=more)


async def measure(folder: Path, postgresql: str) -> None:
    """Measure, and print each line as soon as it is known."""
    async with server("bench.raw_push") as address:
        limit = await pushes(address, CANCELS)
    async with job_tracker(f"sqlite:///{folder / 'jobs.db'}") as one:
        say(cancel_line("cancel to worker, SQLite", await cancels(one, one, CANCELS), limit, SAME_GOAL_MS))
        say(reclaim_line("dead worker to next claim, SQLite", await reclaims(one, RECLAIMED_JOBS)))
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(job_tracker(postgresql)) for _ in range(2)]
        same = await cancels(one, one, CANCELS)
        say(cancel_line("cancel to worker, PostgreSQL, same replica", same, limit, SAME_GOAL_MS))
        across = await cancels(one, other, CANCELS)
        say(cancel_line("cancel to worker, PostgreSQL, other replica", across, limit, ACROSS_GOAL_MS))
        say(reclaim_line("dead worker to next claim, PostgreSQL", await reclaims(other, RECLAIMED_JOBS)))


def say(line: Line) -> None:
    """Print a line."""
    print(line, flush=True)  # noqa: T201 - this is what the program is for


def main() -> None:
    """Start what is needed, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        postgresql = Server("bench", durable=True)
        try:
            asyncio.run(measure(Path(folder), postgresql.url()))
        finally:
            postgresql.stop()


if __name__ == "__main__":
    main()
