"""The commands that tell jobs what to do: pause, resume, delete, and cancel or retry many at once."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from nhanhsync.cli import words
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

from tests.fakes.cli_servicers import serving
from tests.fakes.command_line import CommandLine, Ran
from tests.fakes.operated_tracker import OperatedTracker

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
ME = "nhanhsync-cli"
PENDING, RUNNING = job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING
FAILED, CANCELLED = job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED


def a_job(job_id: str = ID, state: job_pb2.JobState.ValueType = PENDING, **fields: Any) -> job_pb2.Job:
    """A product sync of hanoi."""
    named = {"type": "PRODUCT_SYNC", "display_name": "Product Sync", "store_id": "hanoi"}
    return job_pb2.Job(job_id=job_id, state=state, **(named | fields))


def jobs(count: int, state: job_pb2.JobState.ValueType = PENDING) -> list[job_pb2.Job]:
    """So many jobs."""
    return [a_job(f"job-{number:03}", state) for number in range(count)]


@asynccontextmanager
async def terminal(tracker: OperatedTracker) -> AsyncIterator[CommandLine]:
    """A terminal from which the tracker is reached."""
    async with serving(tracker) as address:
        yield CommandLine(job_tracker=address)


async def ran(tracker: OperatedTracker, *line: str, answers: str = "") -> Ran:
    """Run the command once."""
    async with terminal(tracker) as shell:
        return await shell.types(*line, answers=answers)


def states(tracker: OperatedTracker) -> dict[str, str]:
    """Where every job stands."""
    return {job_id: words.standing(job).plain for job_id, job in tracker.jobs.items()}


def acting(tracker: OperatedTracker) -> list[Any]:
    """What was asked for on many jobs, but for the dry runs."""
    return [request for request in tracker.asked if not request.dry_run]


async def test_a_job_is_paused_and_resumed() -> None:
    """With who asked and why; it is told how to let it go on."""
    tracker = OperatedTracker(a_job(state=RUNNING))
    async with terminal(tracker) as shell:
        paused = await shell.types("jobs", "pause", ID, "--reason", "the shop is busy")
        assert (paused.code, paused.err) == (0, "")
        assert paused.out.splitlines() == [
            f"Product Sync {ID}: RUNNING (paused)",
            f"To let it go on: nhanhsync jobs resume {ID}",
        ]
        resumed = await shell.types("jobs", "resume", ID)
        assert (resumed.code, resumed.out) == (0, f"Product Sync {ID}: RUNNING\n")
        as_json = await shell.types("jobs", "pause", ID, "--json")
        assert ParseDict(as_json.document, job_pb2.Job()) == tracker.jobs[ID]
    assert tracker.asked == [
        pb.PauseJobRequest(job_id=ID, reason="the shop is busy", requested_by=ME),
        pb.ResumeJobRequest(job_id=ID, requested_by=ME),
        pb.PauseJobRequest(job_id=ID, requested_by=ME),
    ]


async def test_a_type_is_paused_and_resumed() -> None:
    """What runs is counted, with what becomes of it; who paused it stands in the list of types."""
    tracker = OperatedTracker(a_job(state=RUNNING))
    tracker.types["PRODUCT_SYNC"] = job_pb2.JobType(
        type="PRODUCT_SYNC", display_name="Product Sync", retries_failed_items=True
    )
    tracker.types["AUDIT"] = job_pb2.JobType(type="AUDIT", display_name="Audit", variants=["FAST", "SLOW"])
    async with terminal(tracker) as shell:
        paused = await shell.types("jobs", "pause-type", "PRODUCT_SYNC", "--reason", "stocktaking")
        assert paused.out.splitlines() == [
            "Product Sync is paused: none of its jobs begins.",
            "Running now: 1, which go on to their end.",
            "To let it go on: nhanhsync jobs resume-type PRODUCT_SYNC",
        ]
        released = await shell.types("jobs", "pause-type", "PRODUCT_SYNC", "--release-running")
        assert "Running now: 1, which are told to be given back." in released.out
        listed = await shell.types("types", "list")
        rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in listed.out.splitlines() if "│" in line]
        assert rows == [
            ["AUDIT", "Audit", "FAST, SLOW", "no", ""],
            ["PRODUCT_SYNC", "Product Sync", "", "yes", f"since 2026-07-01 08:00:00 by {ME}"],
        ]
        document = (await shell.types("types", "list", "--json")).document
        assert [ParseDict(each, job_pb2.JobType()) for each in document["job_types"]] == [
            tracker.types["AUDIT"],
            tracker.types["PRODUCT_SYNC"],
        ]
        resumed = await shell.types("jobs", "resume-type", "PRODUCT_SYNC")
        assert (resumed.code, resumed.out) == (0, "Product Sync goes on.\n")
        assert not tracker.types["PRODUCT_SYNC"].HasField("pause")
        unknown = await shell.types("jobs", "pause-type", "PRODUCT_SINK")
        assert (unknown.code, unknown.out) == (1, "")
        assert "nobody has registered PRODUCT_SINK [ERROR_REASON_JOB_TYPE_NOT_REGISTERED]" in unknown.err
    asked = [request for request in tracker.asked if isinstance(request, pb.PauseJobTypeRequest)]
    assert asked[:2] == [
        pb.PauseJobTypeRequest(type="PRODUCT_SYNC", reason="stocktaking", requested_by=ME),
        pb.PauseJobTypeRequest(type="PRODUCT_SYNC", requested_by=ME, release_running=True),
    ]


@pytest.mark.parametrize("command", ["pause", "resume"])
async def test_a_job_that_has_ended_is_not_paused(command: str) -> None:
    """The refusal is told, with its reason."""
    ended = await ran(OperatedTracker(a_job(state=FAILED)), "jobs", command, ID)
    assert (ended.code, ended.out) == (1, "")
    assert "[ERROR_REASON_ILLEGAL_TRANSITION]" in ended.err


async def test_jobs_are_deleted_but_for_those_that_are_refused() -> None:
    """Each by name; one that is refused does not keep the others, and the command ends with 1."""
    tracker = OperatedTracker(a_job("old-1", FAILED), a_job("live", RUNNING), a_job("old-2", CANCELLED))
    done = await ran(tracker, "jobs", "delete", "old-1", "live", "old-2", "old-1")
    assert (done.code, done.out.splitlines()) == (1, ["old-1: deleted", "old-2: deleted"])
    assert done.err == "live: refused: the job has not ended [ERROR_REASON_ILLEGAL_TRANSITION]\n"
    assert list(tracker.jobs) == ["live"]


async def test_a_deletion_is_told_as_json() -> None:
    """One document, whatever was refused."""
    tracker = OperatedTracker(a_job("old", FAILED))
    done = await ran(tracker, "jobs", "delete", "old", "gone", "--json")
    assert done.code == 1
    refused = {"job_id": "gone", "reason": "ERROR_REASON_JOB_NOT_FOUND", "message": "there is no job gone"}
    assert done.document == {"deleted": ["old"], "refused": [refused]}
    good = await ran(OperatedTracker(a_job("old", FAILED)), "jobs", "delete", "old", "--json")
    assert (good.code, good.document) == (0, {"deleted": ["old"], "refused": []})


async def test_many_jobs_are_shown_before_they_are_cancelled() -> None:
    """A table with the first and the count; yes acts with the dry run's token and the same filter."""
    started = words.moment_of("2026-07-01T08:00")
    early = a_job("job-early", create_time=words.moment_of("2026-06-01T08:00"))
    others = [a_job("job-done", FAILED, create_time=started), a_job("job-hue", store_id="hue", create_time=started)]
    chosen = [a_job("job-1", RUNNING, create_time=started), a_job("job-2", create_time=started, paused=True)]
    tracker = OperatedTracker(early, *others, *chosen)
    line = "jobs cancel --store hanoi --type PRODUCT_SYNC --created-from 2026-07-01 --created-before 2026-07-02"
    done = await ran(tracker, *line.split(), "--reason", "wrong list", answers="y\n")
    assert (done.code, done.err) == (0, "")
    rows = [[cell.strip() for cell in row.split("│")[1:-1]] for row in done.out.splitlines() if "│" in row]
    assert rows == [
        ["job-1", "Product Sync", "hanoi", "RUNNING", "2026-07-01 08:00:00"],
        ["job-2", "Product Sync", "hanoi", "PENDING (paused)", "2026-07-01 08:00:00"],
    ]
    assert done.out.endswith("2 jobs would be cancelled.\nCancel 2 jobs? [y/N] 2 cancelled.\n")
    assert states(tracker) == {
        "job-early": "PENDING",
        "job-done": "FAILED",
        "job-hue": "PENDING",
        "job-1": "CANCELLING",
        "job-2": "CANCELLED (paused)",
    }
    dry, act = tracker.asked
    assert (dry.dry_run, act.dry_run, act.confirm_token) == (True, False, "confirm-1")
    assert (
        dry.filter
        == act.filter
        == pb.JobFilter(
            store_ids=["hanoi"],
            types=["PRODUCT_SYNC"],
            created_from=words.moment_of("2026-07-01"),
            created_before=words.moment_of("2026-07-02"),
        )
    )
    assert (act.reason, act.requested_by) == ("wrong list", ME)


