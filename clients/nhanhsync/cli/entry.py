"""The installed command: says what is missing where only the client library was installed."""

import sys


def main() -> None:
    """Run the command, or say how to install it."""
    try:
        from nhanhsync.cli.main import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("typer", "rich", "grpc_health"):
            raise
        sys.exit(f"The command needs {error.name}; install it with: pip install 'nhanhsync[cli]'")
    run()
