"""Counts what retention removed, for Prometheus to scrape."""

from prometheus_client import CollectorRegistry, Counter

from job_tracker.domain.states import State


class RemovedJobs:
    """How many jobs were removed, by the state that they ended in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._removed = Counter("job_tracker_jobs_removed_total", "Jobs removed by age.", ("state",), registry=registry)

    def count(self, state: State, jobs: int) -> None:
        """Count some more."""
        self._removed.labels(state.value).inc(jobs)
