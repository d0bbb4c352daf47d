"""A handful of trials, chosen so that each kind of fault is among them. `make chaos` runs hundreds."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.__main__ import run_many
from tests.chaos.plan import FOR_POSTGRESQL, DatabaseKind, FaultKind, draw
from tests.chaos.proxy import Cut
from tests.chaos.trial import TRIAL_SECONDS

SEEDS = {DatabaseKind.SQLITE: (52, 138, 175, 248), DatabaseKind.POSTGRESQL: (80,)}


def test_the_seeds_try_every_fault() -> None:
    """Nothing that the long run does is left out of the short one, but for what needs PostgreSQL."""
    faults = [fault for seed in SEEDS[DatabaseKind.SQLITE] for fault in draw(seed, DatabaseKind.SQLITE).faults]
    assert {fault.kind for fault in faults} >= set(FaultKind) - FOR_POSTGRESQL
    assert {fault.cut for fault in faults} >= set(Cut)


@pytest.mark.timeout(TRIAL_SECONDS)
async def test_no_rule_is_broken(tmp_path: Path) -> None:
    """Workers and JobTracker are killed, suspended and cut off, and every promise holds."""
    plans = [draw(seed, kind) for kind in DatabaseKind for seed in SEEDS[kind]]
    outcomes = await run_many(plans, len(plans), tmp_path / "trials", Console(quiet=True))
    assert len(outcomes) == len(plans)
    assert [str(outcome) for outcome in outcomes if outcome.violations] == []
    assert all(outcome.counts["attempts"] for outcome in outcomes)
