"""A full pull from Nhanh says when Nhanh's access token is about to expire, and never fails for it."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.job import OperationResult
from sync_worker.application.ports.nhanh import Nhanh, NhanhAccess
from sync_worker.application.ports.shopify import Shopify
from sync_worker.application.pull import token_warning
from sync_worker.application.pull.token_warning import with_token_warning
from sync_worker.domain.failures import AccessRefused, JobCancelled, VendorUnavailable
from sync_worker.domain.progress import Progress
from sync_worker.domain.requests import (
    NhanhCustomerFilter,
    NhanhProductFilter,
    PullMode,
    PullRequest,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
)
from sync_worker.domain.stores import Store

from tests.fakes.clock import ManualClock
from tests.fakes.job_context import RecordingJobContext
from tests.fakes.stores import a_store

DAY = 86_400
FULL = PullRequest(PullMode.FULL, NhanhProductFilter())
PULLED = OperationResult(Progress(), {"created": 3}, "3 rows")


@dataclass
class Told:
    """`Vendors` whose Nhanh says of the token what is given, or raises it; None: it never answers."""

    answer: NhanhAccess | Exception | None
    asked: int = 0
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    def nhanh(self, store: Store, gate: CallGate) -> Nhanh:
        """Open it."""
        return cast("Nhanh", self)

    def shopify(self, store: Store, gate: CallGate) -> Shopify:
        """Nobody asks for it."""
        raise AssertionError

    async def check_access(self) -> NhanhAccess:
        """Say it."""
        self.asked += 1
        if self.answer is None:
            await self.hanging.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return cast("NhanhAccess", self.answer)


async def pulled(
    told: Told, clock: ManualClock, request: PullRequest = FULL, store: Store | None = None, fails: Any = None
) -> OperationResult:
    """What a pull ends with."""

    async def pull() -> OperationResult:
        await asyncio.sleep(0)
        if fails is not None:
            raise fails
        return PULLED

    job = RecordingJobContext(store=store or a_store())
    return await with_token_warning(job, request, pull(), vendors=told, clock=clock)


def expiring(clock: ManualClock, days: float) -> Told:
    """A token that is good for so many days."""
    return Told(NhanhAccess(int(clock.now_micros() / 1_000_000 + days * DAY), None))


@pytest.mark.parametrize("wanted", [NhanhProductFilter(), NhanhCustomerFilter(type=2)])
async def test_a_token_that_is_about_to_expire_is_said(wanted: NhanhProductFilter | NhanhCustomerFilter) -> None:
    """In the message and, as a number, in the result; by one call."""
    clock = ManualClock()
    told = expiring(clock, 12.5)
    result = await pulled(told, clock, PullRequest(PullMode.FULL, wanted))
    assert result.message.startswith("3 rows; Nhanh's access token expires in 12 days: log in at Nhanh")
    assert result.result == {"created": 3, "nhanh_token_days_left": 12}
    assert told.asked == 1


async def test_a_token_with_time_left_is_a_number_alone() -> None:
    """Nobody is bothered."""
    clock = ManualClock()
    result = await pulled(expiring(clock, 200.0), clock)
    assert (result.message, result.result) == ("3 rows", {"created": 3, "nhanh_token_days_left": 200})


async def test_a_token_without_an_end_changes_nothing() -> None:
    """Nhanh may not say when."""
    assert await pulled(Told(NhanhAccess(None, None)), ManualClock()) == PULLED


@pytest.mark.parametrize(
    "request_",
    [
        PullRequest(PullMode.INCREMENTAL, NhanhProductFilter()),
        PullRequest(PullMode.FULL, ShopifyProductFilter()),
        PullRequest(PullMode.FULL, ShopifyCustomerFilter()),
    ],
)
async def test_only_full_pulls_from_nhanh_ask(request_: PullRequest) -> None:
    """Others make no call more."""
    told = Told(None)
    assert await pulled(told, ManualClock(), request_) == PULLED
    assert told.asked == 0


async def test_without_the_secret_key_nobody_asks() -> None:
    """Nhanh would not say it."""
    told, store = Told(None), a_store()
    store = replace(store, nhanh=replace(store.nhanh, secret_key=None))
    assert await pulled(told, ManualClock(), store=store) == PULLED
    assert told.asked == 0


@pytest.mark.parametrize(
    "failure",
    [VendorUnavailable("nhanh", "HTTP_503", "not now"), AccessRefused("nhanh", "ERR_X", "wrong key")],
)
async def test_what_cannot_be_asked_fails_no_pull(failure: Exception) -> None:
    """It is said, since silence would look like time left."""
    result = await pulled(Told(failure), ManualClock())
    assert result.message == f"3 rows; for how long Nhanh's access token is good could not be asked: {failure}"
    assert result.result == {"created": 3}


async def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pull has ended."""
    monkeypatch.setattr(token_warning, "PATIENCE_SECONDS", 0.01)
    result = await pulled(Told(None), ManualClock())
    assert result.message.endswith("could not be asked: no answer came within 0.01 s")


@pytest.mark.parametrize("failure", [VendorUnavailable("nhanh", "HTTP_503", "not now"), JobCancelled()])
async def test_a_pull_that_fails_fails_as_before(failure: Exception) -> None:
    """Whatever is asked beside it is given up."""
    with pytest.raises(type(failure)):
        await pulled(Told(None), ManualClock(), fails=failure)


async def test_a_shut_gate_is_the_pulls_to_tell() -> None:
    """A pull that got through before it is finished."""
    assert await pulled(Told(JobCancelled()), ManualClock()) == PULLED
