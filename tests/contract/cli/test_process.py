"""The command as a process: exit codes, signals, a pipe and a terminal."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import Iterator

import pytest
from nhanhsync.cli.operations import OPERATIONS
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as jobs_pb

from tests.contract.cli.conftest import HOLD_NHANH_CUSTOMERS, Shop
from tests.fakes.command_line import PATIENCE_SECONDS, CommandLine, clean_environment, ended

PULL = ("run", "pull-nhanh-customers", "--store", "hanoi", "--watch")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes that are started here be interrupted, though this one may run where a shell ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_ctrl_c_ends_the_watch_with_130_and_the_job_goes_on(shop: Shop, more: tuple[str, ...]) -> None:
    """It says how to follow and how to stop the job, without a traceback; the job completes when it can."""
    shop.plan(HOLD_NHANH_CUSTOMERS)
    async with shop.terminal.started(*PULL, *more) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"RUNNING" not in (line := await process.stdout.readline()):
                assert line, "the watch ended by itself"
        await shop.until_held()
        process.send_signal(signal.SIGINT)
        ran = await ended(process)
    (job,) = (await shop.client.jobs.ListJobs(jobs_pb.ListJobsRequest())).jobs
    assert ran.code == 130
    assert ran.err == (
        f"interrupted; the job goes on. To follow it: nhanhsync jobs watch {job.job_id}; "
        f"to stop it: nhanhsync jobs cancel {job.job_id}\n"
    )
    assert (job.state, job.cancel_requested) == (job_pb2.JOB_STATE_RUNNING, False)
    shop.plan()
    done = await shop.client.wait_job(job.job_id, timeout=PATIENCE_SECONDS)
    assert (done.state, done.attempt) == (job_pb2.JOB_STATE_COMPLETED, 1)


async def test_exit_codes_and_plain_output_of_processes(shop: Shop) -> None:
    """0, 1, 2 and 3 reach the shell; what is piped has no control codes."""
    done, refused, unknown, foreign = await asyncio.gather(
        shop.terminal.runs(*PULL),
        shop.terminal.runs("jobs", "show", "01890a5d-ac96-774b-bcce-b302099a8057"),
        shop.terminal.runs("run", "pull-everything", "--store", "hanoi"),
        shop.terminal.runs("run", "match-products", "--store", "hanoi", "--what", "both"),
    )
    assert (done.code, done.err) == (0, "")
    assert "Pull Nhanh Customers COMPLETED in " in done.out
    assert (refused.code, refused.out) == (1, "")
    assert "JOB_NOT_FOUND" in refused.err
    assert (unknown.code, unknown.out) == (2, "")
    assert all(name in unknown.complaint for name in OPERATIONS)
    assert (foreign.code, foreign.out) == (2, "")
    assert "match-products does not take --what; its own options are --dry-run" in foreign.complaint
    shop.store.business.token_revoked = True
    failed = await shop.terminal.runs(*PULL)
    assert (failed.code, failed.err) == (3, "")
    assert " FAILED in " in failed.out
    for ran in (done, refused, unknown, foreign, failed):
        assert [letter for letter in ran.out + ran.err if ord(letter) < 32 and letter != "\n"] == []
        assert "Traceback" not in ran.err


async def test_addresses_come_from_the_environment(shop: Shop) -> None:
    """Where no option names them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nhanhsync.cli.main", "health"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean_environment(
            NHANHSYNC_JOB_TRACKER=shop.terminal.job_tracker, NHANHSYNC_SYNC_WORKER=shop.terminal.sync_worker
        ),
    )
    ran = await ended(process)
    assert (ran.code, ran.err) == (0, "")
    assert shop.terminal.job_tracker in ran.out
    assert shop.terminal.sync_worker in ran.out


async def test_a_terminal_gets_a_bar(shop: Shop) -> None:
    """It moves in place by control codes, and what is left at the end is the whole and the state."""
    leader, follower = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "nhanhsync.cli.main", *shop.terminal.addresses, *PULL),
            stdout=follower,
            stderr=asyncio.subprocess.PIPE,
            env=clean_environment(TERM="xterm", COLUMNS="140", LINES="40"),
        )
        os.close(follower)
        drawn = await asyncio.wait_for(asyncio.to_thread(read_all, leader), PATIENCE_SECONDS)
        assert await process.wait() == 0
    finally:
        os.close(leader)
    count = len(shop.store.business.customers)
    assert "\x1b[" in drawn
    assert f"{count}/{count}" in drawn
    assert "100%" in drawn
    assert "COMPLETED" in drawn


def read_all(terminal: int) -> str:
    """Read what a terminal was sent until its last writer is gone, which Linux tells by an error."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


@pytest.mark.parametrize(
    "line",
    [
        *("jobs list", "jobs watch some-job", "jobs stats", "stores list", "mappings list --store hanoi"),
        *("verify", "run match-products --store hanoi --watch"),
    ],
)
async def test_a_service_that_is_not_there_ends_with_1_and_what_to_do(line: str) -> None:
    """At once: also what would resume for minutes once it had been connected."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        ran = await CommandLine().types(*line.split())
    assert (ran.code, ran.out) == (1, "")
    assert "not reached: " in ran.err
    assert "127.0.0.1:1" in ran.err
    assert all(part in ran.err for part in ("nhanhsync up", "--job-tracker", "NHANHSYNC_SYNC_WORKER"))


@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_a_tracker_out_of_the_commands_reach_does_not_hide_the_started_job(
    shop: Shop, more: tuple[str, ...]
) -> None:
    """SyncWorker reaches it: the job is started, the watch fails, and the job's id is told."""
    beside = CommandLine(sync_worker=shop.terminal.sync_worker)
    ran = await beside.types(*PULL, *more)
    (job,) = (await shop.client.jobs.ListJobs(jobs_pb.ListJobsRequest())).jobs
    assert (ran.code, ran.out) == (1, "" if more else f"Pull Nhanh Customers: job {job.job_id}\n")
    assert f"To follow it: nhanhsync jobs watch {job.job_id}\nnot reached: " in ran.err
