"""Calls to Nhanh: the limiter, the job's gate, one POST, and bounded retries of what may heal by itself.

Everything that is asked of Nhanh here is a read, so every call may be repeated.
"""

from collections.abc import Callable

import structlog

from sync_worker.adapters.backoff import Backoff, Retries
from sync_worker.adapters.http.port import Http, HttpFailure, TimedOut
from sync_worker.adapters.nhanh.envelope import VENDOR, Answer, RateLimited, read_answer
from sync_worker.adapters.nhanh.limiter import SlidingWindow
from sync_worker.adapters.quotas.line import ShutError
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.domain.failures import VendorUnavailable
from sync_worker.domain.stores import NhanhAccount
from sync_worker.domain.traffic import Traffic

CALL_SECONDS = 15.0
"""A call ends after so long, whatever it waits for; it must fit the lease of a job."""

MOST_LOCKS = 5
"""So many refusals for the rate limit end a call: somebody else is using up this account's limit."""

LONGEST_LOCK_SECONDS = 900.0
"""A lock that lasts longer is not waited for: the job fails and is tried again later."""

log = structlog.get_logger()


class NhanhTransport:
    """Calls of one job to one account. `windows` finds the limiter of a path; `uniform` draws between its arguments."""

    def __init__(
        self,
        account: NhanhAccount,
        http: Http,
        windows: Callable[[str], SlidingWindow],
        gate: CallGate,
        clock: Clock,
        uniform: Callable[[float, float], float],
        *,
        traffic: Traffic = Traffic.BULK,
        policy: Backoff | None = None,
        call_seconds: float = CALL_SECONDS,
        longest_lock_seconds: float = LONGEST_LOCK_SECONDS,
    ) -> None:
        self.metrics = VendorMetrics()
        self._account = account
        self._http = http
        self._windows = windows
        self._gate = gate
        self._clock = clock
        self._uniform = uniform
        self._traffic = traffic
        self._policy = policy or Backoff()
        self._call_seconds = call_seconds
        self._longest_lock_seconds = longest_lock_seconds
        self._secrets = [secret for secret in (account.access_token, account.secret_key) if secret]

    async def call(self, path: str, body: bytes) -> Answer:
        """POST a JSON body to `{module}/{action}` and give back what was answered.

        Raises:
            VendorFailure: As `read_answer` says; VendorUnavailable only after the bounded retries.
            CatalogUnavailable: Nobody can say whether the call is within the limit.
            WorkStopped: The job's gate is closed.
        """
        window = self._windows(path)
        retries = Retries(self._policy, self._clock, self._uniform, self._call_seconds)
        locks = 0
        while True:
            outcome, took = await self._attempt(path, body, window)
            if isinstance(outcome, Answer):
                return outcome
            if isinstance(outcome, RateLimited):
                locks += 1
                if locks >= MOST_LOCKS:
                    outcome.retry_after = window.locked_seconds
                    raise outcome
            elif not await retries.again(took):
                raise outcome
            self.metrics.retries += 1

    async def _attempt(self, path: str, body: bytes, window: SlidingWindow) -> tuple[Answer | VendorUnavailable, float]:
        """Make one call; the seconds are those of the call alone, without waits before it."""
        while True:
            try:
                async with window.place(self._traffic, self._waited, self._longest_lock_seconds) as place:
                    await self._gate.pass_through(self._call_seconds)
                    if window.may_leave(place):
                        place.sent()
                        return await self._send(path, body, window)
            except ShutError as shut:
                message = f"Nhanh has locked {path} for another {shut.seconds:.0f} s, since it was called too often"
                raise RateLimited(message, locked_seconds=shut.seconds, unlocked_at=None) from None

    async def _send(self, path: str, body: bytes, window: SlidingWindow) -> tuple[Answer | VendorUnavailable, float]:
        self.metrics.api_calls += 1
        began = self._clock.monotonic()
        outcome: Answer | VendorUnavailable
        try:
            outcome = await self._post(path, body)
        except RateLimited as limited:
            outcome = limited
            window.lock(self._lock_seconds(limited, window))
            log.warning("nhanh locked a path", path=path, seconds=round(window.locked_seconds, 1))
        except VendorUnavailable as failure:
            outcome = failure
            log.warning("nhanh did not answer", path=path, code=failure.code)
        finally:
            took = self._clock.monotonic() - began
            self.metrics.api_seconds += took
        return outcome, took

    async def _post(self, path: str, body: bytes) -> Answer:
        account = self._account
        try:
            reply = await self._http.post(
                f"{account.base_url}/v3.0/{path}?appId={account.app_id}&businessId={account.business_id}",
                body,
                {"Authorization": account.access_token, "Content-Type": "application/json"},
                seconds=self._call_seconds,
            )
        except TimedOut:
            message = f"Nhanh did not answer {path} within {self._call_seconds:g} s"
            raise VendorUnavailable(VENDOR, "TIMEOUT", message) from None
        except HttpFailure as failure:
            message = f"the connection to Nhanh failed at {path}: {failure}"
            raise VendorUnavailable(VENDOR, "CONNECTION_FAILED", message) from None
        return read_answer(path, reply.status, reply.headers, reply.content, self._secrets)

    def _lock_seconds(self, limited: RateLimited, window: SlidingWindow) -> float:
        """Say how long the lock lasts, at least; one of unknown length is over once a whole window has passed.

        A duration is counted from its answer, so it is safe. A point in time comes in whole seconds: the next one is safe.
        """
        seconds = limited.locked_seconds
        if limited.unlocked_at is None:
            return window.seconds if seconds is None else seconds
        left = limited.unlocked_at - self._clock.now_micros() / 1_000_000
        return max(0.0, left + 1.0) if seconds is None else max(left, seconds)

    def _waited(self, seconds: float) -> None:
        self.metrics.rate_limit_wait_seconds += seconds
