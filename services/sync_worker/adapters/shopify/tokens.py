"""The access token that a shop is called with: one that stands in the stores file, or one that is granted for a day.

The grant is the one of Shopify's "Using the client credentials grant" page. A granted token lives in memory alone.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlencode

import structlog

from sync_worker.adapters.backoff import retry_after_seconds
from sync_worker.adapters.http.port import Http, HttpFailure, TimedOut
from sync_worker.adapters.quotas.buckets import UNEXPLAINED_PAUSE_SECONDS
from sync_worker.adapters.shopify.answers import (
    LONGEST_RETRY_AFTER,
    Fault,
    RateLimited,
    Refused,
    json_of,
    said,
    status_answer,
)
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.failures import AccessRefused, MalformedAnswer
from sync_worker.domain.stores import ClientCredentials, ShopifyAccount

LARGEST_MARGIN_SECONDS = 300.0
"""A token is replaced so long before it expires; one that lives only a little longer, after nine tenths of its life."""

REFUSAL_SECONDS = 10.0
"""A refused grant is not asked for again for so long, by any job; short, since people try again once they have mended it."""

_REFUSED_CLIENT = frozenset({400, 401, 403})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `expires_at` is on the clock's monotonic time; None: it does not expire."""

    text: str = field(repr=False)
    expires_at: float | None = None


NoToken = Fault | RateLimited | Refused


class Tokens(Protocol):
    """Where the token of a shop comes from."""

    granted: bool
    """Whether tokens are granted, and expire."""

    async def current(self, gate: CallGate) -> Token | NoToken:
        """Give a token that is good for the next call, or why there is none; a new one is fetched behind the job's gate."""
        ...

    def replace(self, refused: Token) -> bool:
        """Whether another token can be had in place of one that Shopify does not take."""
        ...

    def expires_at(self) -> float | None:
        """When the token at hand expires, on the clock's monotonic time."""
        ...


def tokens_of(account: ShopifyAccount, http: Http, clock: Clock, call_seconds: float) -> Tokens:
    """Open the source of a shop's tokens."""
    credentials = account.credentials
    if isinstance(credentials, ClientCredentials):
        return GrantedTokens(account, credentials, http, clock, call_seconds)
    return StaticToken(credentials)


class StaticToken:
    """The token of the stores file."""

    granted = False

    def __init__(self, text: str) -> None:
        self._token = Token(text)

    async def current(self, gate: CallGate) -> Token | NoToken:
        """Give it."""
        return self._token

    def replace(self, refused: Token) -> bool:
        """There is no other."""
        return False

    def expires_at(self) -> float | None:
        """It does not expire."""
        return None


