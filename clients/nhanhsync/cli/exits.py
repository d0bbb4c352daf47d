"""Exit codes, for scripts."""

from enum import IntEnum

from nhanhsync.jobs.v1 import job_pb2


class Exit(IntEnum):
    """What the command ends with."""

    GOOD = 0
    REFUSED = 1
    """A service said no, or could not be reached."""
    USAGE = 2
    FAILED = 3
    PARTIALLY_COMPLETED = 4
    CANCELLED = 5
    TIMED_OUT = 6
    INTERRUPTED = 130
    """Ctrl-C; a job that was watched goes on."""


EXIT_OF_STATE = {
    job_pb2.JOB_STATE_COMPLETED: Exit.GOOD,
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED: Exit.PARTIALLY_COMPLETED,
    job_pb2.JOB_STATE_FAILED: Exit.FAILED,
    job_pb2.JOB_STATE_CANCELLED: Exit.CANCELLED,
}

EXIT_CODES = (
    "Exit codes: 0 good (a watched job: COMPLETED), 1 refused or not reached, 2 wrong usage, 3 FAILED, "
    "4 PARTIALLY_COMPLETED, 5 CANCELLED, 6 timed out, 130 interrupted."
)