@pytest.mark.parametrize("answers", ["n\n", "\n", "", "yellow\n"])
async def test_without_a_yes_nothing_is_done(answers: str) -> None:
    """No, no answer, and an input that is at its end all leave every job alone, and end with 1."""
    tracker = OperatedTracker(*jobs(3))
    done = await ran(tracker, "jobs", "cancel", "--state", "pending", answers=answers)
    assert (done.code, done.out.splitlines()[-1]) == (1, "Cancel 3 jobs? [y/N] Nothing was changed.")
    assert set(states(tracker).values()) == {"PENDING"}
    assert acting(tracker) == []


@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_a_dry_run_only_shows(more: tuple[str, ...]) -> None:
    """It asks nothing and changes nothing; as JSON it is the service's answer."""
    tracker = OperatedTracker(*jobs(12))
    done = await ran(tracker, "jobs", "cancel", "--state", "pending", "--dry-run", *more)
    assert (done.code, acting(tracker)) == (0, [])
    if more:
        outcome = ParseDict(done.document, pb.CancelJobsResponse()).outcome
        assert (outcome.matched_count, outcome.changed_count, len(outcome.job_ids)) == (12, 0, 12)
        assert done.err == ""
    else:
        assert done.out.count("job-0") == 10
        assert "12 jobs would be cancelled, of which 10 are shown." in done.out


