"""The shape of the house holds: what import-linter cannot say is said here."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHASSIS_MODULES = {
    "auth",
    "database",
    "door",
    "health",
    "interceptors",
    "limits",
    "logs",
    "metrics",
    "server",
    "settings",
    "tls",
}
DRAWER_NAMES = {"utils", "util", "common", "helpers", "misc", "base"}


def tracked(*patterns: str) -> list[Path]:
    """Every file that git tracks, or would, and that matches one of the patterns."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def own_python() -> list[Path]:
    """Every Python file that a person wrote."""
    return [path for path in tracked("*.py") if "_pb2" not in path.name]


def test_the_chassis_has_a_fixed_list_of_modules() -> None:
    """A module more in the chassis is a decision, to be seen in review: it is written down here."""
    chassis = ROOT / "services" / "chassis"
    packages = {path.parent.name for path in chassis.glob("*/__init__.py")}
    found = {path.stem for path in chassis.glob("*.py")} - {"__init__"} | packages
    assert found == CHASSIS_MODULES


def test_no_module_is_a_drawer() -> None:
    """No module is named for being left over."""
    assert [str(path) for path in own_python() if DRAWER_NAMES & {path.stem, path.parent.name}] == []


def test_no_python_file_holds_more_than_one_idea() -> None:
    """A file of more than 400 lines is two files; one of tests may list 100 lines of cases more."""
    counted = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in own_python()}
    long = {str(path): n for path, n in counted.items() if n > (500 if path.parts[0] == "tests" else 400)}
    assert long == {}


def test_tests_are_no_packages() -> None:
    """A package under tests/ would hide the real one of its name."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_unit_tests_mirror_the_services() -> None:
    """A folder of unit tests stands for a folder of the services or the clients, or for the benchmarks."""
    homes = [ROOT / "services", ROOT / "clients" / "nhanhsync"]
    folders = {path.parent.relative_to(ROOT / "tests" / "unit") for path in tracked("tests/unit/**/test_*.py")}
    folders -= {Path("bench")}
    assert [str(folder) for folder in folders if not any((home / folder).is_dir() for home in homes)] == []


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "requirements-dev.lock",
        "tools/protoc/requirements.lock",
        "bench/peers/dlt.lock",
        "bench/peers/tap.lock",
    ],
)
def test_locks_are_pinned_with_hashes_and_name_no_host(lock: str) -> None:
    """A lock installs the same files from whatever index a machine uses."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert requirements
    assert [line for line in requirements if "==" not in line or not line.endswith("\\")] == []


def test_every_refusal_reason_has_an_example() -> None:
    """A caller can see what each reason looks like on the wire."""
    for path in (ROOT / "protos").rglob("error_reason.proto"):
        body = path.read_text().split("enum ErrorReason {")[1]
        values = re.findall(r"((?:\s*//[^\n]*\n)+)\s*(ERROR_REASON_\w+) = \d+;", body)
        assert len(values) == len(re.findall(r"ERROR_REASON_\w+ = \d+;", body))
        assert [
            name for comment, name in values if name != "ERROR_REASON_UNSPECIFIED" and "Example:" not in comment
        ] == []


@pytest.mark.parametrize("service", ["job_tracker", "sync_worker"])
def test_domains_stand_on_the_standard_library_alone(service: str) -> None:
    """A domain imports its own floor and what Python brings, and nothing else."""
    foreign = set()
    for path in (ROOT / "services" / service / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            foreign |= {
                name
                for name in names
                if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(f"{service}.domain")
            }
    assert foreign == set()
