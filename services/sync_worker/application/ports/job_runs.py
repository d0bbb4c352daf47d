"""The place that a match or a push has reached, kept in the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_worker.application.ports.job import JsonValue


@dataclass(frozen=True, slots=True)
class JobRun:
    """What an earlier attempt left: its cursor, its counts, and its result once only CompleteJob was left to do."""

    cursor: str | None
    state: Mapping[str, JsonValue]
    result: Mapping[str, JsonValue] | None
