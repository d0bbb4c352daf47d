"""Logs."""

import json
import logging
import subprocess
import sys

import pytest
from chassis.logs import configure_logs

PROGRAM = """
import logging, structlog
from chassis.logs import configure_logs
configure_logs("info")
log = structlog.get_logger()
structlog.contextvars.bind_contextvars(job_id="job-1")
log.debug("unheard")
log.info("heard", count=1)
logging.getLogger("library").info("unheard")
logging.getLogger("library").warning('quoted "%s"', "đ")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broken")
"""


def test_logs_are_json_lines_on_standard_error() -> None:
    """Every line is one JSON object with time, level and what is bound; libraries' warnings and tracebacks too."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment())
    assert run.stdout == ""
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "heard"),
        ("warning", 'quoted "đ"'),
        ("error", "broken"),
    ]
    assert all(line["job_id"] == "job-1" and line["timestamp"].endswith("Z") for line in lines)
    assert lines[0]["count"] == 1
    assert "ZeroDivisionError" in lines[2]["exception"]


def environment() -> dict[str, str]:
    """Where a child finds the services."""
    return {"PYTHONPATH": ":".join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1"}


def test_an_unknown_level_is_refused() -> None:
    """The sentence says which there are."""
    with pytest.raises(ValueError, match="'loud' is no log level; use debug, info, warning, error"):
        configure_logs("loud")
    assert logging.getLogger().level == logging.WARNING
