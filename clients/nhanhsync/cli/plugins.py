"""Commands that other packages add: entry points of the group `nhanhsync.commands`, each a function or a Typer."""

import importlib.metadata
from collections.abc import Callable, Sequence

import typer

from nhanhsync.cli.exits import Exit
from nhanhsync.cli.session import plain_console

GROUP = "nhanhsync.commands"


def add_plugins(app: typer.Typer, arguments: Sequence[str], own: frozenset[str]) -> None:
    """Add what is installed. Nothing is loaded for one of the command's own commands, which stay quick."""
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    if asked in own:
        return
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception as error:  # another package's fault is its command's alone
            app.command(point.name, help=f"Cannot be loaded: {error}")(_broken(point, error))
            continue
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=point.name)
        else:
            app.command(point.name)(loaded)


def _broken(point: importlib.metadata.EntryPoint, error: Exception) -> Callable[[], None]:
    def broken() -> None:
        console = plain_console(stderr=True)
        console.print(f"the command {point.name!r} ({point.value}) cannot be loaded: {error!r}", markup=False)
        raise typer.Exit(Exit.REFUSED)

    return broken
