"""`python -m bench.pull`: how near pulls come to what the vendors' rules and the machine allow. docs/benchmarks.md explains."""

import argparse
import asyncio
import itertools
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.lines import Line
from bench.pulling import memory, quota, shared, unbound, unchanged
from tests.fakes.postgres import Server, elsewhere

Scenario = Callable[[Path], AsyncIterator[Line]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is pulled."""

    quota: quota.Size
    shared: shared.Size
    paged: unbound.Size
    whole: unbound.Size
    few: int
    many: int
    unchanged: int


FULL = Sizes(
    quota.Size(),
    shared.Size(),
    paged=unbound.Size(products=12_000, customers=27_000, runs=3),
    whole=unbound.Size(products=30_000, customers=66_000, runs=3),
    few=10_000,
    many=1_000_000,
    unchanged=200_000,
)
QUICK = Sizes(
    quota.Size(nhanh_products=3_200, nhanh_customers=6_400, shopify_products=4_500, shopify_customers=9_900, scale=0.2),
    shared.Size(products=500, customers=1_100, scale=0.2),
    paged=unbound.Size(products=1_000, customers=2_000, runs=1),
    whole=unbound.Size(products=1_000, customers=2_000, runs=1),
    few=1_000,
    many=5_000,
    unchanged=3_000,
)
"""For trying whether it runs; what it says means nothing."""


class Databases:
    """Empty databases on one PostgreSQL of the bench's own, with fsync on."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._numbers = itertools.count()

    def empty(self, _folder: Path) -> str:
        """Make an empty database; its address."""
        if self._server is None:
            self._server = Server(f"bench-{os.getpid()}", durable=True)
        name = f"bench_{next(self._numbers)}"
        elsewhere(self._server.run(f"CREATE DATABASE {name}"))
        return self._server.url(name)

    def stop(self) -> None:
        """Stop the server, and drop what it holds."""
        if self._server is not None:
            self._server.stop()


def scenarios(sizes: Sizes, databases: Databases) -> dict[str, Scenario]:
    """Give every scenario by its name, in the order in which they run."""
    postgresql = unbound.Store("PostgreSQL", databases.empty)
    stores = [unbound.Store("SQLite", lambda folder: f"sqlite:///{folder / 'catalog.db'}"), postgresql]
    return {
        "unbound": lambda folder: unbound.lines(folder, stores, sizes.paged, sizes.whole),
        "unchanged": lambda folder: unchanged.lines(folder, sizes.unchanged),
        "memory": lambda folder: memory.lines(folder, sizes.few, sizes.many),
        "quota": lambda folder: quota.lines(folder, sizes.quota),
        "shared": lambda folder: shared.lines(folder, postgresql, sizes.shared),
    }


async def measure(chosen: list[Scenario]) -> None:
    """Measure, and print each line as soon as it is known. SIGTERM ends it in order: no server is left behind."""
    measuring = asyncio.current_task()
    assert measuring is not None  # noqa: S101 - this is a coroutine
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
    for scenario in chosen:
        with tempfile.TemporaryDirectory(prefix="nhanhsync-bench-") as folder:
            async for line in scenario(Path(folder)):
                print(line, flush=True)  # noqa: T201 - this is what the program is for


def main() -> None:
    """Read the command line, and measure."""
    databases = Databases()
    names = list(scenarios(QUICK, databases))
    parser = argparse.ArgumentParser(prog="python -m bench.pull", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to try whether it runs")
    parser.add_argument("--only", default=",".join(names), help="scenarios, with commas between (default: %(default)s)")
    asked = parser.parse_args()
    known = scenarios(QUICK if asked.quick else FULL, databases)
    unknown = set(asked.only.split(",")) - known.keys()
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    try:
        asyncio.run(measure([known[name] for name in asked.only.split(",")]))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
    finally:
        databases.stop()


if __name__ == "__main__":
    main()
