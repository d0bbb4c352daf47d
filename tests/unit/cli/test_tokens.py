"""`nhanhsync tokens new`, and how the command is given a token."""

import hashlib
import tomllib
from pathlib import Path

import pytest
from chassis.auth import Caller, Role, read_tokens

from tests.fakes.command_line import NOBODY, typed


def test_a_new_token_is_printed_once_with_the_lines_that_know_it(tmp_path: Path) -> None:
    """The first line is the token, the rest is TOML that the services read; the token has 32 random bytes."""
    ran = typed(["tokens", "new", "night-shift", "--role", "operator", "--role", "worker", "--store", "hanoi"])
    token, _, lines = ran.out.partition("\n")
    assert ran.code == 0
    assert len(token) == len("nhs_") + 43
    path = tmp_path / "tokens.toml"
    path.write_text(lines)
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert read_tokens(path) == {digest: Caller("night-shift", frozenset({Role.OPERATOR, Role.WORKER}), ("hanoi",))}
    assert token not in ran.err + lines
    assert typed(["tokens", "new", "a", "--role", "viewer"]).out.splitlines()[0] != token


def test_a_script_reads_json() -> None:
    """The same two things, in one document; without --store the token is for all stores."""
    found = typed(["tokens", "new", "dashboard", "--role", "viewer", "--json"]).document
    (row,) = tomllib.loads(found["toml"])["tokens"]
    digest = hashlib.sha256(found["token"].encode()).hexdigest()
    assert row == {"name": "dashboard", "sha256": digest, "roles": ["viewer"]}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["no name", "--role", "viewer"], "is no name"),
        (["a"], "Missing option '--role'"),
        (["a", "--role", "admin"], "'admin' is not one of"),
        (["a", "--role", "viewer", "--store", "Hà Nội"], "is no store's id"),
    ],
)
def test_what_a_tokens_file_would_not_take_is_not_made(words: list[str], complaint: str) -> None:
    """The services' rules hold here, too."""
    ran = typed(["tokens", "new", *words])
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.complaint


def test_a_token_is_never_sent_in_the_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file or the environment, with addresses elsewhere: wrong usage, and the token is not shown."""
    (tmp_path / "token").write_text("nhs_secret\n")
    elsewhere = ["--job-tracker", "jobs.example.com:1"]
    ran = typed([*elsewhere, "--token-file", str(tmp_path / "token"), "jobs", "list"])
    assert ran.code == 2
    assert "over plaintext" in ran.complaint
    monkeypatch.setenv("NHANHSYNC_TOKEN", "nhs_secret")
    ran = typed([*elsewhere, "jobs", "list"])
    assert ran.code == 2
    assert "nhs_secret" not in ran.err + ran.out


def test_files_that_cannot_be_used_are_wrong_usage(tmp_path: Path) -> None:
    """Each is said in a sentence, before anything is called."""
    absent = str(tmp_path / "absent")
    (tmp_path / "empty").write_text("\n")
    here = ["--job-tracker", NOBODY, "--sync-worker", NOBODY]
    for words, complaint in (
        (["--token-file", absent], "cannot be read"),
        (["--token-file", str(tmp_path / "empty")], "holds no token"),
        (["--ca", absent], "cannot be read"),
        (["--certificate", str(tmp_path / "empty")], "the key is missing"),
    ):
        ran = typed([*here, *words, "health"])
        assert ran.code == 2
        assert complaint in ran.complaint
