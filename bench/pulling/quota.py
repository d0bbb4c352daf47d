"""Pulls under the vendors' documented limits: how near they come to what the rules allow, and what they spend."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.lines import Better, Line, said
from bench.pulling import floors
from bench.pulling.lists import NHANH_CUSTOMERS, NHANH_PRODUCTS, SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, VendorList, Way
from bench.pulling.shop import Pulled, Sandbox, Worker, pull, sandbox, worker

OF_THE_QUOTA, OF_THE_QUOTA_IN_WINDOWS = 0.95, 0.90
OVER_THE_FLOOR_PERCENT = 3.0
LATENCIES_MS = (0, 380)
"""The second is what a live shop's answers took."""

TOO_SHORT = "a rested quota pays for all of it at once: there is no floor to compare with"

VARIANTS, CUSTOMERS = SHOPIFY_VARIANTS.read(Way.PAGES), SHOPIFY_CUSTOMERS.read(Way.PAGES)


@dataclass(frozen=True, slots=True)
class Size:
    """How many things there are; `scale` multiplies Nhanh's calls a window and Shopify's bucket, 1 being as documented."""

    nhanh_products: int = 16_500
    nhanh_customers: int = 32_000
    shopify_products: int = 12_000
    shopify_customers: int = 27_000
    scale: float = 1.0

    def nhanh(self, window: floors.Window) -> floors.Window:
        """Scale Nhanh's window."""
        return floors.Window(int(window.calls * self.scale), window.seconds)

    @property
    def shopify(self) -> floors.Bucket:
        """Scale Shopify's bucket."""
        return floors.Bucket(floors.SHOPIFY.size * self.scale, floors.SHOPIFY.per_second * self.scale)


async def lines(folder: Path, size: Size) -> AsyncIterator[Line]:
    """Measure at each latency. The four lists are pulled side by side, since they wait for four different quotas."""
    for latency_ms in LATENCIES_MS:
        place = folder / f"quota-{latency_ms}"
        slow = ("--latency-ms", str(latency_ms), "--limits-scale", str(size.scale), "--prepared")
        nhanh = ("--products", str(size.nhanh_products), "--customers", str(size.nhanh_customers), *slow)
        shopify = ("--products", str(size.shopify_products), "--customers", str(size.shopify_customers), *slow)
        async with (
            sandbox(place, *nhanh, stores=("hanoi",)) as one,
            sandbox(place, *shopify, stores=("danang", "saigon")) as other,
            worker(place, _both(one, other)) as at,
        ):
            asked = [(NHANH_CUSTOMERS, one, "hanoi"), (NHANH_PRODUCTS, one, "hanoi")]
            asked += [(VARIANTS, other, "danang"), (CUSTOMERS, other, "saigon")]
            for line in await asyncio.gather(*(_measured(at, *each, size, latency_ms) for each in asked)):
                for each in line:
                    yield each


def _both(one: Sandbox, other: Sandbox) -> Path:
    """Join two stores files of one folder."""
    joined = one.stores_file.with_name("stores.toml")
    joined.write_text(one.stores_file.read_text() + "\n" + other.stores_file.read_text())
    return joined


async def _measured(
    at: Worker, wanted: VendorList, vendors: Sandbox, store: str, size: Size, latency_ms: int
) -> list[Line]:
    name = f"{wanted} under the quota, {latency_ms} ms a call"
    try:
        pulled = await pull(at, wanted, store, follow=True)
        again = await pull(at, wanted, store, follow=True) if wanted is NHANH_CUSTOMERS and latency_ms else None
        calls = await vendors.calls(store)
    except Exception as failure:
        return [Line(name, "rows/s", None, 0.0, better=Better.MORE, note=said(failure))]
    refused = Line(
        f"{name}: refused calls", "calls", float(sum(calls["refused"].values())), 0.0, goal_name="none is refused"
    )
    if wanted.gid:
        spent = spent_lines(name, wanted, pulled, calls)
        return [*shopify_lines(name, pulled, size, latency_ms / 1_000), refused, *spent]
    lines = nhanh_lines(name, pulled, size, latency_ms / 1_000)
    if again is not None:
        lines += nhanh_lines(f"{name}, in windows", again, size, latency_ms / 1_000, in_windows=True)
    return [*lines, refused]


