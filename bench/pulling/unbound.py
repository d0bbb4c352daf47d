"""Pulls with the vendors' limits off: what is left is our own work, beside a raw loop's and other programs'."""

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.lines import Better, Line, said
from bench.peers.running import PeerFailedError, PeerRun, peers_of
from bench.pulling.lists import NHANH_CUSTOMERS, NHANH_PRODUCTS, SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, VendorList, Way
from bench.pulling.recorder import recording
from bench.pulling.shop import Pulled, Sandbox, pull, sandbox, worker
from bench.pulling.stored import keep_rows, products_of

OF_THE_LIMIT, TIMES_THE_PEER = 0.6, 3.0
PRODUCTS_PER_SECOND = {Way.PAGES: 12_000.0, Way.BULK: 25_000.0}
"""Goals in round figures, into SQLite, variants included."""
LIMIT_NAME = "same bytes parsed, same rows written by the driver's bulk statements"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is pulled: what the sandbox makes, and how often each pull is repeated."""

    products: int
    customers: int
    runs: int

    @property
    def arguments(self) -> tuple[str, ...]:
        """Say it to the sandbox."""
        return ("--no-limits", "--prepared", "--products", str(self.products), "--customers", str(self.customers))


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of database, and how to come by an empty one in a folder."""

    name: str
    empty: Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the recorded pull found, and how long its calls take the sandbox when nobody looks at the answers."""

    rows: int
    products: int
    fetch_seconds: float


@dataclass(frozen=True, slots=True)
class Raw:
    """What the raw loop said."""

    objects: int
    seconds: float
    cpu_seconds: float
    write_seconds: float

    @property
    def per_second(self) -> float:
        """Rows a second."""
        return self.objects / self.seconds


@dataclass(frozen=True, slots=True)
class Peers:
    """How other programs did with a list, and why some did not."""

    runs: list[PeerRun]
    failures: list[str]

    @property
    def best(self) -> PeerRun | None:
        """The fastest; None: there is none."""
        return max(self.runs, key=lambda run: run.per_second, default=None)


async def lines(folder: Path, stores: list[Store], paged: Size, whole: Size) -> AsyncIterator[Line]:
    """Measure every list into every database. Shopify gives pages of at most 25,000 objects, so there is less of those."""
    peers: dict[str, Peers] = {}
    in_pages = [SHOPIFY_VARIANTS.read(Way.PAGES), SHOPIFY_CUSTOMERS.read(Way.PAGES)]
    with_levels = SHOPIFY_VARIANTS.read(Way.BULK, with_levels=True)
    at_once = [
        SHOPIFY_VARIANTS.read(Way.BULK),
        with_levels,
        SHOPIFY_CUSTOMERS.read(Way.BULK),
        NHANH_CUSTOMERS,
        NHANH_PRODUCTS,
    ]
    for name, size, lists in (("paged", paged, in_pages), ("whole", whole, at_once)):
        place = folder / name
        async with sandbox(place, *size.arguments) as vendors:
            for number, wanted in enumerate(lists):
                try:
                    if wanted.name not in peers:  # they read pages, whatever way we read in: once is enough
                        peers[wanted.name] = await run_peers(place / f"peers-{number}", vendors, wanted)
                    found = _list_lines(place / str(number), vendors, wanted, stores, size.runs, peers[wanted.name])
                    async for line in found:
                        yield line
                except Exception as failure:
                    yield Line(f"{wanted}, limits off", "rows/s", None, 0.0, better=Better.MORE, note=said(failure))


async def _list_lines(
    folder: Path, vendors: Sandbox, wanted: VendorList, stores: list[Store], runs: int, peers: Peers
) -> AsyncIterator[Line]:
    recorded = await _record(folder, vendors, wanted)
    for store in stores:
        try:
            ours, raw = await _measure(folder, vendors, wanted, store, runs)
        except Exception as failure:
            yield Line(f"{wanted} into {store.name}", "rows/s", None, 0.0, better=Better.MORE, note=said(failure))
            continue
        for run in ours:
            if run.rows != recorded.rows or any(each.objects != recorded.rows for each in raw):
                raise ValueError(
                    f"{wanted} into {store.name}: {run.rows} rows, but {recorded.rows} in the recorded pull"
                )
        rows = rows_line(f"{wanted} into {store.name}", ours, raw, peers, recorded)
        yield rows
        if wanted.way is not None and wanted.table == SHOPIFY_VARIANTS.table and not wanted.with_levels:
            yield products_line(rows, store, wanted.way, recorded.products, ours)
    shutil.rmtree(folder)


async def _record(folder: Path, vendors: Sandbox, wanted: VendorList) -> Recorded:
    """Pull once through the recorder: its answers and its rows are what the raw loop is given."""
    async with recording(vendors, wanted, folder / "answers") as (recorder, stores_file):
        async with worker(folder / "recorded", stores_file) as at:
            seen = await pull(at, wanted)
        seconds = await recorder.fetch_again()
    catalog = folder / "recorded" / "catalog.db"
    keep_rows(catalog, wanted, folder / "rows.json")
    return Recorded(seen.rows, products_of(catalog), seconds)


async def run_peers(folder: Path, vendors: Sandbox, wanted: VendorList) -> Peers:
    """Run every peer that reads this list, once."""
    runs, failures = [], []
    for peer in peers_of(wanted):
        try:
            runs.append(await peer.run(folder, vendors, wanted))
        except PeerFailedError as failure:
            failures.append(f"{peer.name}: {failure}")
    return Peers(runs, failures)


async def _measure(
    folder: Path, vendors: Sandbox, wanted: VendorList, store: Store, runs: int
) -> tuple[list[Pulled], list[Raw]]:
    """Measure in turn our pull, with processes and a database of its own, and the raw loop."""
    ours, raw = [], []
    for run in range(runs):
        place = folder / f"{store.name}-{run}"
        place.mkdir()
        async with worker(place, vendors.stores_file_for(wanted), store.empty(place)) as at:
            ours.append(await pull(at, wanted))
        (place / "raw").mkdir()
        raw.append(await _raw(folder, store.empty(place / "raw")))
        shutil.rmtree(place)
    return ours, raw


async def _raw(folder: Path, url: str) -> Raw:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.raw_pull", folder, url, stdout=PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the raw loop ended with {process.returncode}")
    return Raw(**json.loads(said))


def rows_line(name: str, ours: list[Pulled], raw: list[Raw], peers: Peers, recorded: Recorded) -> Line:
    """Say how many rows a second, beside the raw loop and the best peer: the medians of all runs."""
    limit, peer = median(each.per_second for each in raw), peers.best
    goals = {"60 % of the limit": OF_THE_LIMIT * limit}
    if peer is not None and peer.per_second:
        goals["3 times the peer"] = TIMES_THE_PEER * peer.per_second
    goal_name, goal = max(goals.items(), key=lambda each: each[1])
    middle = sorted(ours, key=lambda run: run.per_second)[len(ours) // 2]
    more = {
        "rows": middle.rows,
        "seconds": middle.seconds,
        "cpu_seconds": middle.cpu_seconds,
        "peak_rss_mb": middle.peak_mb,
        "api_calls": middle.metrics.get("api_calls", 0.0),
        "api_points": middle.metrics.get("api_points", 0.0),
        "stock_levels": middle.metrics.get("levels", 0.0),
        "slowest": min(run.per_second for run in ours),
        "fastest": max(run.per_second for run in ours),
        "runs": len(ours),
        "limit_cpu_seconds": median(each.cpu_seconds for each in raw),
        "limit_write_seconds": median(each.write_seconds for each in raw),
        "sandbox_alone_rows_per_second": recorded.rows / recorded.fetch_seconds,
    }
    for run in peers.runs:
        more |= {f"{run.name}: rows/s": run.per_second, f"{run.name}: cpu_seconds": run.cpu_seconds}
        more |= {f"{run.name}: rows": run.rows, f"{run.name}: peak_rss_mb": run.peak_rss_mb}
    return Line(
        name,
        "rows/s",
        median(run.per_second for run in ours),
        goal,
        limit,
        LIMIT_NAME,
        more,
        Better.MORE,
        f"{goal_name}, the higher of the two" if len(goals) > 1 else goal_name,
        None if peer is None else peer.per_second,
        "" if peer is None else peer.name,
        "; ".join([*peers.failures, *(run.note for run in peers.runs)]),
    )


def products_line(rows: Line, store: Store, way: Way, products: int, ours: list[Pulled]) -> Line:
    """Say the same in products a second, their variants included. The round figure is a goal for SQLite alone."""
    variants = ours[0].rows
    share = products / variants
    return Line(
        f"{rows.name}, products",
        "products/s",
        median(products / run.seconds for run in ours),
        PRODUCTS_PER_SECOND[way],
        None if rows.limit is None else rows.limit * share,
        rows.limit_name,
        {"products": products, "variants": variants},
        Better.MORE,
        "a round figure",
        None if rows.peer is None else rows.peer * share,
        rows.peer_name,
        "" if store.name == "SQLite" else "the goal is that of SQLite",
    )
