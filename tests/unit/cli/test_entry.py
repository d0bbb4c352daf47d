"""The client library alone, and the command without what it needs."""

import subprocess
import sys
from pathlib import Path

CLIENTS = Path(__file__).resolve().parents[3] / "clients"
WITHOUT_EXTRA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"typer", "rich", "grpc_health"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program where the command's extra is not installed."""
    return subprocess.run(
        [sys.executable, "-c", f"{WITHOUT_EXTRA}\nsys.path.insert(0, {str(CLIENTS)!r})\n{program}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_library_needs_nothing_of_the_commands() -> None:
    """Stubs and both clients import without Typer, Rich and the health stubs."""
    run = python(
        "import nhanhsync.client, nhanhsync.client.blocking\n"
        "from nhanhsync.jobs.v1 import job_pb2\nfrom nhanhsync.sync.v1 import operations_pb2"
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_the_command_says_how_to_install_it() -> None:
    """One sentence, and no traceback."""
    run = python("from nhanhsync.cli.entry import main\nmain()")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.endswith("install it with: pip install 'nhanhsync[cli]'\n")
    assert len(run.stderr.splitlines()) == 1