async def test_with_yes_nothing_is_asked_and_every_call_is_made() -> None:
    """Until nothing is left: each call goes on where the one before ended."""
    tracker = OperatedTracker(*jobs(25), per_call=10)
    done = await ran(tracker, "jobs", "cancel", "--state", "pending", "--yes")
    assert (done.code, "[y/N]" in done.out) == (0, False)
    assert done.out.splitlines()[-1] == "25 cancelled."
    assert set(states(tracker).values()) == {"CANCELLED"}
    assert [request.confirm_token for request in acting(tracker)] == ["confirm-1", "confirm-2", "confirm-3"]


async def test_json_of_many_calls_is_one_document() -> None:
    """What people read goes to stderr, where they are asked too; of all calls together ids and counts are told."""
    tracker = OperatedTracker(*jobs(25), per_call=10, locked=["job-003"])
    asked = await ran(tracker, "jobs", "cancel", "--state", "pending", "--json", answers="y\n")
    assert asked.code == 1
    outcome = ParseDict(asked.document, pb.CancelJobsResponse()).outcome
    assert (outcome.matched_count, outcome.changed_count, outcome.refused_count) == (25, 24, 1)
    assert [refusal.job_id for refusal in outcome.refusals] == ["job-003"]
    assert list(outcome.job_ids) == [f"job-{number:03}" for number in range(25) if number != 3]
    assert "Cancel 25 jobs? [y/N] " in asked.err
    silent = await ran(OperatedTracker(*jobs(2)), "jobs", "cancel", "--state", "pending", "--json", "--yes")
    assert (silent.code, silent.err, silent.document["outcome"]["changed_count"]) == (0, "", "2")
    nothing = await ran(OperatedTracker(), "jobs", "cancel", "--state", "pending", "--json")
    assert (nothing.code, nothing.err, "outcome" in nothing.document) == (0, "No job to cancel.\n", True)


async def test_where_nothing_is_selected_nothing_is_asked() -> None:
    """And nothing is wrong."""
    done = await ran(OperatedTracker(*jobs(2)), "jobs", "cancel", "--store", "hue")
    assert (done.code, done.out) == (0, "No job to cancel.\n")