def nhanh_lines(name: str, pulled: Pulled, size: Size, latency: float, *, in_windows: bool = False) -> list[Line]:
    """Compare the rows of one whole window, begun in the middle of one, and the whole pull.

    A sliding window lets a rested account send all its calls at once and then pause; any stretch as long as the window
    holds the same number of them, so that a whole one tells the lasting speed. A second pull of the customers reads several
    windows of time side by side, so that the quota bounds it and not the latency; the first one reads the list as a whole.
    """
    window, safe = size.nhanh(floors.NHANH), size.nhanh(floors.NHANH_SAFE)
    rate = floors.rate_over(pulled.samples, window.seconds / 2, window.seconds)
    calls = window.per_second if in_windows else floors.steady_calls_per_second(window.per_second, latency)
    limit = calls * floors.NHANH_PAGE_ROWS
    goal = (OF_THE_QUOTA_IN_WINDOWS if in_windows else OF_THE_QUOTA) * limit
    one_cursor = floors.steady_calls_per_second(window.per_second, latency) * floors.NHANH_PAGE_ROWS
    lasting = Line(
        name,
        "rows/s",
        rate,
        goal,
        limit,
        f"{window.calls} calls in {window.seconds:.0f} s" if in_windows else "the quota, or one cursor's latency",
        {**_more(pulled), "one_cursor_at_most": one_cursor},
        Better.MORE,
        f"{goal / limit:.0%} of the limit",
        note="" if rate is not None else "the pull ended before a whole window was over",
    )
    needed = (
        floors.pages(pulled.rows, floors.NHANH_PAGE_ROWS) + 1
    )  # only an empty page tells that the list is at its end
    floor = safe.floor_seconds(needed, latency, in_flight=safe.calls if in_windows else 1)
    return [lasting, wall_line(name, pulled, floor)]


def shopify_lines(name: str, pulled: Pulled, size: Size, latency: float) -> list[Line]:
    """Compare the whole pull, from a full bucket."""
    calls = floors.pages(pulled.rows, floors.SHOPIFY_PAGE_ROWS)
    floor = size.shopify.floor_seconds(calls, floors.page_points(), latency)
    if not floor:
        return [Line(name, "rows/s", None, 0.0, better=Better.MORE, note=TOO_SHORT)]
    limit = pulled.rows / floor
    limit_name = "a full bucket and its refill, or one cursor's latency"
    goal = OF_THE_QUOTA * limit
    speed = pulled.per_second
    line = Line(name, "rows/s", speed, goal, limit, limit_name, _more(pulled), Better.MORE, "95% of the limit")
    return [line, wall_line(name, pulled, floor)]


def wall_line(name: str, pulled: Pulled, floor: float) -> Line:
    """Say how much longer it took than the rules demand."""
    name, goal_name = f"{name}: time over the floor", "3 % over the floor"
    if not floor:
        return Line(name, "%", None, OVER_THE_FLOOR_PERCENT, goal_name=goal_name, note=TOO_SHORT)
    over = 100 * (pulled.seconds / floor - 1)
    more = {"seconds": pulled.seconds, "floor_seconds": floor}
    return Line(name, "%", over, OVER_THE_FLOOR_PERCENT, more=more, goal_name=goal_name)


def spent_lines(name: str, wanted: VendorList, pulled: Pulled, calls: Mapping[str, Any]) -> list[Line]:
    """Say what a paged pull cost for each 1,000 rows, every call of it counted."""
    answered = {kind: count for kind, count in calls["answered"].items() if kind.startswith("shopify ")}
    needed = floors.pages(pulled.rows, floors.SHOPIFY_PAGE_ROWS)
    thousands = pulled.rows / 1_000
    points = needed * floors.page_points()
    floor_name = "pages of 250, of 35 points"
    return [
        Line(
            f"{name}: calls per 1,000 rows",
            "calls",
            sum(answered.values()) / thousands,
            needed / thousands,
            needed / thousands,
            floor_name,
            {f"calls of {wanted.counted_as}": answered.get(wanted.counted_as, 0)},
            goal_name="the floor",
        ),
        Line(
            f"{name}: points per 1,000 rows",
            "points",
            float(calls["points"]) / thousands,
            points / thousands,
            points / thousands,
            floor_name,
            goal_name="the floor",
        ),
    ]


def _more(pulled: Pulled) -> dict[str, float]:
    waited = pulled.metrics.get("rate_limit_wait_seconds", 0.0)
    return {
        "rows": pulled.rows,
        "seconds": pulled.seconds,
        "api_calls": pulled.metrics.get("api_calls", 0.0),
        "rate_limit_wait_seconds": waited,
        "cpu_seconds_of_all_four": pulled.cpu_seconds,
        "peak_rss_mb": pulled.peak_mb,
    }
