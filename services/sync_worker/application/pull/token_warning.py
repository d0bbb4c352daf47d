"""A full pull from Nhanh says when Nhanh's access token is about to expire: it comes by every now and then, people do not."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.vendors import Vendors
from sync_worker.domain.failures import OperationFailure, WorkStopped
from sync_worker.domain.requests import NhanhCustomerFilter, NhanhProductFilter, PullMode, PullRequest
from sync_worker.domain.token_life import days_left, expiry_warning

PATIENCE_SECONDS = 15.0
"""A pull that has ended waits no longer for the answer; one that takes a while has it long before."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What is known of the token: whole days that it is good yet, and what people should read."""

    days_left: int | None = None
    words: str = ""


async def with_token_warning(
    job: JobContext, request: PullRequest, pull: Awaitable[OperationResult], *, vendors: Vendors, clock: Clock
) -> OperationResult:
    """Ask beside the pull for how long the token is good, with one call, and add to its result what came of it.

    Only where Nhanh can be asked: it takes the app's secret key. That it cannot be told fails no pull, and is said.

    Raises:
        OperationFailure, WorkStopped: The pull's own.
    """
    if not _asks(job, request):
        return await pull
    asking = asyncio.create_task(_ask(job, vendors, clock))
    try:
        result = await pull
        done, _ = await asyncio.wait([asking], timeout=PATIENCE_SECONDS)
        said = asking.result() if done else _not_asked(f"no answer came within {PATIENCE_SECONDS:g} s")
    finally:
        asking.cancel()
    facts: dict[str, JsonValue] = {} if said.days_left is None else {"nhanh_token_days_left": said.days_left}
    message = f"{result.message}; {said.words}" if said.words else result.message
    return replace(result, result={**result.result, **facts}, message=message)


def _asks(job: JobContext, request: PullRequest) -> bool:
    is_nhanhs = isinstance(request.filter, NhanhProductFilter | NhanhCustomerFilter)
    return is_nhanhs and request.mode is PullMode.FULL and job.store.nhanh.secret_key is not None


async def _ask(job: JobContext, vendors: Vendors, clock: Clock) -> _Said:
    try:
        expires_at = (await vendors.nhanh(job.store, job.gate).check_access()).expires_at
    except OperationFailure as failure:
        return _not_asked(failure.message)
    except WorkStopped:  # the pull stops at the same gate, and says so
        return _Said()
    if expires_at is None:
        return _Said()
    now = clock.now_micros()
    return _Said(days_left(expires_at, now), expiry_warning(expires_at, now) or "")


def _not_asked(reason: str) -> _Said:
    return _Said(words=f"for how long Nhanh's access token is good could not be asked: {reason}")
