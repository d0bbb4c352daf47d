"""The true code keeps every invariant, a seed is a history, and every planted bug is found."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from job_tracker.domain.job import EventKind
from job_tracker.domain.states import FINAL

from tests.simulation.__main__ import main
from tests.simulation.planted import PLANTED, Planted
from tests.simulation.scenario import run

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(120)
FAULTS = {
    "answer lost",
    "clock set",
    "commit's answer lost",
    "replica died",
    "store away",
    "stream cut off",
    "wake-up lost",
    "worker died",
    "worker froze",
}


def test_the_true_code_keeps_every_invariant() -> None:
    """No seed of these breaks one, and together they meet every event, every end and every fault."""
    met: Counter[str] = Counter()
    for seed in SEEDS:
        outcome = run(seed)
        assert outcome.violation is None, f"seed {seed}: python -m tests.simulation --seed {seed}"
        met += outcome.events + outcome.faults
    assert met.keys() >= {*EventKind, *FINAL, *FAULTS}


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Planted) -> None:
    """One of the seeds that the true code passes finds it, by the invariant that it breaks."""
    with bug.planted():
        for seed in SEEDS:
            violation = run(seed, bug.store_kind).violation
            if violation is not None and violation.invariant in bug.breaks:
                return
    pytest.fail(f"{len(SEEDS)} seeds did not find that {bug.name}")


def test_a_seed_is_a_history() -> None:
    """Two processes that hash differently write the same bytes; another seed writes others."""
    program = "from tests.simulation.scenario import run\nprint([run(s).history.digest() for s in range(5)])"
    written = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(map(str, sys.path))},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert written == {f"{[run(seed).history.digest() for seed in range(5)]}\n"}
    assert len({run(seed).history.digest() for seed in range(5)}) == 5


def test_the_command_replays_a_seed_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """It writes the whole history and says that nothing was wrong."""
    assert main(["--seed", "3"]) == 0
    written = capsys.readouterr().out
    assert all(line in written for line in run(3).history.lines())
    assert "no violation" in written


def test_the_command_tells_of_a_violation(capsys: pytest.CaptureFixture[str]) -> None:
    """It names seed, step and invariant, writes the last steps, sums up, and fails."""
    (bug,) = [one for one in PLANTED if one.name == "a release uses up an attempt"]
    with bug.planted():
        status = main(["--seeds", "0..12", "--parallel", "1"])
        seed = next(seed for seed in range(12) if run(seed).violation)
        broken = run(seed)
    written = capsys.readouterr().out
    assert status == 1
    assert f"seed {seed}, step {broken.steps}: {broken.violation}" in written
    assert next(iter(broken.history.lines(1))) in written
    assert f"--seed {seed}" in written
    assert "scenarios" in written
