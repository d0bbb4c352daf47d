"""A push's closing sentence."""

from sync_worker.application.ports.job import JobContext
from sync_worker.application.ports.push_catalog import ItemOutcome
from sync_worker.application.push.push_run import PushRun


def in_words(run: PushRun, one: str, many: str) -> str:
    """Sum up a push for people."""
    pushed, failed, skipped = (run.count(outcome) for outcome in ItemOutcome)
    verb = "would be pushed" if run.dry_run else "pushed"
    return f"{_counted(pushed, one, many)} {verb}, {failed} failed, {skipped} left as they are"


def nothing_written(job: JobContext) -> str:
    """Say what a stop before the first write leaves, in a later attempt too."""
    return "Nothing was written." if job.attempt == 1 else "Nothing more was written."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
