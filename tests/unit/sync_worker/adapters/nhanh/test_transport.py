"""Facts about calls to Nhanh."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from sync_worker.adapters.backoff import Backoff
from sync_worker.adapters.nhanh.envelope import RateLimited
from sync_worker.adapters.nhanh.transport import CALL_SECONDS, MOST_LOCKS
from sync_worker.domain.failures import AccessRefused, JobCancelled, MalformedAnswer, VendorFailure, VendorRefusal

from tests.fakes.handled_http import HandledHttp
from tests.fakes.scripted_nhanh import Scripted, ScriptedNhanh, an_account, json_answer, page

PATH = "product/list"
UNIX = 1_780_000_000
"""Where the fake clock's wall begins."""


def locked(seconds: float | None = 10, until: float | None = None, status: int = 200) -> httpx.Response:
    """A refusal for the rate limit."""
    lock = {name: value for name, value in (("lockedSeconds", seconds), ("unlockedAt", until)) if value is not None}
    return json_answer({"code": 0, "errorCode": "ERR_429", "message": "too many", "data": lock}, status)


OK = page([])


async def test_a_call_is_a_post_as_documented() -> None:
    """Ids in the query, the raw token in the header, the body as it was given."""
    nhanh = ScriptedNhanh([page([{"id": 1}], {"id": 1})])
    answer = await nhanh.transport().call(PATH, b'{"filters":{}}')
    (request,) = nhanh.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "http://nhanh.test/nhanh/v3.0/product/list?appId=101&businessId=1001",
    )
    assert request.headers["authorization"] == "s3cret-access-token"
    assert request.headers["content-type"] == "application/json"
    assert request.content == b'{"filters":{}}'
    assert (answer.data, answer.paginator) == ([{"id": 1}], {"next": {"id": 1}})
    assert request.extensions["timeout"]["read"] == CALL_SECONDS


FAULTS: list[tuple[Any, str]] = [
    (lambda: json_answer({"oops": True}, 503), "HTTP_503"),
    (lambda: httpx.Response(200, content=b"<html>busy</html>"), "NOT_JSON"),
    (lambda: httpx.Response(502, content=b"<html>bad gateway</html>"), "HTTP_502"),
    (lambda: httpx.ReadTimeout("too long"), "TIMEOUT"),
    (lambda: httpx.ConnectTimeout("too long"), "TIMEOUT"),
    (TimeoutError, "TIMEOUT"),
    (lambda: httpx.ConnectError("refused"), "CONNECTION_FAILED"),
    (lambda: httpx.ReadError("reset"), "CONNECTION_FAILED"),
    (lambda: httpx.RemoteProtocolError("cut"), "CONNECTION_FAILED"),
]


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS])
async def test_an_outage_is_bridged(fault: Any) -> None:
    """A read is repeated after a pause, and each repetition passes the gate again."""
    nhanh = ScriptedNhanh([fault(), fault(), OK])
    transport = nhanh.transport(policy=Backoff(first_seconds=1.0))
    assert (await transport.call(PATH, b"{}")).data == []
    assert nhanh.times == [0.0, 1.0, 3.0]
    assert len(nhanh.gate.passed) == 3
    assert (transport.metrics.api_calls, transport.metrics.retries) == (3, 2)


@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_an_outage_that_lasts_ends_the_call(fault: Any, code: str) -> None:
    """After the bounded retries it is a failure that a later attempt may heal."""
    nhanh = ScriptedNhanh([fault() for _ in range(3)])
    with pytest.raises(VendorFailure) as raised:
        await nhanh.transport(policy=Backoff(attempts=3)).call(PATH, b"{}")
    assert (raised.value.vendor, raised.value.code, raised.value.retryable) == ("nhanh", code, True)
    assert not nhanh.script


async def test_a_call_ends_in_time_even_if_bytes_keep_coming() -> None:
    """The bound is on the whole call, not on each wait within it, since the lease covers no more."""
    nhanh = ScriptedNhanh([])

    async def never(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    transport = nhanh.transport(policy=Backoff(attempts=1), call_seconds=0.02)
    transport._http = HandledHttp(never)
    with pytest.raises(VendorFailure, match=r"within 0\.02 s") as raised:
        await transport.call(PATH, b"{}")
    assert raised.value.code == "TIMEOUT"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (json_answer({"code": 0, "errorCode": "ERR_INVALID_ACCESS_TOKEN", "messages": "no"}), AccessRefused),
        (json_answer({"code": 0, "errorCode": "ERR_INVALID_FORM_FIELDS", "messages": {"ids": "no"}}), VendorRefusal),
        (httpx.Response(404, content=b"<html>"), VendorRefusal),
        (json_answer({"code": 1}), MalformedAnswer),
    ],
)
async def test_what_time_does_not_heal_is_not_tried_again(answer: Scripted, kind: type[VendorFailure]) -> None:
    """One call, and its reason."""
    nhanh = ScriptedNhanh([answer])
    with pytest.raises(kind):
        await nhanh.transport().call(PATH, b"{}")
    assert len(nhanh.requests) == 1


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize(
    ("seconds", "until", "resumed"),
    [
        (10, UNIX + 10, 10.0),
        (10, None, 10.0),
        (None, UNIX + 10, 11.0),
        (10, UNIX + 25, 25.0),
        (25, UNIX + 10, 25.0),
        (10, UNIX - 3600, 10.0),
        (None, UNIX - 3600, 0.0),
        (None, None, 30.0),
    ],
)
async def test_a_lock_is_waited_for_without_a_call(
    seconds: float | None, until: float | None, status: int, resumed: float
) -> None:
    """Until its end in whole seconds, or so long; a lock of unknown length for a whole window."""
    nhanh = ScriptedNhanh([locked(seconds, until, status), OK])
    transport = nhanh.transport()
    await transport.call(PATH, b"{}")
    assert nhanh.times == [0.0, resumed]
    assert transport.metrics.rate_limit_wait_seconds == resumed
    assert transport.metrics.retries == 1


