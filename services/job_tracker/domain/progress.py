"""Counts, and what can be said of speed from them. A report that breaks a rule is refused, never bent."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from job_tracker.domain.errors import ProgressInvalidError

SMOOTHING_SECONDS = 10.0
"""Time constant of the smoothed rate: what is this long ago counts for 37 %."""

SHORTEST_SECONDS = 0.001
"""No run is taken to be shorter, so that every rate is finite."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. Metrics carry the unit in their name."""

    total: int | None = None
    processed: int = 0
    successful: int = 0
    failed: int = 0
    skipped: int = 0
    phase: str = ""
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an attempt is: where its first report stood, and the smoothed rate since. Times are steady seconds."""

    base_processed: int
    base_time: float
    last_processed: int
    last_time: float
    rate: float | None = None


def check_progress(new: Progress, old: Progress | None) -> None:
    """Hold a report against the rules, and against the attempt's report before it.

    Raises:
        ProgressInvalidError: Naming every count that breaks a rule.
    """
    violations = []
    counts = ("processed", "successful", "failed", "skipped")
    for name in counts:
        value = getattr(new, name)
        if value < 0:
            violations.append((f"progress.{name}", f"must not be negative, is {value}"))
        elif old is not None and value < getattr(old, name):
            violations.append(
                (f"progress.{name}", f"must not fall within an attempt: was {getattr(old, name)}, is {value}")
            )
    if new.processed != new.successful + new.failed + new.skipped:
        parts = f"{new.successful} + {new.failed} + {new.skipped}"
        violations.append(
            ("progress.processed", f"must be successful + failed + skipped = {parts}, is {new.processed}")
        )
    if new.total is not None and new.total < 0:
        violations.append(("progress.total", f"must not be negative, is {new.total}"))
    elif new.total is not None and new.processed > new.total:
        violations.append(("progress.processed", f"is {new.processed}, over the total of {new.total}"))
    if violations:
        raise ProgressInvalidError(violations)


def paced(pace: Pace | None, processed: int, now: float, claimed: float | None) -> Pace:
    """Take a report into the pace. An attempt that counts from nothing is measured since it was `claimed`.

    Where `claimed` is None, since counts may come from an attempt before, the first report is the base: rows of earlier
    attempts do not count.
    """
    if pace is None:
        if claimed is None:
            return Pace(processed, now, processed, now)
        pace = Pace(0, claimed, 0, claimed)
    elapsed = now - pace.last_time
    if elapsed < SHORTEST_SECONDS:
        return replace(pace, last_processed=processed)
    recent = (processed - pace.last_processed) / elapsed
    weight = 1.0 - math.exp(-elapsed / SMOOTHING_SECONDS)
    rate = recent if pace.rate is None else pace.rate + weight * (recent - pace.rate)
    return Pace(pace.base_processed, pace.base_time, processed, now, rate)


def mean_pace(pace: Pace | None, processed: int, now: float, claimed: float | None) -> Pace:
    """Take the end of an attempt into the pace: the rate becomes the mean since its first report.

    An attempt that reports nothing before its end is measured since `claimed`; where that is None, since counts may come
    from an attempt before, there is no rate.
    """
    if pace is not None:
        base_processed, base_time = pace.base_processed, pace.base_time
    elif claimed is not None:
        base_processed, base_time = 0, claimed
    else:
        return Pace(processed, now, processed, now)
    elapsed = max(now - base_time, SHORTEST_SECONDS)
    return Pace(base_processed, base_time, processed, now, (processed - base_processed) / elapsed)


def percent(progress: Progress) -> float | None:
    """Say how much is done, from 0 to 100; None while the total is unknown. Nothing to do is done."""
    if progress.total is None:
        return None
    return 100.0 if progress.total == 0 else min(100.0, 100.0 * progress.processed / progress.total)


def eta_seconds(progress: Progress, pace: Pace | None) -> float | None:
    """Say how long the rest should take; None without a total or a rate."""
    if progress.total is None or pace is None or not pace.rate:
        return None
    return (progress.total - progress.processed) / pace.rate
