"""A job of no shop that wants nothing: what a test does not speak of."""

from dataclasses import replace
from typing import Any

from job_tracker.domain.job import Job

_BARE = Job(
    job_id="job",
    type="T",
    variant="",
    display_name="T",
    store_id="",
    params={},
    labels={},
    priority=0,
    locks=(),
    max_attempts=3,
    retry_of_job_id="",
    parent_job_id="",
    created_by="",
    create_time=0,
    update_time=0,
)


def bare_job(**fields: Any) -> Job:
    """Make a job with some fields of its own."""
    return replace(_BARE, **fields)
