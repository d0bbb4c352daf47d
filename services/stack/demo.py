"""`nhanhsync demo`: all eleven operations for real, with live progress, held against the sandbox's truth."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from nhanhsync.client import Client, connect
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2
from nhanhsync.sync.v1 import operations_pb2
from rich.console import Console

from stack.launch import Stack, StackOptions, running_stack
from stack.processes import ServiceFailedError
from stack.report import live_progress, print_checks, print_jobs
from stack.scenario import FAULTY_ITEMS, MAIN, STORES, Step, faults, stages
from stack.truth import Check, Json, Sandbox, all_mappings, check_links, check_spend, check_stock

PLAIN_WIDTH = 140
"""Without a terminal, lines are as wide as the tables need."""

ENDED_WELL = frozenset({job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_PARTIALLY_COMPLETED})


class DemoFailedError(Exception):
    """The demo did not show what it should; the message says what."""


def command(
    products: Annotated[int, typer.Option(min=50, help="Nhanh products a store.")] = 2_000,
    customers: Annotated[int, typer.Option(min=200, help="Customers a store and side.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same shops.")] = 20260701,
    limits_scale: Annotated[
        float, typer.Option(min=1.0, help="So much more than the vendors' quotas is allowed.")
    ] = 20.0,
    keep: Annotated[Path | None, typer.Option(help="Keep databases and logs in this folder.")] = None,
) -> None:
    """Run all eleven operations against the sandbox and check the truth.

    Example: nhanhsync demo --products 500 --customers 1000
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    arguments = [
        *("--products", str(products), "--customers", str(customers)),
        *("--seed", str(seed), "--limits-scale", str(limits_scale)),
    ]
    try:
        with tempfile.TemporaryDirectory(prefix="nhanhsync-demo-") as scratch:
            asyncio.run(_demo(console, StackOptions(data_dir=keep or Path(scratch), sandbox_arguments=arguments)))
    except (DemoFailedError, ServiceFailedError) as failure:
        console.print(f"[bold red]The demo failed:[/] {failure}")
        raise typer.Exit(1) from failure


async def _demo(console: Console, options: StackOptions) -> None:
    async with (
        running_stack(options) as stack,
        connect(job_tracker=stack.job_tracker, sync_worker=stack.sync_worker) as client,
    ):
        console.print(
            f"Sandbox {stack.sandbox_url}, JobTracker {stack.job_tracker}, SyncWorker {stack.sync_worker}; "
            f"three stores: {', '.join(STORES)}."
        )
        jobs, checks = await _play(console, client, stack)
        print_jobs(console, jobs)
        print_checks(console, checks)
        stats = await client.jobs.GetJobStats(job_tracker_service_pb2.GetJobStatsRequest())
        _judge(jobs, checks, stats.coverage)
        console.print(f"{stats.coverage.completed}/{stats.coverage.registered} operations completed")


async def _play(console: Console, client: Client, stack: Stack) -> tuple[list[tuple[Step, job_pb2.Job]], list[Check]]:
    assert stack.sandbox_url is not None  # noqa: S101 - the demo starts the stack with a sandbox
    sandbox = Sandbox(stack.sandbox_url)
    jobs: list[tuple[Step, job_pb2.Job]] = []
    try:
        before = await sandbox.state(MAIN)
        truth = await sandbox.truth(MAIN)
        pulls, matches, syncs, retry = stages()
        jobs += await _run(console, client, pulls)
        jobs += await _run(console, client, matches)
        await sandbox.plan_faults(_some_faults(truth))
        jobs += await _run(console, client, syncs)
        await sandbox.clear_faults()
        jobs += await _run(console, client, retry)
        checks = await _checks(client, sandbox, before)
    finally:
        await sandbox.close()
    return jobs, checks


def _some_faults(truth: Json) -> list[dict[str, object]]:
    items = sorted({str(item) for _, item, _, _ in truth["stock"]})[:FAULTY_ITEMS]
    customers = sorted(str(shopify) for _, shopify in truth["customers"]["must_link"])[:FAULTY_ITEMS]
    return faults(items, customers)


async def _run(console: Console, client: Client, steps: tuple[Step, ...]) -> list[tuple[Step, job_pb2.Job]]:
    with live_progress(console) as progress:

        async def run(step: Step) -> tuple[Step, job_pb2.Job]:
            job = await step.start(client)
            line = progress.add(f"{step.label} ({step.store})")
            async for update in client.watch_job(job.job_id):
                job = update.job
                progress.show(line, job)
            return step, job

        return list(await asyncio.gather(*(run(step) for step in steps)))


async def _checks(client: Client, sandbox: Sandbox, before: Json) -> list[Check]:
    checks: list[Check] = []
    for store in STORES:
        truth = await sandbox.truth(store)
        customers = await all_mappings(client, store, operations_pb2.ENTITY_CUSTOMERS)
        checks += check_links(store, "customers", truth["customers"], customers)
        if store == MAIN:
            products = await all_mappings(client, store, operations_pb2.ENTITY_PRODUCTS)
            after = await sandbox.state(store)
            checks += check_links(store, "products", truth["products"], products)
            checks += check_stock(store, truth, before, after)
            checks += check_spend(store, truth, customers, after)
    return checks


def _judge(
    jobs: list[tuple[Step, job_pb2.Job]], checks: list[Check], coverage: job_tracker_service_pb2.Coverage
) -> None:
    """Hold the run against what it should show.

    Raises:
        DemoFailedError: A job ended otherwise than it should, no item was made to fail, or a check does not hold.
    """
    faults_found = [
        f"{step.label} ({step.store}) ended {job_pb2.JobState.Name(job.state)}: {job.error.message}"
        for step, job in jobs
        if job.state not in ENDED_WELL
    ]
    by_label = {step.label: job for step, job in jobs}
    faults_found += [
        f"{label} should have ended PARTIALLY_COMPLETED, since items were made to fail"
        for label in ("Product Sync", "Customer Sync")
        if by_label[label].state != job_pb2.JOB_STATE_PARTIALLY_COMPLETED
    ]
    if by_label["Retry Failed Sync"].state != job_pb2.JOB_STATE_COMPLETED:
        faults_found.append("Retry Failed Sync should have healed every item")
    faults_found += [
        f"{check.store}: {check.sentence}: {len(check.broken)} broken" for check in checks if not check.holds
    ]
    if coverage.completed != coverage.registered or coverage.registered != 11:
        faults_found.append(
            f"{coverage.completed} of {coverage.registered} registered operations completed, not 11 of 11"
        )
    if faults_found:
        raise DemoFailedError("; ".join(faults_found))
