"""Who calls, by bearer token: a table of callers in a TOML file that is read again whenever it changes.

    [[tokens]]
    name = "dashboard"                       # whom records and refusals name
    sha256 = "9f86d081884c7d65…"             # of the token; the token itself stands nowhere
    roles = ["viewer"]                       # viewer, operator (a viewer, too), worker
    stores = ["hanoi"]                       # left out: all

Several tokens may share a name, so that a new one can be handed out before the old one is withdrawn.
"""

import asyncio
import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 1.0
"""A changed tokens file is in force after this at the latest; streams of withdrawn tokens end then."""
MOST_STORES = 100
"""A filter of the contract names no more stores, and an empty one is narrowed to the caller's."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@/-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STORE = re.compile(r"[a-z0-9_-]{1,64}")


class Role(StrEnum):
    """What a caller is there for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. An empty name is nobody in particular; `stores` None means all of them."""

    name: str
    roles: frozenset[Role]
    stores: tuple[str, ...] | None = None

    def may(self, role: Role) -> bool:
        """Whether the caller has a role; an operator is a viewer, too."""
        return role in self.roles or (role is Role.VIEWER and Role.OPERATOR in self.roles)

    def owns(self, store_id: str) -> bool:
        """Whether a store is one of the caller's; the empty store is nobody's but theirs who have all."""
        return self.stores is None or store_id in self.stores


ANYBODY = Caller("", frozenset(Role))
"""Whoever calls where no tokens are asked for."""

_caller: ContextVar[Caller] = ContextVar("caller", default=ANYBODY)


def current_caller() -> Caller:
    """Say who makes the call that is being answered."""
    return _caller.get()


def answer_to(caller: Caller) -> None:
    """Take a caller for the one of this call; every call is answered in a task, and so in a context, of its own."""
    _caller.set(caller)


class UnauthenticatedError(Exception):
    """The call carries no token, or one that is unknown or withdrawn."""


class PermissionDeniedError(Exception):
    """The caller's role does not allow the call, or its stores do not hold what the call names, whether that exists or not."""

    def __init__(self, call: str, caller: str) -> None:
        super().__init__(
            f"the token {caller!r} does not allow {call} here: either not its role, or not for what is named"
        )
        self.call = call
        self.caller = caller


class PermissionsChangedError(Exception):
    """What a token allows has changed under an open stream; ask again, and the new permissions hold."""

    def __init__(self) -> None:
        super().__init__("what this token allows has changed; ask again")


