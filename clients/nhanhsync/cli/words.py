"""How values are shown to people: times in Vietnam's zone, states in their colour, numbers with separators."""

from datetime import UTC, datetime, timedelta, timezone

from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from nhanhsync.jobs.v1 import job_pb2

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam has had no other time since 1975, so that no zone database is needed."""

COLOURS = {
    job_pb2.JOB_STATE_PENDING: "cyan",
    job_pb2.JOB_STATE_RUNNING: "blue",
    job_pb2.JOB_STATE_CANCELLING: "magenta",
    job_pb2.JOB_STATE_COMPLETED: "green",
    job_pb2.JOB_STATE_PARTIALLY_COMPLETED: "yellow",
    job_pb2.JOB_STATE_FAILED: "red",
    job_pb2.JOB_STATE_CANCELLED: "bright_black",
}


def state(value: job_pb2.JobState.ValueType) -> Text:
    """Show a state in its colour."""
    name = job_pb2.JobState.Name(value).removeprefix("JOB_STATE_")
    return Text(name, style=COLOURS.get(value, ""))


def standing(job: job_pb2.Job) -> Text:
    """Show where a job stands: its state, and what keeps it from beginning."""
    kept = ["paused"] if job.paused else []
    if job.state == job_pb2.JOB_STATE_PENDING and job.HasField("not_before_time"):
        kept.append(f"not before {moment(job.not_before_time)}")
    return state(job.state).append(f" ({', '.join(kept)})" if kept else "", style="")


def label(job: job_pb2.Job) -> str:
    """Show what a job does; whether it does something again, and how much of it."""
    if not job.retry_of_job_id:
        return job.display_name
    again = "retry of failed items" if job.retry_scope == job_pb2.RETRY_SCOPE_FAILED_ITEMS else "retry"
    return f"{job.display_name} ({again})"


def moment(time: Timestamp | None) -> str:
    """Show a time in Vietnam; nothing for none."""
    if time is None or not time.ToNanoseconds():
        return ""
    return time.ToDatetime(UTC).astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")


def moment_of(text: str) -> Timestamp:
    """Read a time that somebody typed: ISO 8601, in Vietnam unless it says otherwise.

    Raises:
        ValueError: It is no time.
    """
    read = datetime.fromisoformat(text)
    try:
        moved = (read if read.tzinfo else read.replace(tzinfo=VIETNAM)).astimezone(UTC)
    except OverflowError as error:  # before the year 1, or after 9999
        raise ValueError(str(error)) from None
    made = Timestamp()
    made.FromDatetime(moved)
    return made


def share(progress: job_pb2.JobProgress) -> str:
    """Show how much is done, with the share where the total is known."""
    if not progress.HasField("total"):
        return f"{progress.processed:,}"
    percent = f" ({progress.percent:.0f} %)" if progress.HasField("percent") else ""
    return f"{progress.processed:,} / {progress.total:,}{percent}"


def rate(progress: job_pb2.JobProgress) -> str:
    """Show the speed."""
    return f"{progress.rate_per_second:,.0f}/s" if progress.HasField("rate_per_second") else ""


def eta(progress: job_pb2.JobProgress) -> str:
    """Show how long it will take yet."""
    return span(progress.eta.ToTimedelta().total_seconds()) if progress.HasField("eta") else ""


def duration(job: job_pb2.Job) -> str:
    """Show how long a job took, or has taken."""
    if not job.HasField("start_time"):
        return ""
    end = job.end_time if job.HasField("end_time") else job.update_time
    return span((end.ToMicroseconds() - job.start_time.ToMicroseconds()) / 1e6)


def span(seconds: float) -> str:
    """Show a span."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