async def test_a_lock_holds_for_every_job_of_the_account() -> None:
    """Another job's call to the same path waits too, one to another path does not."""
    nhanh = ScriptedNhanh([locked(300), OK, OK])
    with pytest.raises(RateLimited):
        await nhanh.transport(longest_lock_seconds=200.0).call(PATH, b"{}")
    elsewhere, same = nhanh.transport(), nhanh.transport()
    await elsewhere.call("customer/list", b"{}")
    await same.call(PATH, b"{}")
    assert nhanh.times == [0.0, 0.0, 300.0]
    assert (elsewhere.metrics.rate_limit_wait_seconds, same.metrics.rate_limit_wait_seconds) == (0.0, 300.0)


async def test_locks_without_end_end_the_call() -> None:
    """Somebody else uses up the limit; a later attempt may do better."""
    nhanh = ScriptedNhanh([locked(10) for _ in range(MOST_LOCKS)])
    with pytest.raises(RateLimited) as raised:
        await nhanh.transport().call(PATH, b"{}")
    assert (raised.value.code, raised.value.retryable) == ("RATE_LIMITED", True)
    assert nhanh.times == [0.0, 10.0, 20.0, 30.0, 40.0]


async def test_the_job_hears_when_the_last_of_many_locks_ends() -> None:
    """Whichever way Nhanh said so."""
    nhanh = ScriptedNhanh([locked(10)] * (MOST_LOCKS - 1) + [locked(10, UNIX + 40 + 100)])
    with pytest.raises(RateLimited) as raised:
        await nhanh.transport().call(PATH, b"{}")
    assert raised.value.retry_after == 100.0


async def test_a_lock_of_hours_is_not_waited_for_and_not_touched() -> None:
    """The job fails for now; so does every later call until it is over, without asking Nhanh."""
    nhanh = ScriptedNhanh([locked(7200), OK])
    for passed in (0.0, 200.0):
        nhanh.clock.advance(passed)
        with pytest.raises(RateLimited, match=f"{7200 - passed:.0f} s") as raised:
            await nhanh.transport().call(PATH, b"{}")
        assert raised.value.retry_after == 7200.0 - passed, "the rest is for the job's own retry"
    assert len(nhanh.requests) == 1
    nhanh.clock.advance(7000.0)
    await nhanh.transport().call(PATH, b"{}")
    assert nhanh.times == [0.0, 7200.0]


async def test_the_gate_is_passed_after_the_wait_for_the_limiter() -> None:
    """A lease checked before a wait of half a minute would say nothing about the call."""
    nhanh = ScriptedNhanh([OK, OK], account=an_account(quota_calls=1))
    transport = nhanh.transport()
    await transport.call(PATH, b"{}")
    passed_at: list[tuple[float, float]] = []

    async def pass_through(timeout_seconds: float) -> None:
        passed_at.append((nhanh.clock.monotonic(), timeout_seconds))

    nhanh.gate.pass_through = pass_through  # type: ignore[method-assign]
    await transport.call(PATH, b"{}")
    assert passed_at == [(30.0, CALL_SECONDS)]
    assert nhanh.times == [0.0, 30.0]


async def test_a_closed_gate_lets_nothing_out_and_costs_nothing() -> None:
    """The place in the window is given back."""
    nhanh = ScriptedNhanh([OK], account=an_account(quota_calls=1))
    nhanh.gate.stop = JobCancelled("no")
    transport = nhanh.transport()
    with pytest.raises(JobCancelled):
        await transport.call(PATH, b"{}")
    assert (nhanh.requests, transport.metrics.api_calls) == ([], 0)
    nhanh.gate.stop = None
    await transport.call(PATH, b"{}")
    assert nhanh.times == [0.0]


async def test_calls_and_their_seconds_are_counted() -> None:
    """Only the time of calls themselves, not the waits before them."""
    nhanh = ScriptedNhanh([locked(10), OK])
    nhanh.on_call = lambda: nhanh.clock.advance(0.25)
    transport = nhanh.transport()
    await transport.call(PATH, b"{}")
    metrics = transport.metrics
    assert (metrics.api_calls, metrics.api_seconds, metrics.rate_limit_wait_seconds) == (2, 0.5, 10.0)


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(
            {"code": 0, "errorCode": "ERR_INVALID_FORM_FIELDS", "messages": {"secretKey": "s3cret-app-key is bad"}}
        ),
        json_answer({"code": 0, "errorCode": "ERR_INVALID_ACCESS_TOKEN", "messages": ["s3cret-access-token"]}),
        httpx.Response(502, content=b"<html>Authorization: s3cret-access-token</html>"),
        httpx.ConnectError("s3cret-access-token"),
    ],
)
async def test_no_secret_is_told(answer: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a failure, nor in what stands behind it, nor in a log."""
    caplog.set_level(logging.DEBUG)
    nhanh = ScriptedNhanh([answer])
    with capture_logs() as logs, pytest.raises(VendorFailure) as raised:
        await nhanh.transport(policy=Backoff(attempts=1)).call(PATH, b'{"secretKey":"s3cret-app-key"}')
    told = f"{raised.value} {raised.value.message} {raised.value.code} {raised.value.__cause__!r} {logs} {caplog.text}"
    assert "s3cret" not in told
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
