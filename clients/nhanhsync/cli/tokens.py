"""`nhanhsync tokens …`: make bearer tokens for the services' tokens files."""

import hashlib
import json
import re
import secrets
from enum import StrEnum
from typing import Annotated

import typer

from nhanhsync.cli.exits import EXIT_CODES
from nhanhsync.cli.session import Json, plain_console, usage_error

app = typer.Typer(no_args_is_help=True, help="Tokens of those who call the services.")

PREFIX = "nhs_"
"""Lets people, and what searches code for secrets, see what it is."""
RANDOM_BYTES = 32


class Role(StrEnum):
    """What a caller is there for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    WORKER = "worker"


@app.command("new", epilog=EXIT_CODES)
def new(
    name: Annotated[str, typer.Argument(help="Whom records and refusals name.", metavar="NAME")],
    role: Annotated[list[Role], typer.Option(help="viewer, operator or worker; several times for several.")],
    store: Annotated[list[str], typer.Option(help="Only this store; several times for several, never for all.")] = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Make a token: it is printed once and kept nowhere; the services' tokens files get its hash.

    Example: nhanhsync tokens new dashboard --role viewer --store hanoi
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@/-]{0,63}", name) is None:
        raise usage_error(f"{name!r} is no name: 1 to 64 letters, digits and _ . @ / -", "NAME")
    for one in store:
        if re.fullmatch(r"[a-z0-9_-]{1,64}", one) is None:
            raise usage_error(f"{one!r} is no store's id: small letters, digits, _ and -", "--store")
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    row = {"name": name, "sha256": hashlib.sha256(token.encode()).hexdigest(), "roles": list(dict.fromkeys(role))}
    if store:
        row["stores"] = list(dict.fromkeys(store))
    lines = ["[[tokens]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    if as_json:
        typer.echo(json.dumps({"token": token, "toml": "\n".join(lines) + "\n"}))
        return
    console = plain_console(stderr=True)
    console.print("The token, shown this once; give it to its owner:")
    typer.echo(token)
    console.print("These lines go into the tokens file of each service that shall know it:")
    for line in lines:
        typer.echo(line)
