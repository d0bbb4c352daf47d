"""Every command says how it is used, by an example, and what it ends with."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from nhanhsync.cli.exits import EXIT_CODES, EXIT_OF_STATE, Exit
from nhanhsync.cli.main import make_app
from nhanhsync.client.requests import FINAL_STATES

from tests.fakes.command_line import typed, unframed

README = Path(__file__).resolve().parents[3] / "README.md"


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command under a group, by the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


COMMANDS = list(commands(typer.main.get_command(make_app())))


def test_no_command_is_left_out() -> None:
    """The list that the tests below stand on is not short by mistake."""
    assert len(COMMANDS) == 25


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_the_exit_codes(words: tuple[str, ...]) -> None:
    """The example is of this very command, and its words can be split by a shell."""
    ran = typed([*words, "--help"])
    assert (ran.code, ran.err) == (0, "")
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", ran.out)]
    examples = [each.removeprefix("Example: ") for each in paragraphs if each.startswith("Example: ")]
    assert examples
    for example in examples:
        assert tuple(shlex.split(example)[: 1 + len(words)]) == ("nhanhsync", *words)
    assert EXIT_CODES in unframed(ran.out)
    assert "\x1b" not in ran.out


def described() -> Iterator[str]:
    """Every command of the README's table of what is done while jobs run, or after, as it is written there."""
    (table,) = re.findall(r"^\| command \| what \|\n\|---\|---\|\n((?:\|.*\n)+)", README.read_text(), re.MULTILINE)
    for row in table.splitlines():
        yield from re.findall(r"`([^`]+)`", row.split("|")[1])


def test_what_the_readme_says_is_there() -> None:
    """Each command of its table is one, and takes the options that it is shown with."""
    lines = list(described())
    assert len(lines) == 14
    for line in lines:
        words = line.split()
        (command,) = [known for known in COMMANDS if tuple(words[: len(known)]) == known]
        shown = unframed(typed([*command, "--help"]).out)
        for option in [word for word in words if word.startswith("--")]:
            assert f"{option} " in shown, line


def test_every_exit_code_is_documented() -> None:
    """A script can rely on each number."""
    for code in Exit:
        assert f" {int(code)} " in EXIT_CODES
    for code in (Exit.FAILED, Exit.PARTIALLY_COMPLETED, Exit.CANCELLED):
        assert f"{int(code)} {code.name}" in EXIT_CODES


def test_every_final_state_has_an_exit_code_of_its_own() -> None:
    """A script can tell the endings apart."""
    assert set(EXIT_OF_STATE) == FINAL_STATES
    assert len(set(EXIT_OF_STATE.values())) == len(FINAL_STATES)