async def test_many_jobs_are_retried_and_the_outcome_told() -> None:
    """Retried ones are passed over, refused ones named with the reason; the new jobs' ids are told."""
    tracker = OperatedTracker(*jobs(4, FAILED), a_job("job-004", CANCELLED), locked=["job-002"])
    tracker.jobs["job-900"] = a_job("job-900", retry_of_job_id="job-001")
    done = await ran(tracker, "jobs", "retry", "--type", "PRODUCT_SYNC", "--failed-items", answers="y\n")
    assert done.code == 1
    assert "4 jobs would be retried." in done.out
    assert "2 retried, 1 passed over (they needed nothing any more), 1 refused." in done.out
    row = next(line for line in done.out.splitlines() if "CONFLICTING" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "job-002",
        "CONFLICTING_JOB_ACTIVE",
        "another job is in the way",
    ]
    new = {job.retry_of_job_id: job for job in tracker.jobs.values() if job.job_id.startswith("zz-new")}
    assert sorted(new) == ["job-000", "job-003"]
    assert f"New jobs: {new['job-000'].job_id}, {new['job-003'].job_id}" in done.out
    assert {job.retry_scope for job in new.values()} == {job_pb2.RETRY_SCOPE_FAILED_ITEMS}
    (act,) = acting(tracker)
    assert (act.created_by, act.conflict_policy) == (ME, job_pb2.CONFLICT_POLICY_UNSPECIFIED)


async def test_the_new_jobs_of_many_calls_are_one_list() -> None:
    """All of them as JSON, the first for people."""
    tracker = OperatedTracker(*jobs(25, FAILED), per_call=10)
    line = "jobs retry --state failed --conflict use-existing --yes"
    done = await ran(tracker, *line.split(), "--json")
    answer = ParseDict(done.document, pb.RetryJobsResponse())
    assert (done.code, answer.outcome.changed_count, len(set(answer.created_job_ids))) == (0, 25, 25)
    assert {request.conflict_policy for request in tracker.asked} == {job_pb2.CONFLICT_POLICY_USE_EXISTING}
    plain = await ran(OperatedTracker(*jobs(25, FAILED)), "jobs", "retry", "--state", "failed", "--yes")
    assert plain.out.splitlines()[-1].endswith(" and 15 more")


async def test_what_was_done_before_the_tracker_went_away_is_told() -> None:
    """The command ends with 1; nobody has to guess what has become of the jobs."""
    tracker = OperatedTracker(*jobs(25), per_call=10)
    tracker.break_after = 2
    done = await ran(tracker, "jobs", "cancel", "--state", "pending", "--yes")
    assert done.code == 1
    assert "20 cancelled." in done.out
    assert "More jobs are left; run the command again." in done.out
    assert "not reached: the server is gone" in done.err


async def test_a_tracker_that_gets_nowhere_is_not_asked_for_ever() -> None:
    """A call that changes nothing and does not go on either is the last."""
    tracker = OperatedTracker(*jobs(2))
    tracker.stuck = True
    done = await ran(tracker, "jobs", "cancel", "--state", "pending", "--yes")
    assert (done.code, len(acting(tracker))) == (1, 1)
    assert "More jobs are left" in done.out


async def test_a_job_that_was_deleted_meanwhile_is_shown_as_gone() -> None:
    """The table does not fail for it."""

    class Hasty(OperatedTracker):
        """Forgets a job once it has named it."""

        async def CancelJobs(self, request: Any, context: Any) -> pb.CancelJobsResponse:  # noqa: N802
            """Answer, and forget the first."""
            answer = await super().CancelJobs(request, context)
            self.jobs.pop("job-000", None)
            return answer

    done = await ran(Hasty(*jobs(2)), "jobs", "cancel", "--state", "pending", "--dry-run")
    assert done.code == 0
    rows = [[cell.strip() for cell in row.split("│")[1:-1]] for row in done.out.splitlines() if "│" in row]
    assert [row[0] for row in rows] == ["job-000", "job-001"]
    assert rows[0][3] == "gone"


@pytest.mark.parametrize("command", ["cancel", "retry"])
@pytest.mark.parametrize(
    ("words_", "complaint"),
    [
        ((), "name a job, or choose jobs by --store"),
        ((ID, "--store", "hanoi"), "name a job or choose jobs by filter, not both"),
        ((ID, "--yes"), "--yes: only for jobs that are chosen by filter"),
        ((ID, "--dry-run", "--yes"), "--yes, --dry-run: only for jobs that are chosen by filter"),
        (("--state", "done"), "--state: 'done' is not one of pending"),
        (("--created-from", "soon"), "--created-from: 'soon' is no time; write 2026-07-01T08:00"),
        (("--created-before", "soon"), "--created-before: 'soon' is no time"),
    ],
)
async def test_one_job_or_many_but_never_all_by_mistake(command: str, words_: tuple[str, ...], complaint: str) -> None:
    """Wrong usage ends with 2 before anything is asked."""
    tracker = OperatedTracker(a_job())
    done = await ran(tracker, "jobs", command, *words_)
    assert (done.code, tracker.asked) == (2, [])
    assert complaint in done.complaint


