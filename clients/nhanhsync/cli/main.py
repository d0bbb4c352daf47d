"""The `nhanhsync` command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nhanhsync.cli import catalog, health, jobs, pull_places, store_check, tokens, verify, workers
from nhanhsync.cli.exits import EXIT_CODES, Exit
from nhanhsync.cli.plugins import add_plugins
from nhanhsync.cli.run import HELP, run
from nhanhsync.cli.session import Session, plain_console, usage_error
from nhanhsync.client.aio import DEFAULT_JOB_TRACKER, DEFAULT_SYNC_WORKER
from nhanhsync.client.security import PlaintextTokenError, Security

OWN = frozenset(
    {"run", "jobs", "mappings", "unmatched", "stores", "workers", "types", "tokens", "verify", "health", "version"}
)


def start(
    context: typer.Context,
    job_tracker: Annotated[
        str, typer.Option(envvar="NHANHSYNC_JOB_TRACKER", help="JobTracker's address, host:port.")
    ] = DEFAULT_JOB_TRACKER,
    sync_worker: Annotated[
        str, typer.Option(envvar="NHANHSYNC_SYNC_WORKER", help="SyncWorker's address, host:port.")
    ] = DEFAULT_SYNC_WORKER,
    token_file: Annotated[
        Path | None,
        typer.Option(envvar="NHANHSYNC_TOKEN_FILE", help="Holds the bearer token; or put it into NHANHSYNC_TOKEN."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(envvar="NHANHSYNC_CA", help="The CA of the services' certificates (PEM): use TLS.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(envvar="NHANHSYNC_CERTIFICATE", help="A client certificate of one's own (PEM).")
    ] = None,
    key: Annotated[Path | None, typer.Option(envvar="NHANHSYNC_KEY", help="Its key (PEM).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Send the token even over plaintext to another machine.")
    ] = False,
) -> None:
    """Keep Nhanh.vn and Shopify shops in step, and watch every job while it runs."""
    for option, address in (("--job-tracker", job_tracker), ("--sync-worker", sync_worker)):
        if not address or address.startswith(("http://", "https://")):
            raise usage_error(f"{address!r} is no address; write host:port, such as {DEFAULT_JOB_TRACKER}", option)
    try:
        security = Security.of(_token(token_file), ca, certificate, key, insecure=insecure)
        for address in (job_tracker, sync_worker):
            security.check(address)
    except PlaintextTokenError as error:
        raise usage_error(str(error), "--ca") from None
    except OSError as error:
        raise usage_error(f"{error.filename} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise usage_error(str(error)) from None
    context.obj = Session(job_tracker, sync_worker, security)


def _token(path: Path | None) -> str | None:
    """Find the token: never an option of its own, since command lines are seen by others and kept in histories."""
    token = (path.read_text(encoding="utf-8") if path is not None else os.environ.get("NHANHSYNC_TOKEN", "")).strip()
    if path is not None and not token:
        raise ValueError(f"{path} holds no token")
    if not token.isascii() or any(letter.isspace() for letter in token):
        raise ValueError("what should be the token is none: it holds blanks or letters that no token has")
    return token or None


def make_app() -> typer.Typer:
    """Make the command without what other packages add."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, epilog=EXIT_CODES)
    app.callback()(start)
    app.command("run", help=HELP)(run)
    app.add_typer(jobs.app, name="jobs")
    app.add_typer(catalog.mappings, name="mappings")
    app.add_typer(catalog.unmatched, name="unmatched")
    catalog.stores.command("check", epilog=EXIT_CODES)(store_check.check_store)
    catalog.stores.command("reset-pulls", epilog=EXIT_CODES)(pull_places.reset_pulls)
    app.add_typer(catalog.stores, name="stores")
    app.add_typer(tokens.app, name="tokens")
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
