"""Commands of other packages: found by entry points, and no harm to the command's own."""

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from nhanhsync.cli.main import OWN, main, make_app
from nhanhsync.cli.plugins import GROUP, asked
from typer.testing import CliRunner

from tests.fakes.command_line import unframed

Install = Callable[[str], None]

GOOD = """
import typer

def greet(name: str) -> None:
    "Greet somebody."
    typer.echo(f"hello {name}")

several = typer.Typer(help="Several greetings.")
several.command("greet")(greet)
several.command("part")(greet)
"""
FAULTY = """
def takes_what_cannot_be_typed(what: list[list[int]]) -> None:
    "Cannot be built."

neither = 7
"""
POINTS = {
    "greet": "good_plugin:greet",
    "several": "good_plugin:several",
    "absent": "no_such_module:command",
    "nameless": "good_plugin:nothing",
    "raising": "raising_plugin:command",
    "leaving": "leaving_plugin:command",
    "strange": "faulty_plugin:takes_what_cannot_be_typed",
    "neither": "faulty_plugin:neither",
    "verify": "good_plugin:greet",
}
BROKEN = {"absent", "nameless", "raising", "leaving", "strange", "neither"}


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Packages with good and broken entry points, installed in a folder; the names of those that were loaded."""
    (tmp_path / "good_plugin.py").write_text(GOOD)
    (tmp_path / "faulty_plugin.py").write_text(FAULTY)
    (tmp_path / "raising_plugin.py").write_text("raise RuntimeError('no [/] today')\n")
    (tmp_path / "leaving_plugin.py").write_text("raise SystemExit(0)\n")
    metadata = tmp_path / "plugins-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins\nVersion: 1.0\n")
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in POINTS.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    names: list[str] = []
    load = importlib.metadata.EntryPoint.load

    def remembered(point: importlib.metadata.EntryPoint) -> object:
        names.append(point.name)
        return load(point)

    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", remembered)
    return names


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command as the shell does: its exit code, output and errors."""
    monkeypatch.setattr(sys, "argv", ["nhanhsync", *words])
    with pytest.raises(SystemExit) as ending:
        main()
    printed = capsys.readouterr()
    assert isinstance(ending.value.code, int)
    return ending.value.code, printed.out, printed.err


@pytest.mark.parametrize("line", ["greet An", "--job-tracker 127.0.0.1:1 greet An", "several greet An"])
def test_a_function_and_a_typer_become_commands(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """They run with their own arguments, though other entry points are broken."""
    assert run(monkeypatch, capsys, *line.split()) == (0, "hello An\n", "")
    assert "greet" in loaded


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_one_is_an_error_of_its_command_alone(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Its command ends with 1 and says which object cannot be loaded."""
    code, out, err = run(monkeypatch, capsys, name)
    assert (code, out) == (1, "")
    assert f"the command {name!r} ({POINTS[name]}) cannot be loaded: " in err
    assert name in loaded


def test_the_help_lists_all_and_says_what_is_broken(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One broken package does not take the help from the others; what it says is no markup."""
    code, out, _ = run(monkeypatch, capsys, "--help")
    assert code == 0
    assert all(name in out for name in OWN | set(POINTS))
    assert "Cannot be loaded: no [/] today" in out
    assert "Greet somebody." in out
    assert set(loaded) >= set(POINTS) - OWN
    assert set(loaded) & OWN == set()


@pytest.mark.parametrize(
    "words",
    [
        ["version"],
        ["--job-tracker", "greet", "version"],
        ["--sync-worker=greet", "version"],
        ["--job-tracker", "a:1", "--sync-worker", "b:1", "version"],
        ["verify", "--help"],
    ],
)
def test_own_commands_load_nothing(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Whatever options stand before them, and though a package offers a command of the same name."""
    code, out, _ = run(monkeypatch, capsys, *words)
    assert (code, loaded) == (0, [])
    assert "hello" not in out


@pytest.mark.parametrize(
    ("words", "command"),
    [([], None), (["--help"], None), (["--job-tracker"], None), (["--", "run"], "run"), (["run", "x"], "run")],
)
def test_the_command_that_is_asked_for_is_found(words: list[str], command: str | None) -> None:
    """The first word that is no option and no option's value."""
    assert asked(words) == command


def test_the_list_of_own_commands_is_complete() -> None:
    """A command that were missing in it would load every plugin first."""
    group = typer.main.get_command(make_app())
    assert set(group.commands) == OWN  # type: ignore[attr-defined]  # a group


def test_arguments_that_are_no_text_are_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes that are no UTF-8 fit no string of the contract."""
    assert run(monkeypatch, capsys, "jobs", "show", "\udcff") == (2, "", "the arguments are not UTF-8\n")


@pytest.mark.parametrize("option", ["--job-tracker", "--sync-worker"])
@pytest.mark.parametrize("address", ["", "http://127.0.0.1:50051", "https://jobs:443"])
def test_an_address_that_is_none_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, address: str
) -> None:
    """It ends with 2 and names the option, before anything is asked."""
    code, out, err = run(monkeypatch, capsys, option, address, "jobs", "list")
    assert (code, out) == (2, "")
    assert f"{option}: {address!r} is no address; write host:port" in unframed(err)


def test_no_argument_at_all_shows_the_help() -> None:
    """It ends with 2, since nothing was done."""
    result = CliRunner().invoke(make_app(), [])
    assert (result.exit_code, "Commands" in result.output) == (2, True)