@pytest.mark.parametrize(
    ("words_", "complaint"),
    [
        (("--state", "failed", "--watch"), "--watch: only for one job"),
        ((ID, "--conflict", "wait"), "--conflict: 'wait' is not one of fail, queue, use-existing, replace"),
        ((ID, "--timeout", "5"), "--timeout: only with --watch"),
    ],
)
async def test_what_a_retry_cannot_mean_is_wrong_usage(words_: tuple[str, ...], complaint: str) -> None:
    """It ends with 2."""
    tracker = OperatedTracker(a_job(state=FAILED))
    done = await ran(tracker, "jobs", "retry", *words_)
    assert (done.code, tracker.asked) == (2, [])
    assert complaint in done.complaint


@pytest.mark.parametrize(
    ("more", "scope"), [((), job_pb2.RETRY_SCOPE_ALL), (("--failed-items",), job_pb2.RETRY_SCOPE_FAILED_ITEMS)]
)
async def test_a_job_is_retried_whole_or_in_part(more: tuple[str, ...], scope: job_pb2.RetryScope.ValueType) -> None:
    """Under a request id of its own, with the policy that was asked for."""
    tracker = OperatedTracker(a_job(state=FAILED))
    done = await ran(tracker, "jobs", "retry", ID, "--conflict", "queue", "--json", *more)
    answer = ParseDict(done.document, pb.RetryJobResponse())
    assert (done.code, answer.job.retry_of_job_id, answer.job.retry_scope) == (0, ID, scope)
    (asked,) = tracker.asked
    assert (asked.scope, asked.created_by, asked.conflict_policy) == (scope, ME, job_pb2.CONFLICT_POLICY_QUEUE)
    assert len(asked.request_id) == 36


async def test_a_job_is_shown_with_what_keeps_it_and_what_it_does_again() -> None:
    """Paused, not before a time, a retry of failed items."""
    job = a_job(
        paused=True,
        not_before_time=words.moment_of("2026-07-01T08:00"),
        retry_of_job_id="old",
        retry_scope=job_pb2.RETRY_SCOPE_FAILED_ITEMS,
    )
    shown = await ran(OperatedTracker(job), "jobs", "show", ID)
    rows = {line[:29].strip(): line[29:].strip() for line in shown.out.splitlines()}
    assert rows["state"] == "PENDING (paused, not before 2026-07-01 08:00:00)"
    assert (rows["retry of"], rows["does again"]) == ("old", "only what failed")


async def test_workers_are_listed_with_what_they_hold() -> None:
    """Page by page, up to the limit."""
    seen = words.moment_of("2026-07-01T08:00")
    tracker = OperatedTracker()
    tracker.workers = [
        job_pb2.Worker(
            worker_id=f"worker-{number:04}", types=["A", "B"], last_seen_time=seen, listening=number % 2 == 0
        )
        for number in range(501)
    ]
    tracker.workers[0].held_job_ids.extend(["job-1", "job-2"])
    async with terminal(tracker) as shell:
        document = (await shell.types("workers", "list", "--limit", "1000", "--json")).document
        found = [ParseDict(each, job_pb2.Worker()) for each in document["workers"]]
        assert found == tracker.workers
        two = await shell.types("workers", "list", "--limit", "2")
        rows = [[cell.strip() for cell in row.split("│")[1:-1]] for row in two.out.splitlines() if "│" in row]
        assert rows == [
            ["worker-0000", "A, B", "", "2026-07-01 08:00:00", "yes", "job-1, job-2"],
            ["worker-0001", "A, B", "", "2026-07-01 08:00:00", "no", ""],
        ]
        tracker.workers = []
        assert (await shell.types("workers", "list")).out == "No workers.\n"


async def test_a_refusal_cannot_steer_the_terminal() -> None:
    """What another caller wrote is escaped in JSON as everywhere."""
    done = await ran(OperatedTracker(), "jobs", "delete", "\x9b31m", "--json")
    assert "\x9b" not in done.out
    assert json.loads(done.out)["refused"][0]["job_id"] == "\x9b31m"
