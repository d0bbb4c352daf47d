"""What the other replicas have to be told next: each thing once, however often it was published meanwhile."""

from job_tracker.adapters.wakeups import lines
from job_tracker.application.changes import ALL_JOBS, PENDING, worker_of
from job_tracker.application.tracker import Told

FULL = 10_000
"""Of more jobs and directives at once the others are not told one by one."""


class Outbox:
    """Collects publications between two rounds."""

    def __init__(self) -> None:
        self._jobs: dict[str, bool] = {}
        self._directives: dict[tuple[str, str], Told] = {}
        self._claimable = False
        self._untold = False

    def put(self, topic: str, key: str, value: object, *, urgent: bool) -> bool:
        """Take a publication in; False if there is nothing in it that others have to be told."""
        worker_id = worker_of(topic)
        if topic == ALL_JOBS:
            self._jobs[key] = urgent or self._jobs.get(key, False)
        elif topic == PENDING:
            self._claimable = True
        elif worker_id is not None and isinstance(value, Told):
            self._directives[worker_id, key] = value
        else:
            return False  # whatever is published of one job is published of all jobs, too
        if len(self._jobs) + len(self._directives) > FULL:
            self.lose()
        return True

    def lose(self) -> None:
        """Tell nothing of what is here, or was taken and not told; the others are to look for themselves."""
        self._jobs.clear()
        self._directives.clear()
        self._claimable = False
        self._untold = True

    def take(self) -> list[str]:
        """Empty it; the lines that tell of it."""
        taken = [lines.of_directive(worker_id, told) for (worker_id, _), told in self._directives.items()]
        taken += [lines.of_change(job_id, urgent=urgent) for job_id, urgent in self._jobs.items()]
        taken += [lines.CLAIMABLE] * self._claimable + [lines.LOOK] * self._untold
        self._jobs.clear()
        self._directives.clear()
        self._claimable = self._untold = False
        return taken
