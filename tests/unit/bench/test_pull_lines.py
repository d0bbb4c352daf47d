"""What a pull's figures are compared with."""

import pytest

from bench.lines import Line
from bench.peers.running import PeerRun
from bench.pulling import floors, memory, quota, shared, unbound
from bench.pulling.lists import SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, Way
from bench.pulling.shop import Pulled

SIZE = quota.Size()


def pulled(rows: int, seconds: float, **other: object) -> Pulled:
    """A pull that went evenly."""
    made = {"cpu_seconds": 1.0, "peak_mb": 100.0, "metrics": {}, "samples": [(0.0, 0.0), (seconds, float(rows))]}
    return Pulled(rows=rows, seconds=seconds, **(made | other))  # type: ignore[arg-type]


def by_name(lines: list[Line], end: str) -> Line:
    """The line whose name ends so."""
    return next(line for line in lines if line.name.endswith(end))


@pytest.mark.parametrize(
    ("in_windows", "latency", "limit", "goal"),
    [
        (False, 0.0, 500.0, 475.0),
        (False, 0.38, 100 / 0.38, 95 / 0.38),
        (True, 0.38, 500.0, 450.0),  # windows of time side by side: the quota alone bounds them
    ],
)
def test_nhanh_quota(in_windows: bool, latency: float, limit: float, goal: float) -> None:
    """Nhanh's limit is the quota or one cursor's latency, but for the list that is read in windows."""
    line = quota.nhanh_lines("x", pulled(30_000, 60.0), SIZE, latency, in_windows=in_windows)[0]
    assert (line.ours, line.limit, line.goal) == (500.0, pytest.approx(limit), pytest.approx(goal))


def test_nhanh_floor_counts_the_empty_page() -> None:
    """145 full pages are 146 calls, and the last of them is for the next window."""
    line = quota.nhanh_lines("x", pulled(14_500, 30.3), SIZE, 0.0)[1]
    assert line.ours == pytest.approx(1.0)
    assert line.met


def test_a_pull_too_short_for_a_window_has_no_rate() -> None:
    """What ended within the first burst says nothing of the quota."""
    lines = quota.nhanh_lines("x", pulled(1_000, 3.0), SIZE, 0.0)
    assert [(line.ours, line.met, bool(line.note)) for line in lines] == [(None, False, True)] * 2


def test_shopify_quota() -> None:
    """A hundred pages take 15 seconds from a full bucket."""
    lines = quota.shopify_lines("x", pulled(25_000, 15.3), SIZE, 0.0)
    assert lines[0].limit == pytest.approx(25_000 / 15)
    assert by_name(lines, "time over the floor").ours == pytest.approx(2.0)


def test_shopify_within_a_full_bucket() -> None:
    """Without a floor there is nothing to compare with, and the goal is not met by that."""
    (line,) = quota.shopify_lines("x", pulled(1_000, 1.0), SIZE, 0.0)
    assert (line.ours, line.met, line.note) == (None, False, quota.TOO_SHORT)


def runs(*workers: str) -> list[shared.Run]:
    """Pulls one after another, by these workers, over 50 seconds."""
    each = 50.0 / len(workers)
    return [
        shared.Run(f"pull {n}", worker, 100.0 + n * each, 100.0 + (n + 1) * each) for n, worker in enumerate(workers)
    ]


def test_workers_share_one_bucket() -> None:
    """What three workers spend is held against one full bucket and its refill, from the first start to the last end."""
    calls = {"points": 6_900.0, "refused": {"shopify customers": 2}}
    together, refused = shared.shared_lines("x", runs("b", "a", "b", "c"), calls, floors.SHOPIFY)
    assert (together.ours, together.limit, together.met) == (6_900.0, 7_000.0, True)
    assert [together.more[f"pull {n}: worker"] for n in range(4)] == [1.0, 2.0, 1.0, 3.0]
    assert together.more["of_the_refill"] == pytest.approx(0.98)
    assert (refused.ours, refused.met) == (2.0, False)


