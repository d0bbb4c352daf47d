"""A terminal that nothing around the tests steers."""

import pytest

from tests.fakes.command_line import STEERING


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs the tests, the command takes its output for a pipe and its addresses from its options."""
    for name in (*STEERING, "NHANHSYNC_JOB_TRACKER", "NHANHSYNC_SYNC_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", None)
