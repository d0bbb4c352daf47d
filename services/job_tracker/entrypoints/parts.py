"""The messages of a watch, each small enough for a client to take."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from nhanhsync.jobs.v1 import job_pb2

from job_tracker.entrypoints import pages


def fitting_parts(
    job: job_pb2.Job, events: Sequence[job_pb2.JobEvent]
) -> Iterator[tuple[job_pb2.Job, list[job_pb2.JobEvent]]]:
    """Divide what happened to a job into as many messages as it takes; nearly always that is one.

    Whoever loses the stream goes on from the revision that was sent last, and whoever sees a final state reads no further. So
    in all parts but the last the job has the revision and the state to which the events sent so far have brought it.
    """
    part: list[job_pb2.JobEvent] = []
    size = 0
    for _, group in groupby(events, key=lambda event: event.revision):
        together = list(group)
        added = sum(event.ByteSize() for event in together)
        if part and size + added > pages.PAGE_BYTES:
            yield _as_of(job, part[-1]), part
            part, size = [], 0
        part += together
        size += added
    yield job, part


def _as_of(job: job_pb2.Job, event: job_pb2.JobEvent) -> job_pb2.Job:
    then = job_pb2.Job()
    then.CopyFrom(job)
    then.revision, then.state = event.revision, event.to_state
    return then