def test_less_than_the_shared_bucket_gives() -> None:
    """Workers that wait for each other more than the quota demands miss the goal."""
    together, refused = shared.shared_lines(
        "x", runs("a", "b", "c"), {"points": 6_600.0, "refused": {}}, floors.SHOPIFY
    )
    assert (together.met, refused.met) == (False, True)


@pytest.mark.parametrize(
    ("workers", "points", "note"),
    [
        (("a", "b", "a"), 6_900.0, "only 2 of 3 workers ran a job"),
        (("a", "b", "c"), 2_000.0, quota.TOO_SHORT),
    ],
)
def test_what_shows_nothing_of_three_workers(workers: tuple[str, ...], points: float, note: str) -> None:
    """Two workers are not three, and a full bucket makes nobody wait: the goal is not met by that."""
    line = shared.shared_lines("x", runs(*workers), {"points": points, "refused": {}}, floors.SHOPIFY)[0]
    assert (line.ours, line.met, line.note) == (None, False, note)


def test_every_call_is_counted() -> None:
    """A call beside the pages is above the floor."""
    calls = {"answered": {"shopify customers": 4, "shopify locations": 1, "nhanh customer/list": 9}, "points": 150.0}
    lines = quota.spent_lines("x", SHOPIFY_CUSTOMERS, pulled(1_000, 1.0), calls)
    assert [(line.ours, line.limit, line.met) for line in lines] == [(5.0, 4.0, False), (150.0, 140.0, False)]


@pytest.mark.parametrize(
    ("peer_speed", "goal", "best"), [(None, 600.0, None), (100.0, 600.0, 100.0), (300.0, 900.0, 300.0)]
)
def test_the_higher_goal_counts(peer_speed: float | None, goal: float, best: float | None) -> None:
    """Sixty hundredths of the limit or three times the fastest peer, whichever is more."""
    runs = [PeerRun("slow", 10, 10.0, 1.0, 1.0, "")]
    runs = [*runs, PeerRun("fast", int(peer_speed), 1.0, 1.0, 1.0, "")] if peer_speed else []
    raw = [unbound.Raw(1_000, 1.0, 1.0, 0.5)]
    line = unbound.rows_line("x", [pulled(700, 1.0)], raw, unbound.Peers(runs, []), unbound.Recorded(700, 350, 0.1))
    assert (line.ours, line.limit, line.goal, line.peer) == (700.0, 1_000.0, pytest.approx(goal), best)


def test_products_share_the_rows_limit() -> None:
    """Products are compared with the same limit, counted in products."""
    raw = [unbound.Raw(1_000, 1.0, 1.0, 0.5)]
    ours = [pulled(1_000, 2.0)]
    rows = unbound.rows_line("x", ours, raw, unbound.Peers([], []), unbound.Recorded(1_000, 500, 0.1))
    store = unbound.Store("SQLite", lambda _folder: "")
    line = unbound.products_line(rows, store, Way.BULK, 500, ours)
    assert (line.ours, line.limit, line.goal, line.met) == (250.0, 500.0, 25_000.0, False)


def test_memory_is_the_difference() -> None:
    """What a worker holds anyway is no part of it; a pull that is missing misses the goal."""
    few, many = pulled(10, 1.0), pulled(1_000, 1.0, peak_mb=151.0)
    line = memory.line("x", few, many)
    assert (line.ours, line.met) == (51.0, False)
    assert memory.line("x", few, LookupError("gone")).note == "LookupError: gone"


def test_a_list_says_how_it_is_read() -> None:
    """Lines of several ways of reading have several names."""
    assert {str(SHOPIFY_VARIANTS.read(way)) for way in Way} == {"Shopify variants paged", "Shopify variants by bulk"}
    with_levels = SHOPIFY_VARIANTS.read(Way.BULK, with_levels=True)
    assert str(with_levels) == "Shopify variants with stock levels by bulk"
