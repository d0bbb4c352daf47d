"""The `nhanhsync` command."""

import sys
from typing import Annotated

import typer

from nhanhsync.cli import catalog, health, jobs, verify, workers
from nhanhsync.cli.exits import EXIT_CODES, Exit
from nhanhsync.cli.plugins import add_plugins
from nhanhsync.cli.run import HELP, run
from nhanhsync.cli.session import Session, plain_console, usage_error
from nhanhsync.client.aio import DEFAULT_JOB_TRACKER, DEFAULT_SYNC_WORKER

OWN = frozenset({"run", "jobs", "mappings", "unmatched", "stores", "workers", "types", "verify", "health", "version"})


def start(
    context: typer.Context,
    job_tracker: Annotated[
        str, typer.Option(envvar="NHANHSYNC_JOB_TRACKER", help="JobTracker's address, host:port.")
    ] = DEFAULT_JOB_TRACKER,
    sync_worker: Annotated[
        str, typer.Option(envvar="NHANHSYNC_SYNC_WORKER", help="SyncWorker's address, host:port.")
    ] = DEFAULT_SYNC_WORKER,
) -> None:
    """Keep Nhanh.vn and Shopify shops in step, and watch every job while it runs."""
    for option, address in (("--job-tracker", job_tracker), ("--sync-worker", sync_worker)):
        if not address or address.startswith(("http://", "https://")):
            raise usage_error(f"{address!r} is no address; write host:port, such as {DEFAULT_JOB_TRACKER}", option)
    context.obj = Session(job_tracker, sync_worker)


def make_app() -> typer.Typer:
    """Make the command without what other packages add."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, epilog=EXIT_CODES)
    app.callback()(start)
    app.command("run", help=HELP)(run)
    app.add_typer(jobs.app, name="jobs")
    app.add_typer(catalog.mappings, name="mappings")
    app.add_typer(catalog.unmatched, name="unmatched")
    app.add_typer(catalog.stores, name="stores")
    app.add_typer(workers.workers, name="workers")
    app.add_typer(workers.types, name="types")
    app.command("verify", epilog=EXIT_CODES)(verify.verify)
    app.command("health", epilog=EXIT_CODES)(health.health)
    app.command("version", epilog=EXIT_CODES)(health.version)
    return app


def main() -> None:
    """Run the command."""
    arguments = sys.argv[1:]
    if any(not _is_text(argument) for argument in arguments):
        plain_console(stderr=True).print("the arguments are not UTF-8")
        sys.exit(Exit.USAGE)
    app = make_app()
    add_plugins(app, arguments, OWN)
    app()


def _is_text(argument: str) -> bool:
    """Whether the contract's strings can hold an argument: bytes that are no UTF-8 come as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in argument)


if __name__ == "__main__":
    main()
