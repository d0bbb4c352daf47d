"""Three JobTrackers on one PostgreSQL, behind clients that go round them, while one after the other is killed."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.plan import DatabaseKind, Fault, FaultKind, draw
from tests.chaos.trial import TRIAL_SECONDS, run_trial

REPLICAS = 3
FIRST_SECONDS, EVERY_SECONDS, TIMES = 1.5, 3.0, 4


@pytest.mark.timeout(TRIAL_SECONDS)
async def test_replicas_can_die_in_turn(tmp_path: Path) -> None:
    """Create, claim, report, watch and cancel go on, spread over the replicas, and no promise is broken."""
    kills = tuple(
        Fault(FIRST_SECONDS + EVERY_SECONDS * place, FaultKind.KILL_TRACKER, place % REPLICAS, 1.0)
        for place in range(TIMES)
    )
    plan = replace(draw(1, DatabaseKind.POSTGRESQL), replicas=REPLICAS, workers=3, faults=kills)
    outcome = await run_trial(plan, tmp_path / "trial")
    assert outcome.violations == [], str(outcome)
    assert outcome.counts[f"fault: {FaultKind.KILL_TRACKER}"] == TIMES