class GrantedTokens:
    """Tokens that Shopify grants for a client id and its secret; all jobs of the process share the one at hand."""

    granted = True

    def __init__(
        self,
        account: ShopifyAccount,
        credentials: ClientCredentials,
        http: Http,
        clock: Clock,
        call_seconds: float,
    ) -> None:
        self._shop = account.shop
        self._url = f"{account.base_url.rstrip('/')}/admin/oauth/access_token"
        self._credentials = credentials
        self._http = http
        self._clock = clock
        self._call_seconds = call_seconds
        self._token: Token | None = None
        self._replaced_at = 0.0
        self._held: NoToken | None = None
        self._held_until = 0.0
        self._asking: asyncio.Future[Token | NoToken | MalformedAnswer | None] | None = None

    async def current(self, gate: CallGate) -> Token | NoToken:
        """Give the token at hand, or fetch one: one job asks for it, the others wait for what it gets, be it a failure.

        After a refusal nobody asks for a while, nor as long as Shopify asks us to call less.

        Raises:
            MalformedAnswer: What was granted is no token, or has no end.
            WorkStopped: The gate is shut, and nobody else has asked.
        """
        passed = False
        while True:
            now = self._clock.monotonic()
            if self._token is not None and now < self._replaced_at:
                return self._token
            if self._asking is not None:
                shared = await asyncio.shield(self._asking)
                if isinstance(shared, MalformedAnswer):
                    raise shared
                if shared is not None:
                    return shared
                passed = False
            elif self._held is not None and now < self._held_until:
                rest = self._held_until - now
                if not isinstance(self._held, RateLimited):
                    return self._held
                if rest > LONGEST_RETRY_AFTER:
                    return replace(self._held, retry_after=rest)
                await self._clock.sleep(rest)
                passed = False
            elif not passed:
                await gate.pass_through(self._call_seconds)
                passed = True
            else:
                return await self._ask()

    def replace(self, refused: Token) -> bool:
        """Forget a token that was taken back; one that came since is kept, and is to be tried."""
        if self._token is refused:
            self._token = None
        return True

    def expires_at(self) -> float | None:
        """When the token at hand expires; None when there is none."""
        return None if self._token is None else self._token.expires_at

    async def _ask(self) -> Token | NoToken:
        """Ask for a token, for all who come meanwhile; if this one is cut short, another of them asks."""
        asking: asyncio.Future[Token | NoToken | MalformedAnswer | None] = asyncio.get_running_loop().create_future()
        self._asking = asking
        try:
            answer = await self._fetch()
        except MalformedAnswer as error:
            asking.set_result(error)
            raise
        else:
            known = self._keep(answer) if isinstance(answer, _Grant) else self._hold(answer)
            asking.set_result(known)
            return known
        finally:
            self._asking = None
            if not asking.done():
                asking.set_result(None)

    def _keep(self, grant: "_Grant") -> Token:
        now = self._clock.monotonic()
        self._token = Token(grant.token, now + grant.seconds)
        self._replaced_at = now + grant.seconds - min(LARGEST_MARGIN_SECONDS, grant.seconds / 10)
        log.info("shopify_granted_a_token", shop=self._shop, seconds=grant.seconds)
        return self._token

    def _hold(self, failure: NoToken) -> NoToken:
        """Remember a failure for as long as it would be asked for in vain."""
        if isinstance(failure, Fault):
            return failure
        seconds = REFUSAL_SECONDS
        if isinstance(failure, RateLimited):
            seconds = UNEXPLAINED_PAUSE_SECONDS if failure.retry_after is None else failure.retry_after
        self._held, self._held_until = failure, self._clock.monotonic() + seconds
        return failure

    async def _fetch(self) -> "_Grant | NoToken":
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        try:
            response = await self._http.post(
                self._url,
                urlencode(form).encode(),
                {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"},
                seconds=self._call_seconds,
            )
        except TimedOut:
            return Fault("TIMEOUT", f"{self._shop} did not grant a token within {self._call_seconds:g} s", False)
        except HttpFailure as failure:
            message = f"the connection to {self._shop} failed while a token was asked for: {failure}"
            return Fault("CONNECTION_FAILED", message, False)
        secret = self._credentials.client_secret.encode()
        body = json_of(response.content.replace(secret, b"[hidden]"))
        return _grant_of(self._shop, response.status, response.headers, body)


@dataclass(frozen=True, slots=True)
class _Grant:
    token: str = field(repr=False)
    seconds: float


def _grant_of(shop: str, status: int, headers: Mapping[str, str], body: object) -> _Grant | NoToken:
    """Tell what an answer to the request for a token means.

    Raises:
        MalformedAnswer: It is a success without a token, or without the time for which it is good.
    """
    answer = body if isinstance(body, Mapping) else {}
    if status in _REFUSED_CLIENT:
        reason = said(answer.get("error_description") or answer.get("error") or f"HTTP {status}")
        advice = (
            "Shopify grants no token for the client id and secret: check client_id and client_secret_env or _file, that the "
            "app is installed in the shop, and that both belong to the same organization; put what is right where the "
            "stores file names it, and restart SyncWorker, which reads it when it starts"
        )
        return Refused(AccessRefused("shopify", "CLIENT_REFUSED", f"{shop}: {advice} ({reason})"))
    if not 200 <= status < 300:
        return status_answer(shop, status, retry_after_seconds(headers.get("retry-after")), body)
    if body is None:
        return Fault(
            "NOT_JSON", f"Shopify answered for {shop}, where a token was asked for, with what is not JSON", False
        )
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise MalformedAnswer("shopify", "Shopify granted something that is no access token")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise MalformedAnswer("shopify", "Shopify does not say for how long the granted token is good")
    return _Grant(token, float(seconds))
