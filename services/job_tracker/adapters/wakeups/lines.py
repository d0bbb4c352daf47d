"""How one wake-up is written, a line each: what one replica says and another understands.

`J` or `j` and a job's id: the job has changed, urgently or not. `P`: something may have become claimable. `D` and JSON: a
directive. `R`: more has happened than can be told, look for yourself. A line of a kind that is not known comes from a later
version; it, too, is a reason to look.
"""

from typing import cast

import orjson

from job_tracker.application.changes import ALL_JOBS, PENDING, Changes, of_job, of_worker
from job_tracker.application.tracker import Directive, Told

CLAIMABLE = "P"
LOOK = "R"
_LONGEST_REASON = 1_000
"""Characters; the whole reason stands in the job."""


def of_change(job_id: str, *, urgent: bool) -> str:
    """Write that a job has changed."""
    return f"{'J' if urgent else 'j'}{job_id}"


def of_directive(worker_id: str, told: Told) -> str:
    """Write a directive for a worker."""
    reason = told.reason[:_LONGEST_REASON]
    return "D" + orjson.dumps([worker_id, told.job_id, told.directive, reason, told.fence]).decode()


def deliver(line: str, changes: Changes) -> bool:
    """Tell those who hear of it here; False where there is more to it than the line says."""
    kind, rest = line[:1], line[1:]
    if kind in {"J", "j"}:
        for topic in (of_job(rest), ALL_JOBS):
            changes.deliver(topic, rest, None, urgent=kind == "J")
    elif line == CLAIMABLE:
        changes.deliver(PENDING, "", None)
    elif kind == "D":
        try:
            worker_id, told = _directive(rest)
        except (TypeError, ValueError):  # a directive that this version does not know
            return False
        changes.deliver(of_worker(worker_id), told.key, told)
    else:
        return False
    return True


def _directive(rest: str) -> tuple[str, Told]:
    worker_id, job_id, directive, reason, fence = cast(list[object], orjson.loads(rest))
    return str(worker_id), Told(str(job_id), Directive(str(directive)), str(reason), int(cast(int, fence)))
