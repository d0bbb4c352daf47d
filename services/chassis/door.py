"""The door that every call passes before anything else is looked at: who calls, within which limits, and what they may do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from chassis.auth import (
    ANYBODY,
    Caller,
    PermissionDeniedError,
    PermissionsChangedError,
    Role,
    Tokens,
    UnauthenticatedError,
    answer_to,
    bearer_hash,
)
from chassis.limits import Limits

Scope = Callable[[Caller, Any], Awaitable[bool]]
"""Holds a request against its caller: False when it names what is not the caller's. It may narrow the request."""

Metadata = Sequence[tuple[str, str | bytes]]

OPEN = "/grpc.health."
"""Asks for no token: whoever runs the server must be able to see whether it lives."""
FOR_ANY_TOKEN = "/grpc.reflection."  # noqa: S105 - a service's name


@dataclass(frozen=True, slots=True)
class Permission:
    """What a call asks of its caller: a role, and that what it names is theirs.

    `who` is the field that says who asks; left empty, it gets the name of the caller's token.
    """

    role: Role
    scope: Scope
    who: str = ""


async def anything(_caller: Caller, _request: Any) -> bool:  # noqa: ANN401 - any request
    """Let pass: the call is bound to no store, or its servicer looks only at the caller's."""
    return True


async def all_stores(caller: Caller, _request: Any) -> bool:  # noqa: ANN401 - any request
    """Let callers pass who are not limited to some stores: the call touches all of them."""
    return caller.stores is None


def store_in(field: str) -> Scope:
    """Let pass whoever owns the store that a field names, such as `options.store_id`."""

    async def scope(caller: Caller, request: Any) -> bool:  # noqa: ANN401 - any request
        parent, name = _parent(request, field)
        return caller.owns(getattr(parent, name))

    return scope


def stores_in(field: str) -> Scope:
    """Let pass whoever owns all stores that a list names, such as `filter.store_ids`; an empty one is narrowed to theirs."""

    async def scope(caller: Caller, request: Any) -> bool:  # noqa: ANN401 - any request
        if caller.stores is None:
            return True
        parent, name = _parent(request, field)
        named = getattr(parent, name)
        if not named:
            named.extend(caller.stores)
        return all(map(caller.owns, named))

    return scope


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the door, and with which token; None where no tokens are asked for."""

    caller: Caller
    token_hash: str | None = None


class Door:
    """Knows the tokens, the permissions of every call, by name without its service, and the limits."""

    def __init__(
        self,
        permissions: Mapping[str, Permission] | None = None,
        *,
        tokens: Tokens | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._permissions = permissions
        self._tokens = tokens
        self._limits = limits or Limits()
        self._strangers = self._limits.afresh()  # by host, which may be called as a token is

    def identify(self, method: str, metadata: Metadata) -> Visitor:
        """Find who calls, and see whether their role is one for this call; nothing of the request is looked at.

        Raises:
            UnauthenticatedError: No token, or an unknown one.
            PermissionDeniedError: Not with this role.
        """
        if self._tokens is None or method.startswith(OPEN):
            return Visitor(ANYBODY)
        token_hash = bearer_hash(metadata)
        if token_hash is None:
            raise UnauthenticatedError("this server asks for a bearer token")
        caller = self._tokens.caller(token_hash)
        if caller is None:
            raise UnauthenticatedError("this bearer token is unknown, or was withdrawn")
        permission = self._permission(method)
        if permission is not None and not caller.may(permission.role):
            raise PermissionDeniedError(_call(method), caller.name)
        return Visitor(caller, token_hash)

    def turned_away(self, peer: str) -> None:
        """Count a call that is refused before it is looked at; who tries and tries is not even told why.

        Raises:
            QuotaExceededError: Its host had too many refused.
        """
        self._strangers.call(host_of(peer))

    def seat_of_host(self, peer: str) -> AbstractContextManager[None]:
        """Hold a seat for a stream that asks for no token.

        Raises:
            QuotaExceededError: When it is entered: all seats of the host are taken.
        """
        return self._strangers.stream(host_of(peer))

    @asynccontextmanager
    async def passed(
        self, method: str, visitor: Visitor, request: object, peer: str, *, seated: bool
    ) -> AsyncIterator[None]:
        """Let a call pass, and hold what it needs for as long as it lasts: a seat, where it is `seated`.

        Raises:
            QuotaExceededError: Over the caller's limits.
            PermissionDeniedError: The request names what is not the caller's.
            UnauthenticatedError: The token was withdrawn while the call, a stream or a long poll, was open.
            PermissionsChangedError: What the token allows has changed since.
        """
        caller = visitor.caller
        quota_of = caller.name or host_of(peer)
        self._limits.call(quota_of)
        answer_to(caller)
        permission = self._permission(method)
        with ExitStack() as held:
            if seated:
                held.enter_context(self._limits.stream(quota_of))
            if permission is not None:
                if not await permission.scope(caller, request):
                    raise PermissionDeniedError(_call(method), caller.name)
                if permission.who and caller.name:
                    parent, name = _parent(request, permission.who)
                    setattr(parent, name, getattr(parent, name) or caller.name)
            if self._tokens is None:
                yield
                return
            async with self._while_allowed(self._tokens, visitor):
                yield

    @asynccontextmanager
    async def _while_allowed(self, tokens: Tokens, visitor: Visitor) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as until:

                def look() -> None:
                    if tokens.caller(visitor.token_hash) != visitor.caller and not until.expired():
                        until.reschedule(loop.time())

                stop_listening = tokens.listen(look)
                try:
                    look()  # it may have changed since the caller was found
                    yield
                finally:
                    stop_listening()
        except TimeoutError:
            if not until.expired():
                raise
            if tokens.caller(visitor.token_hash) is None:
                raise UnauthenticatedError("this bearer token was withdrawn") from None
            raise PermissionsChangedError from None

    def _permission(self, method: str) -> Permission | None:
        """Find a call's row; what is not one of the service's own calls has none. A call without a row is let to nobody."""
        if self._permissions is None or method.startswith((OPEN, FOR_ANY_TOKEN)):
            return None
        return self._permissions[_call(method)]


@asynccontextmanager
async def standing_door(
    permissions: Mapping[str, Permission], *, tokens_file: str, limits: Limits
) -> AsyncIterator[Door]:
    """Make the door of a service, and look after its tokens file for as long as the context lasts; an empty name is none.

    Raises:
        TokensFileError: The file cannot be used.
    """
    if not tokens_file:
        yield Door(permissions, limits=limits)
        return
    tokens = Tokens(Path(tokens_file))
    watching = asyncio.create_task(tokens.watch())
    try:
        yield Door(permissions, tokens=tokens, limits=limits)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def host_of(peer: str) -> str:
    """Find the host in what gRPC calls a peer, such as `ipv4:127.0.0.1:50123` or `ipv6:%5B::1%5D:50123`."""
    kind, _, address = unquote(peer).partition(":")
    return address.rpartition(":")[0] if kind in ("ipv4", "ipv6") else peer


def _call(method: str) -> str:
    return method.rpartition("/")[2]


def _parent(request: object, field: str) -> tuple[Any, str]:
    *path, name = field.split(".")
    for step in path:
        request = getattr(request, step)
    return request, name
