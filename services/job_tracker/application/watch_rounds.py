"""What one watcher of many jobs was given, and whose turn comes next."""

from collections.abc import Iterable, Mapping

from job_tracker.domain.job import Job


class Rounds:
    """The revision of each job that was given last, and when; for as long as something may follow.

    A job that has ended stays known until its end is not among what moved: after that nothing of it comes again.
    """

    def __init__(self, min_interval: float) -> None:
        self._min_interval = min_interval
        self._given: dict[str, tuple[int, float]] = {}
        self._turns: dict[str, float] = {}
        self._ended: set[str] = set()

    def next_turn(self, latest: float) -> float:
        """When there is something to do even if nothing is published, `latest` at the latest."""
        return min((latest, *self._turns.values()))

    def due(self, changed: Iterable[str], moved: Mapping[str, int], now: float) -> list[str]:
        """Take in which jobs changed, and which had events up to which revision; answer with those whose turn it is.

        Events are due at once, and a job that was never given; all else when its interval has passed.
        """
        for job_id in changed:
            last = self._given.get(job_id)
            turn = now if last is None else last[1] + self._min_interval
            self._turns[job_id] = min(turn, self._turns.get(job_id, turn))
        for job_id, revision in moved.items():
            if revision > self.after(job_id):
                self._turns[job_id] = now
        ready = [job_id for job_id, turn in self._turns.items() if turn <= now]
        for job_id in ready:
            del self._turns[job_id]
        return ready

    def after(self, job_id: str) -> int:
        """The revision of a job that was given last, 0 for none."""
        return self._given.get(job_id, (0, 0.0))[0]

    def given(self, job: Job, now: float) -> None:
        """Keep what was given."""
        self._given[job.job_id] = (job.revision, now)
        if job.final:
            self._ended.add(job.job_id)

    def forget(self, job_id: str) -> None:
        """Keep nothing of a job: it is deleted, or its end is not for this watcher."""
        self._given.pop(job_id, None)
        self._turns.pop(job_id, None)
        self._ended.discard(job_id)

    def forget_ended(self, moved: Mapping[str, int]) -> None:
        """Forget those that had ended before this round and are not among what moved."""
        for job_id in self._ended - moved.keys():
            self.forget(job_id)

    def __len__(self) -> int:
        return len(self._given.keys() | self._turns.keys())
