"""The tokens file, and who a call's metadata says is calling."""

import hashlib
import os
from pathlib import Path

import pytest
import structlog
from chassis.auth import Caller, Role, Tokens, TokensFileError, bearer_hash, read_tokens

from tests.fakes.callers import FakeCaller, write_tokens

VIEWER = FakeCaller("dashboard", ("viewer",), ("hanoi", "danang"))
OPERATOR = FakeCaller("night/shift@example.com", ("operator", "worker"))


def hash_of(caller: FakeCaller) -> str | None:
    """What the service computes of a call of theirs."""
    return bearer_hash(caller.metadata)


def test_a_row_is_a_caller(tmp_path: Path) -> None:
    """Name, roles and stores; no stores are all of them."""
    table = read_tokens(write_tokens(tmp_path / "tokens.toml", VIEWER, OPERATOR))
    assert table[hash_of(VIEWER) or ""] == Caller("dashboard", frozenset({Role.VIEWER}), ("danang", "hanoi"))
    everywhere = table[hash_of(OPERATOR) or ""]
    assert everywhere.stores is None
    assert everywhere.owns("")
    assert [everywhere.may(role) for role in Role] == [True, True, True]
    limited = table[hash_of(VIEWER) or ""]
    assert [limited.may(role) for role in (Role.VIEWER, Role.OPERATOR, Role.WORKER)] == [True, False, False]
    assert [limited.owns(store) for store in ("hanoi", "hue", "")] == [True, False, False]
    assert not Caller("x", frozenset({Role.WORKER})).may(Role.VIEWER)


def test_all_faults_of_a_file_are_named_together_and_show_no_token(tmp_path: Path) -> None:
    """A file is corrected once; a token that stands where its hash belongs is not repeated."""
    path = tmp_path / "tokens.toml"
    digest = hashlib.sha256(b"x").hexdigest()
    path.write_text(
        f"""
extra = 1
[[tokens]]
name = ""
sha256 = "nhs_secret"
roles = []
[[tokens]]
name = "a"
sha256 = "{digest}"
roles = ["viewer"]
[[tokens]]
name = "b"
sha256 = "{digest}"
roles = ["admin"]
stores = []
colour = "red"
[[tokens]]
name = "c"
sha256 = "{digest}"
roles = ["viewer"]
"""
    )
    with pytest.raises(TokensFileError) as raised:
        read_tokens(path)
    faults = "\n".join(raised.value.faults)
    for said in (
        "'extra' is no key",
        "token 1 needs a name",
        "token 1 needs the sha256",
        "token 1 needs roles",
        "token 3 has an unknown key 'colour'",
        "token 3 needs roles",
        "token 3 has stores that are no list",
        "token 4 has the same sha256",
    ):
        assert said in faults
    assert "nhs_secret" not in faults


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no [[tokens]]"),
        (b"[tokens]\n", "has no [[tokens]]"),
        (b"tokens = [1]\n", "token 1 is no table"),
        (b'secret = nhs_secret"\n', "is no TOML: at line 1"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_is_no_tokens_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """An empty file is half-written rather than meant; `tokens = []` says nobody."""
    path = tmp_path / "tokens.toml"
    path.write_bytes(content)
    with pytest.raises(TokensFileError) as raised:
        read_tokens(path)
    assert said in str(raised.value)
    assert "nhs_secret" not in str(raised.value)
    path.write_text("tokens = []\n")
    assert read_tokens(path) == {}
    with pytest.raises(TokensFileError, match="cannot be read: No such file"):
        read_tokens(tmp_path / "absent.toml")


def test_a_changed_file_is_taken_over_whatever_its_times_say(tmp_path: Path) -> None:
    """Its bytes count: two writes of one moment have one time. Listeners are told after each change, and only then."""
    path = write_tokens(tmp_path / "tokens.toml", VIEWER)
    tokens = Tokens(path)
    told: list[bool] = []
    stop = tokens.listen(lambda: told.append(tokens.caller(hash_of(OPERATOR)) is not None))
    times = path.stat()
    tokens.look()
    write_tokens(path, VIEWER, OPERATOR)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    tokens.look()
    assert told == [True]
    write_tokens(path, VIEWER)
    stop()
    tokens.look()
    assert told == [True]
    assert tokens.caller(hash_of(OPERATOR)) is None


def test_each_broken_version_is_told_of_once(tmp_path: Path) -> None:
    """The table before it stays; the log is not filled with the same sentence every second."""
    path = write_tokens(tmp_path / "tokens.toml", VIEWER)
    tokens = Tokens(path)
    with structlog.testing.capture_logs() as logs:
        for content in ("[", "[", "]", None, None):
            path.unlink() if content is None and path.exists() else None
            if content is not None:
                path.write_text(content)
            tokens.look()
    assert [line["log_level"] for line in logs] == ["error"] * 3
    assert tokens.caller(hash_of(VIEWER)) is not None


@pytest.mark.parametrize("header", ["Bearer token", "bearer token", "BEARER  token "])
def test_a_bearer_token_is_found(header: str) -> None:
    """The scheme's case does not matter; see RFC 9110, section 11.1."""
    assert bearer_hash([("x", "y"), ("authorization", header)]) == hashlib.sha256(b"token").hexdigest()


@pytest.mark.parametrize("values", [[], ["token"], ["Bearer"], ["Bearer "], ["Basic token"], ["Bearer a", "Bearer b"]])
def test_what_is_no_bearer_token_is_none(values: list[str]) -> None:
    """Two tokens are none: nobody could say which one counts."""
    assert bearer_hash([("authorization", value) for value in values]) is None
