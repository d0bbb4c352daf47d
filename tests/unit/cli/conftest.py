"""A terminal that nothing around the tests steers."""

import pytest

from tests.fakes.command_line import STEERING


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs the tests, the command takes its output for a pipe and its addresses from its options."""
    ours = ("JOB_TRACKER", "SYNC_WORKER", "TOKEN", "TOKEN_FILE", "CA", "CERTIFICATE", "KEY")
    for name in (*STEERING, *(f"NHANHSYNC_{one}" for one in ours)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", None)
