"""How a pull says where it stands."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sync_worker.application.ports.job import JsonValue, OperationResult
from sync_worker.application.ports.pages import RowRefusal
from sync_worker.application.ports.pull_catalog import PullPlace
from sync_worker.application.pull.sources import PullSource, Step, Waiting
from sync_worker.domain.failures import ItemFailure, Origin
from sync_worker.domain.progress import Progress
from sync_worker.domain.pulls import OVERLAP_SECONDS, PullCounts
from sync_worker.domain.requests import PullMode

STAGE = "pull"
UNREADABLE = "UNREADABLE_ROW"


class Telling:
    """How a pull says where it stands. Counts of rows go over all attempts, costs over this one."""

    def __init__(self, begun_at: PullPlace, asked: PullMode, source: PullSource) -> None:
        self._source = source
        self._resumed = begun_at.counts.pages > 0
        self._reads = not begun_at.read_to_end
        self._what = _what_is_read(begun_at, asked)
        self._expected: int | None = None
        self._note = ""
        self._write_seconds = 0.0

    def waiting(self, step: Waiting) -> None:
        """Take note of what is waited for."""
        self._note = f"; {step.note}"

    def stored(self, step: Step, seconds: float) -> None:
        """Take note of a step that was stored, and how long that took."""
        self._write_seconds += seconds
        self._expected = step.expected if step.expected is not None else self._expected
        self._note = f"; {step.note}" if step.note else ""

    @property
    def _way(self) -> str:
        """How this attempt reads, if it does; a source may find only while it reads how it has to."""
        return self._source.way if self._reads else ""

    @property
    def _introduction(self) -> str:
        """What is read, and how."""
        return f"{self._what}, {self._way}" if self._way else self._what

    def progress(self, place: PullPlace) -> Progress:
        """Say how many rows there were so far; how many there will be is known of some ways of reading only."""
        counts = place.counts
        done = counts.rows + counts.failed
        words = f"{self._introduction}; {counts.rows} rows in {counts.pages} pages so far{_unreadable(counts)}"
        words += _levels(place) + self._note
        return Progress(
            total=None if self._expected is None else max(self._expected, done),
            successful=counts.rows,
            failed=counts.failed,
            phase="reading",
            message=words,
            metrics=self._metrics(place),
        )

    def failures(self, refused: Sequence[RowRefusal]) -> list[ItemFailure]:
        """Say which rows failed. Trying again cannot help: the vendor has to mend them."""
        origin = self._source.origin
        return [
            ItemFailure(f"{origin.lower()}:{row.vendor_id}", STAGE, origin, UNREADABLE, row.message, retryable=False)
            for row in refused
        ]

    def result(self, place: PullPlace) -> OperationResult:
        """Say how it ended. An attempt that found everything read already does not know the way."""
        counts = place.counts
        words = (
            f"{counts.rows} rows: {counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, "
            f"{counts.gone} gone{_unreadable(counts)}{_levels(place)} ({self._introduction})"
        )
        progress = Progress(
            total=counts.rows + counts.failed,
            successful=counts.rows,
            failed=counts.failed,
            phase="done",
            message=words,
            metrics=self._metrics(place),
        )
        result: dict[str, JsonValue] = {
            "mode": place.mode.value,
            **({"way": self._way} if self._way else {}),
            "pull_id": place.pull_id,
            "resumed": self._resumed,
            **asdict(counts),
            **_level_counts(place),
        }
        return OperationResult(progress, result, words)

    def _metrics(self, place: PullPlace) -> dict[str, float]:
        spent = self._source.metrics
        metrics = {
            **{name: float(count) for name, count in {**asdict(place.counts), **_level_counts(place)}.items()},
            "api_calls": float(spent.api_calls),
            "api_seconds": spent.api_seconds,
            "rate_limit_wait_seconds": spent.rate_limit_wait_seconds,
            "write_seconds": self._write_seconds,
        }
        if self._source.origin is Origin.SHOPIFY:
            metrics["api_points"] = spent.api_points
        return metrics


def _unreadable(counts: PullCounts) -> str:
    if not counts.failed:
        return ""
    return f"; {counts.failed} more cannot be read and stay as they were"


def _level_counts(place: PullPlace) -> dict[str, int]:
    levels = place.levels
    return {} if levels is None else {"levels": levels.told, "unreadable_levels": levels.unreadable}


def _levels(place: PullPlace) -> str:
    levels = place.levels
    if levels is None:
        return ""
    unknown = f", of which {levels.unreadable} cannot be read and count as unknown" if levels.unreadable else ""
    return f"; {levels.told} stock levels{unknown}"


def _what_is_read(begun_at: PullPlace, asked: PullMode) -> str:
    """Say what is read, and why it is more than what was asked for."""
    if begun_at.since is not None:
        since = datetime.fromtimestamp(begun_at.since, UTC)
        words = f"changes since {since:%Y-%m-%d %H:%M} UTC, {OVERLAP_SECONDS // 60} minutes of overlap included"
    elif asked is PullMode.INCREMENTAL:
        words = "everything, since no pull of this kind has finished before"
    else:
        words = "everything that the filter lets through"
    if begun_at.replaced is not None:
        other = PullMode.FULL if begun_at.mode is PullMode.INCREMENTAL else PullMode.INCREMENTAL
        words += f"; in place of an unfinished {other} pull, which was given up after {begun_at.replaced} pages"
    elif begun_at.outdated_hours is not None:
        words += f"; from the beginning, since the unfinished pull was {begun_at.outdated_hours} hours old"
    elif begun_at.counts.pages and not begun_at.read_to_end:
        words += f"; from page {begun_at.counts.pages + 1} on, where an earlier attempt stopped"
    return words