class TokensFileError(Exception):
    """A tokens file cannot be used; `faults` has a sentence for each thing that is wrong, and shows no token."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


Table = Mapping[str, Caller]
"""Callers by the SHA-256 of their tokens."""


def read_tokens(path: Path) -> Table:
    """Read a tokens file.

    Raises:
        TokensFileError: With every fault.
    """
    try:
        return _table(path, path.read_bytes())
    except OSError as error:
        raise TokensFileError([f"{path} cannot be read: {error.strerror or error}"]) from None


def bearer_hash(metadata: Sequence[tuple[str, str | bytes]]) -> str | None:
    """Hash the bearer token of a call's metadata; None when there is none, or more than one.

    SHA-256 without salt or stretching is right here: a token is 32 random bytes, so there is no dictionary to try, and
    every call has to be fast. What is looked up is the hash, so the time that it takes says nothing of the token.
    """
    values = [value for name, value in metadata if name.lower() == "authorization"]
    if len(values) != 1:
        return None
    text = values[0] if isinstance(values[0], str) else values[0].decode("latin-1")
    scheme, _, token = text.partition(" ")
    token = token.strip()
    return hashlib.sha256(token.encode()).hexdigest() if scheme.lower() == "bearer" and token else None


class Tokens:
    """The tokens file's table, and who wants to hear when it changes."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            TokensFileError: With every fault.
        """
        self._path = path
        self._seen = self._content()
        self._table = read_tokens(path)
        self._listeners: set[Callable[[], None]] = set()

    def caller(self, token_hash: str | None) -> Caller | None:
        """Find whose token it is; None for nobody's."""
        return None if token_hash is None else self._table.get(token_hash)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call somebody after every change; gives what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def look(self) -> None:
        """Take the file over if it has changed; one that cannot be used leaves the table before it in force, and says so."""
        self._take_over(self._content())

    async def watch(self) -> None:
        """Look again and again; never ends by itself."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            self._take_over(await asyncio.to_thread(self._content))

    def _content(self) -> bytes | None:
        """Read the bytes: small, and surer than times of change, which two writes of one moment share."""
        try:
            return self._path.read_bytes()
        except OSError:
            return None

    def _take_over(self, content: bytes | None) -> None:
        if content == self._seen:
            return
        self._seen = content
        try:
            if content is None:
                raise TokensFileError([f"{self._path} cannot be read"])
            self._table = _table(self._path, content)
        except TokensFileError as error:
            sentence = "the tokens file cannot be used; the tokens before it stay in force"
            log.error(sentence, path=str(self._path), faults=error.faults)  # noqa: TRY400 - no fault of the code's
            return
        log.info("the tokens file was taken over", path=str(self._path), tokens=len(self._table))
        for listener in list(self._listeners):
            listener()


def _table(path: Path, content: bytes) -> Table:
    try:
        document = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise TokensFileError([f"{path} is not UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise TokensFileError([f"{path} is no TOML: {_place(error)}"]) from None
    rows = document.get("tokens")
    faults = [f"{path}: {name!r} is no key of a tokens file; write [[tokens]]" for name in document if name != "tokens"]
    if not isinstance(rows, list):
        raise TokensFileError([*faults, f"{path} has no [[tokens]]"])
    table: dict[str, Caller] = {}
    for number, row in enumerate(rows, 1):
        where = f"{path}: token {number}"
        caller, wrong = _caller_of(row) if isinstance(row, dict) else (None, ["is no table"])
        faults += [f"{where} {fault}" for fault in wrong]
        if caller is not None:
            if row["sha256"] in table:
                faults.append(f"{where} has the same sha256 as one before it")
            table[row["sha256"]] = caller
    if faults:
        raise TokensFileError(faults)
    return table


def _caller_of(row: Mapping[str, Any]) -> tuple[Caller | None, list[str]]:
    name, digest, roles, stores = (row.get(key) for key in ("name", "sha256", "roles", "stores"))
    faults = [f"has an unknown key {key!r}" for key in row if key not in ("name", "sha256", "roles", "stores")]
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        faults.append("needs a name of 1 to 64 letters, digits and _ . @ / -")
    if not isinstance(digest, str) or _SHA256.fullmatch(digest) is None:
        faults.append("needs the sha256 of the token, 64 hexadecimal digits in small letters")  # never shown
    known = {str(role) for role in Role}
    if not isinstance(roles, list) or not roles or any(role not in known for role in roles):
        faults.append(f"needs roles, some of {', '.join(sorted(known))}")
    if stores is not None and (
        not isinstance(stores, list)
        or not 1 <= len(stores) <= MOST_STORES
        or any(not isinstance(store, str) or _STORE.fullmatch(store) is None for store in stores)
    ):
        faults.append(f"has stores that are no list of 1 to {MOST_STORES} store ids; leave stores out for all")
    if faults:
        return None, faults
    assert isinstance(name, str)  # noqa: S101 - checked above
    limited = None if stores is None else tuple(sorted(set(stores)))
    return Caller(name, frozenset(Role(role) for role in roles or ()), limited), []


def _place(error: tomllib.TOMLDecodeError) -> str:
    """Say where a file stops being TOML; the parser's own words may show what stands there."""
    found = re.search(r"\((at [^()]+)\)$", str(error))
    return found[1] if found else "it cannot be parsed"
