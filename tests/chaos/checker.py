"""Judges a trial by its evidence. Every rule is one function, and every violation has the name of the rule that was broken."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from job_tracker.domain.states import MOVES, State, Trigger
from nhanhsync.jobs.v1 import job_pb2

from tests.chaos.attempts import Held, held_by_workers
from tests.chaos.evidence import FINAL, REQUEST_LABEL, Evidence, state_of

CAUSES: dict[str, tuple[Trigger, ...]] = {
    "CREATED": (Trigger.CREATE,),
    "CLAIMED": (Trigger.CLAIM,),
    "CANCEL_REQUESTED": (Trigger.CANCEL,),
    "ATTEMPT_FAILED": (Trigger.FAIL,),
    "RELEASED": (Trigger.RELEASE,),
    "LEASE_LOST": (Trigger.LEASE_EXPIRED,),
    "PAUSED": (),
    "RESUMED": (),
    "ENDED": (Trigger.COMPLETE, Trigger.GRACE_OVER),
}
"""Which triggers an event tells of. One that ends the job is told of first, without a move; the ENDED that follows moves it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken, and how."""

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


def check(evidence: Evidence) -> list[Violation]:
    """Find everything that is wrong."""
    return [Violation(rule, text) for rule, judge in RULES.items() for text in judge(evidence)]


def lost_final_state(evidence: Evidence) -> Iterator[str]:
    """An answer that showed a final state still holds, and so does every job that was answered for."""
    ended = [
        (line["call"], line["job"], line["state"].removeprefix("JOB_STATE_"), line["revision"])
        for journal in evidence.journals
        for line in journal
        if line["what"] == "ended"
    ]
    told = [(told.call, told.job_id, told.state, told.revision) for told in evidence.told]
    for call, job_id, state, revision in dict.fromkeys([*told, *ended]):
        job = evidence.jobs.get(job_id)
        if job is None:
            yield f"{call} told of job {job_id} ({state}), and there is none"
        elif state in FINAL and state_of(job) != state:
            yield f"{call} told that job {job_id} is {state}, and it is {state_of(job)}"
        elif revision > job.revision:
            yield f"{call} told of revision {revision} of job {job_id}, and it has {job.revision}"


def missed_event(evidence: Evidence) -> Iterator[str]:
    """A watcher, through every restart, was given each event once and in order, and ended after the end."""
    for watched in evidence.watched:
        stored = [event.SerializeToString(deterministic=True) for event in evidence.events.get(watched.job_id, ())]
        given = [event.SerializeToString(deterministic=True) for event in watched.events]
        if given != stored and (watched.ended or given != stored[: len(given)]):
            yield f"a watcher of job {watched.job_id} was given {_told(watched.events)}, stored are " + _told(
                evidence.events.get(watched.job_id, ())
            )
        if any(later < earlier for earlier, later in pairwise(watched.revisions)):
            yield f"a watcher of job {watched.job_id} was given revisions that fall: {watched.revisions}"
        job = evidence.jobs.get(watched.job_id)
        if job is not None and state_of(job) in FINAL and not watched.ended:
            yield f"a watcher of job {watched.job_id} was not told of its end"


def illegal_history(evidence: Evidence) -> Iterator[str]:
    """Events are a path in the table of moves; attempts count up by one; revisions rise; the last state is the job's."""
    for job_id, job in evidence.jobs.items():
        events = evidence.events[job_id]
        state, revision, attempt, causes = None, 0, 0, tuple[Trigger, ...]()
        for event in events:
            kind = job_pb2.JobEventKind.Name(event.kind).removeprefix("JOB_EVENT_KIND_")
            source, target = _state(event.from_state), _state(event.to_state)
            here = f"job {job_id}, {kind} at revision {event.revision}"
            if state in FINAL:
                yield f"{here}: comes after the end"
            if source != state:
                yield f"{here}: goes on from {source}, and the job was {state}"
            same = event.revision == revision and kind == "ENDED"
            if event.revision <= revision and not same:
                yield f"{here}: comes after revision {revision}"
            triggers = (*CAUSES[kind], *(causes if same else ()))
            if source != target and not any(_moves(source, trigger, target) for trigger in triggers):
                yield f"{here}: no call moves a job from {source} to {target} so"
            if kind == "CLAIMED":
                attempt += 1
            if event.attempt != attempt:
                yield f"{here}: attempt {event.attempt}, and it is the {attempt}th claim"
            state, revision, causes = target, event.revision, CAUSES[kind]
        if state != state_of(job):
            yield f"job {job_id} is {state_of(job)}, and its last event says {state}"
        if job.attempt != attempt:
            yield f"job {job_id} has attempt {job.attempt}, and was claimed {attempt} times"
        if revision > job.revision:
            yield f"job {job_id} has revision {job.revision}, and an event of {revision}"
        if job.attempts_used > job.max_attempts:
            yield f"job {job_id} used {job.attempts_used} attempts of {job.max_attempts}"


def two_owners(evidence: Evidence) -> Iterator[str]:
    """No lease is given while an incompatible one may still be held, by the clock of its holder; fences rise with it."""
    held = held_by_workers(evidence.journals)
    for fence, count in Counter(one.fence for one in held).items():
        if count > 1:
            yield f"fence {fence} was given {count} times"
    for place, earlier in enumerate(held):
        for later in held[place + 1 :]:
            if earlier.excludes(later) and later.claimed < earlier.until:
                yield (
                    f"{_holder(later)} began {earlier.until - later.claimed:.3f} s before {_holder(earlier)} was over"
                )


