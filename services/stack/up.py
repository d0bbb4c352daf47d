"""`nhanhsync up`: the whole stack in the foreground, for use."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stack.launch import StackOptions, running_stack
from stack.processes import ServiceFailedError, last_lines


def command(
    data_dir: Annotated[Path, typer.Option(help="Databases and logs are kept here.")] = Path("var"),
    stores: Annotated[Path | None, typer.Option(help="Your own shops; without it a sandbox plays the vendors.")] = None,
    job_tracker_listen: Annotated[str, typer.Option(help="Where JobTracker listens.")] = "127.0.0.1:50051",
    sync_worker_listen: Annotated[str, typer.Option(help="Where SyncWorker listens.")] = "127.0.0.1:50052",
    products: Annotated[int, typer.Option(min=1, help="The sandbox's products a store.")] = 2_000,
    customers: Annotated[int, typer.Option(min=1, help="The sandbox's customers a store and side.")] = 5_000,
) -> None:
    """Run sandbox, JobTracker and SyncWorker until Ctrl-C.

    Example: nhanhsync up --stores stores.toml
    """
    console = Console()
    options = StackOptions(
        data_dir=data_dir,
        stores_file=stores,
        job_tracker_listen=job_tracker_listen,
        sync_worker_listen=sync_worker_listen,
        sandbox_arguments=["--products", str(products), "--customers", str(customers)],
    )
    try:
        asyncio.run(_up(console, options))
    except ServiceFailedError as failure:
        console.print(f"[bold red]{failure}[/]", highlight=False)
        raise typer.Exit(1) from failure


async def _up(console: Console, options: StackOptions) -> None:
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_stop.set)
    async with running_stack(options) as stack:
        console.print(f"JobTracker  {stack.job_tracker}", highlight=False)
        console.print(f"SyncWorker  {stack.sync_worker}", highlight=False)
        if stack.sandbox_url is not None:
            console.print(f"Sandbox     {stack.sandbox_url}", highlight=False)
        console.print(f"Databases and logs are in {options.data_dir}/. Next, in another terminal:", highlight=False)
        console.print("  .venv/bin/nhanhsync stores list", highlight=False)
        console.print("  .venv/bin/nhanhsync run pull-nhanh-customers --store hanoi --watch", highlight=False)
        console.print("Ctrl-C stops everything.", highlight=False)
        waits = {asyncio.create_task(process.wait()): process for process in stack.processes}
        stop = asyncio.create_task(asked_to_stop.wait())
        done, rest = await asyncio.wait({stop, *waits}, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        ended = [waits[task] for task in done if task in waits]
        if ended and not asked_to_stop.is_set():
            raise ServiceFailedError(f"{ended[0].name} ended by itself:\n{last_lines(ended[0].log)}")
