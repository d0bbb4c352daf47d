"""What a worker did, one JSON object a line, on disk before it does the next thing: it may be killed at any moment."""

import json
import os
import time
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of one process. Every line has the monotonic time, which all processes of a machine share."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(self, what: str, **facts: Any) -> None:
        """Write a line, in one go."""
        line = json.dumps({"what": what, "at": time.monotonic(), **facts}) + "\n"
        os.write(self._descriptor, line.encode())


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a journal."""
    return [json.loads(line) for line in path.read_text().splitlines()]