def late_write(evidence: Evidence) -> Iterator[str]:
    """The fences of the writes that the store accepted never fall, whatever the key."""
    highest: dict[str, int] = defaultdict(int)
    for write in evidence.writes:
        for key in write.keys if write.accepted else ():
            if write.fence < highest[key]:
                yield f"{key}: a write of fence {write.fence} (job {write.job}) was accepted after one of {highest[key]}"
            highest[key] = max(highest[key], write.fence)


def owner_refused(evidence: Evidence) -> Iterator[str]:
    """The store refuses nobody but those whose job or lock was given to a later holder: fences rise with claims."""
    held = {one.fence: one for one in held_by_workers(evidence.journals)}
    highest: dict[str, int] = defaultdict(int)
    for write in evidence.writes:
        if write.accepted:
            for key in write.keys:
                highest[key] = max(highest[key], write.fence)
            continue
        later = [held[highest[key]] for key in write.keys if highest[key] > write.fence and highest[key] in held]
        mine = held.get(write.fence)
        if mine is not None and not any(mine.claimed <= one.claimed for one in later):
            yield f"a write of {_holder(mine)} was refused, and nobody was given its keys after it"


def lost_checkpoint(evidence: Evidence) -> Iterator[str]:
    """An attempt goes on from the last checkpoint that was answered to an earlier one, or from a later one."""
    known: dict[str, int] = defaultdict(int)
    lines = [line for journal in evidence.journals for line in journal if line["what"] in ("claimed", "renewed")]
    for line in sorted(lines, key=lambda line: (line["fence"], line["at"])):
        if line["what"] == "claimed" and line["done"] < known[line["job"]]:
            yield f"job {line['job']} went on from item {line['done']}, and {known[line['job']]} were on record"
        known[line["job"]] = max(known[line["job"]], line["done"])


def lost_work(evidence: Evidence) -> Iterator[str]:
    """Every item of a job that is done was written outside."""
    written: dict[str, set[int]] = defaultdict(set)
    for write in evidence.writes:
        if write.accepted:
            written[write.job].add(write.item)
    for job_id, job in evidence.jobs.items():
        if state_of(job) in ("COMPLETED", "PARTIALLY_COMPLETED"):
            missing = set(range(1, int(job.params["items"]) + 1)) - written[job_id]
            if missing:
                yield f"job {job_id} is {state_of(job)}, and its items {sorted(missing)} were never written"


def wrong_counts(evidence: Evidence) -> Iterator[str]:
    """Processed = successful + failed + skipped, and no more than the total."""
    for job_id, job in evidence.jobs.items():
        counts = job.progress
        if counts.processed != counts.successful + counts.failed + counts.skipped:
            yield f"job {job_id}: {counts.processed} processed, which is not the sum of the others"
        if counts.HasField("total") and counts.processed > counts.total:
            yield f"job {job_id}: {counts.processed} processed of {counts.total}"


def made_twice(evidence: Evidence) -> Iterator[str]:
    """A request id made one job, also when the answer was lost; the answers name that one."""
    jobs: dict[str, set[str]] = defaultdict(set)
    for request_id, job_id in evidence.created:
        jobs[request_id].add(job_id)
    for job_id, job in evidence.jobs.items():
        if not job.retry_of_job_id:  # a retry carries the labels of what it repeats
            jobs[job.labels[REQUEST_LABEL]].add(job_id)
    for request_id, made in jobs.items():
        if len(made) > 1:
            yield f"request {request_id} made {len(made)} jobs: {sorted(made)}"
    retried = Counter(job.retry_of_job_id for job in evidence.jobs.values() if job.retry_of_job_id)
    for job_id, count in retried.items():  # nobody asks for a retry under two request ids
        if count > 1:
            yield f"one request to retry job {job_id} made {count} jobs"


def stuck(evidence: Evidence) -> Iterator[str]:
    """Every job is final, but for those that somebody paused and left."""
    for job_id, job in evidence.jobs.items():
        resting = job_id in evidence.paused_on_purpose and job.paused and state_of(job) == "PENDING"
        if state_of(job) not in FINAL and not resting:
            yield f"job {job_id} is still {state_of(job)} (attempt {job.attempt}, {job.state_message!r})"


def stale_lock(evidence: Evidence) -> Iterator[str]:
    """Locks stand for jobs that live."""
    for key, job_id in evidence.locks:
        job = evidence.jobs.get(job_id)
        if job is None or state_of(job) in FINAL:
            yield f"{key} is locked for job {job_id}, which {'is not there' if job is None else 'has ended'}"


RULES: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "lost final state": lost_final_state,
    "missed event": missed_event,
    "illegal history": illegal_history,
    "two owners": two_owners,
    "late write": late_write,
    "owner refused": owner_refused,
    "lost checkpoint": lost_checkpoint,
    "lost work": lost_work,
    "wrong counts": wrong_counts,
    "made twice": made_twice,
    "stuck": stuck,
    "stale lock": stale_lock,
}


def _moves(source: str | None, trigger: Trigger, target: str | None) -> bool:
    found = MOVES.get((None if source is None else State(source), trigger), frozenset[State]())
    return target is not None and State(target) in found


def _state(value: "job_pb2.JobState.ValueType") -> str | None:
    if value == job_pb2.JOB_STATE_UNSPECIFIED:
        return None
    return job_pb2.JobState.Name(value).removeprefix("JOB_STATE_")


def _told(events: Sequence[job_pb2.JobEvent]) -> str:
    kinds = [(event.revision, job_pb2.JobEventKind.Name(event.kind)) for event in events]
    return " ".join(f"{revision}:{kind.removeprefix('JOB_EVENT_KIND_')}" for revision, kind in kinds) or "nothing"


def _holder(held: Held) -> str:
    return f"fence {held.fence} (job {held.job}, attempt {held.attempt}, {held.worker})"
