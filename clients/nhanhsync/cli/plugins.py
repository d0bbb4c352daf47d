"""Commands that other packages add: entry points of the group `nhanhsync.commands`, each a function or a Typer."""

import importlib.metadata
from collections.abc import Callable, Sequence

import typer
from rich.markup import escape

from nhanhsync.cli.exits import Exit
from nhanhsync.cli.session import plain_console

GROUP = "nhanhsync.commands"
VALUED = frozenset({"--job-tracker", "--sync-worker", "--token-file", "--ca", "--certificate", "--key"})
"""Options before the command's name that take the next argument as their value."""


def add_plugins(app: typer.Typer, arguments: Sequence[str], own: frozenset[str]) -> None:
    """Add what is installed. Nothing is loaded for one of the command's own commands, which stay quick.

    What cannot be loaded, or is no command, becomes a command that says so.
    """
    if asked(arguments) in own:
        return
    for point in sorted(importlib.metadata.entry_points(group=GROUP)):
        if point.name in own:
            continue
        try:
            _check(added := point.load())
        except (Exception, SystemExit) as error:  # another package's fault is its command's alone
            app.command(point.name, help=escape(f"Cannot be loaded: {error}"))(_broken(point, error))
            continue
        _add(app, point.name, added)


def asked(arguments: Sequence[str]) -> str | None:
    """Find the command's name among the arguments; None when there is none."""
    rest = iter(arguments)
    for argument in rest:
        if argument in VALUED:
            next(rest, None)
        elif not argument.startswith("-"):
            return argument
    return None


def _add(app: typer.Typer, name: str, loaded: object) -> None:
    if isinstance(loaded, typer.Typer):
        app.add_typer(loaded, name=name)
    elif callable(loaded):
        app.command(name)(loaded)
    else:
        raise TypeError(f"{loaded!r} is neither a function nor a Typer")


def _check(loaded: object) -> None:
    """Build the command alone: a parameter that Typer cannot read would else be an error of every command."""
    alone = typer.Typer()
    _add(alone, "checked", loaded)
    typer.main.get_command(alone)


def _broken(point: importlib.metadata.EntryPoint, error: BaseException) -> Callable[[], None]:
    def broken() -> None:
        console = plain_console(stderr=True)
        console.print(f"the command {point.name!r} ({point.value}) cannot be loaded: {error!r}")
        raise typer.Exit(Exit.REFUSED)

    return broken
