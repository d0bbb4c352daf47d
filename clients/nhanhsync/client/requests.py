"""Requests that both clients make alike."""

import uuid

from google.protobuf.duration_pb2 import Duration

from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2

FINAL_STATES = frozenset(
    {
        job_pb2.JOB_STATE_COMPLETED,
        job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_CANCELLED,
    }
)
LONGEST_WAIT_SECONDS = 60.0
"""One WaitJob asks for no more, so that no proxy cuts it; the client repeats it."""


def is_final(job: job_pb2.Job) -> bool:
    """Whether a job has ended for good."""
    return job.state in FINAL_STATES


def seconds(value: float) -> Duration:
    """A span."""
    span = Duration()
    span.FromNanoseconds(round(value * 1e9))
    return span


def with_request_id(
    request: job_tracker_service_pb2.CreateJobRequest,
) -> job_tracker_service_pb2.CreateJobRequest:
    """Make a creation safe to repeat, if its caller did not."""
    if request.request_id:
        return request
    made = job_tracker_service_pb2.CreateJobRequest()
    made.CopyFrom(request)
    made.request_id = str(uuid.uuid4())
    return made


def watch_request(job_id: str, after: int, min_interval: float | None) -> job_tracker_service_pb2.WatchJobRequest:
    """Ask for one job's stream."""
    interval = None if min_interval is None else seconds(min_interval)
    return job_tracker_service_pb2.WatchJobRequest(job_id=job_id, after_revision=after, min_interval=interval)


def watch_many_request(
    wanted: job_tracker_service_pb2.JobFilter, token: str, min_interval: float | None
) -> job_tracker_service_pb2.WatchJobsRequest:
    """Ask for the stream of a filter."""
    interval = None if min_interval is None else seconds(min_interval)
    return job_tracker_service_pb2.WatchJobsRequest(filter=wanted, resume_token=token, min_interval=interval)


def wait_request(job_id: str, left: float) -> job_tracker_service_pb2.WaitJobRequest:
    """Ask to wait for a job's end, for no longer than one call should last."""
    return job_tracker_service_pb2.WaitJobRequest(
        job_id=job_id, timeout=seconds(max(0.0, min(left, LONGEST_WAIT_SECONDS)))
    )
