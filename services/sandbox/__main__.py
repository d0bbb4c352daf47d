"""Runs a sandbox until it is asked to stop: `python -m sandbox`, or `nhanhsync sandbox`."""

import asyncio
import gc
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from sandbox.control import FaultPlanError, read_rules
from sandbox.expectations import truth_document
from sandbox.faults import Rule
from sandbox.nhanh.habits import NhanhHabits
from sandbox.options import SandboxOptions
from sandbox.serving import Handle, PortTakenError, running
from sandbox.stores_file import write_stores_file

DEFAULTS = SandboxOptions()


class FileNotWrittenError(Exception):
    """A file that was asked for cannot be written; says which and why."""


def _names(text: str) -> str:
    names = text.split(",")
    if len(set(names)) != len(names) or not all(name.isidentifier() and name.islower() for name in names):
        raise typer.BadParameter(f"{text!r} is not a list of different small names with commas between")
    return text


def _read_plan(path: Path | None) -> tuple[Rule, ...]:
    if path is None:
        return ()
    try:
        return tuple(read_rules(orjson.loads(path.read_bytes())))
    except (OSError, orjson.JSONDecodeError, FaultPlanError) as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--fault-plan") from None


def command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULTS.host,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = DEFAULTS.port,
    products: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Things to sell in each store, each alone or with variants.")
    ] = DEFAULTS.products,
    customers: Annotated[
        int, typer.Option(min=0, max=5_000_000, help="People in each store, known to one vendor or to both.")
    ] = DEFAULTS.customers,
    seed: Annotated[int, typer.Option(help="The same seed makes the same stores.")] = DEFAULTS.seed,
    stores: Annotated[str, typer.Option(callback=_names, help="Their ids, with commas between.")] = ",".join(
        DEFAULTS.stores
    ),
    limits_scale: Annotated[
        float, typer.Option(min=0.01, max=1_000_000, help="Multiplies what the vendors allow; 1 is as they do.")
    ] = 1.0,
    nhanh_window_scale: Annotated[
        float,
        typer.Option(
            min=0.001, max=1_000, help="Multiplies the seconds of Nhanh's limit: as many calls in another time."
        ),
    ] = 1.0,
    nhanh_oddities: Annotated[
        float,
        typer.Option(
            min=0, max=0.9, help="Share of Nhanh's pages that are short, empty, keyed or tell of a row twice."
        ),
    ] = 0.0,
    nhanh_undated: Annotated[
        float, typer.Option(min=0, max=1, help="Share of Nhanh's customers without a time of their last change.")
    ] = 0.0,
    nhanh_clamps_size: Annotated[
        bool,
        typer.Option("--nhanh-clamps-size", help="Nhanh takes too large a page size for 100, and does not refuse it."),
    ] = False,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Turn the vendors' limits off.")] = False,
    fault_plan: Annotated[Path | None, typer.Option(help="JSON file that says which calls go wrong.")] = None,
    latency_ms: Annotated[float, typer.Option(min=0, max=60_000, help="No answer takes less.")] = 0.0,
    bulk_seconds: Annotated[
        float, typer.Option(min=0, max=86_400, help="How long a bulk operation of Shopify's takes.")
    ] = DEFAULTS.bulk_seconds,
    token_seconds: Annotated[
        float, typer.Option(min=1, max=86_399, help="How long access tokens are good that Shopify grants.")
    ] = DEFAULTS.token_seconds,
    prepared: Annotated[
        bool,
        typer.Option("--prepared", help="Write pages once and keep them: quicker, while nothing changes."),
    ] = DEFAULTS.prepared,
    stores_file: Annotated[Path | None, typer.Option(help="Write a stores file for SyncWorker here.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write what is true of every store here, as JSON.")] = None,
) -> None:
    """Play Nhanh.vn and Shopify over HTTP, from seeded data; one JSON line says when and where it listens.

    Example: nhanhsync sandbox --products 200 --customers 500 --stores-file stores.toml
    """
    options = SandboxOptions(
        products=products,
        customers=customers,
        seed=seed,
        stores=tuple(stores.split(",")),
        limits_scale=None if no_limits else limits_scale,
        latency_ms=latency_ms,
        bulk_seconds=bulk_seconds,
        token_seconds=token_seconds,
        prepared=prepared,
        faults=_read_plan(fault_plan),
        host=host,
        port=port,
        nhanh=NhanhHabits(
            clamps_size=nhanh_clamps_size,
            oddities=nhanh_oddities,
            undated=nhanh_undated,
            window_scale=nhanh_window_scale,
        ),
    )
    try:
        asyncio.run(_serve(options, stores_file, truth))
    except (PortTakenError, FileNotWrittenError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for whoever started the process
        raise typer.Exit(1) from None


async def _serve(options: SandboxOptions, stores_file: Path | None, truth: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    async with running(options) as handle:
        _write_files(handle, stores_file, truth)
        gc.freeze()  # the world stays; walked in the middle of a call, it holds that up for half a second
        ready = {"service": "sandbox", "url": handle.url, "stores": list(handle.world.stores)}
        print(json.dumps(ready), flush=True)  # noqa: T201 - the ready line
        await stop.wait()


def _write_files(handle: Handle, stores_file: Path | None, truth: Path | None) -> None:
    try:
        if stores_file is not None:
            write_stores_file(stores_file, handle.world, handle.url)
        if truth is not None:
            documents = {name: truth_document(store) for name, store in handle.world.stores.items()}
            truth.write_bytes(orjson.dumps(documents))
    except OSError as error:
        message = f"cannot write {error.filename}: {error.strerror}"
        raise FileNotWrittenError(message) from None


if __name__ == "__main__":
    typer.run(command)
