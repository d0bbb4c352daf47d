"""Facts about what Nhanh's answers mean."""

from decimal import Decimal

import orjson
import pytest
from sync_worker.adapters.nhanh.envelope import LONGEST_MESSAGE, RateLimited, read_answer
from sync_worker.domain.failures import (
    AccessRefused,
    MalformedAnswer,
    VendorFailure,
    VendorRefusal,
    VendorUnavailable,
)

PATH = "product/list"


def failure_of(
    content: bytes | dict[str, object], status: int = 200, headers: dict[str, str] | None = None
) -> VendorFailure:
    """Read an answer that is no success."""
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    with pytest.raises(VendorFailure) as raised:
        read_answer(PATH, status, headers or {}, raw)
    return raised.value


@pytest.mark.parametrize("code", [1, True, "1", 1.0])
def test_every_form_of_success_is_one(code: object) -> None:
    """PHP writes 1, true or "1"."""
    answer = read_answer(PATH, 200, {}, orjson.dumps({"code": code, "data": [], "paginator": {"next": None}}))
    assert (answer.data, answer.paginator) == ([], {"next": None})


@pytest.mark.parametrize("code", [0, False, "0", None, 2, "", "true", [1]])
def test_nothing_else_is_a_success(code: object) -> None:
    """Data beside a code that is not 1 is not taken."""
    assert isinstance(failure_of({"code": code, "data": [{"id": 1}]}), VendorRefusal)


def test_numbers_are_kept_exactly() -> None:
    """Amounts do not pass through binary floating point."""
    answer = read_answer(PATH, 200, {}, b'{"code":1,"data":[0.1,12345678901234567.25,7]}')
    assert answer.data == [Decimal("0.1"), Decimal("12345678901234567.25"), 7]


@pytest.mark.parametrize("body", [{"code": 1}, {"code": 1, "data": None}])
def test_a_success_without_data_is_no_empty_list(body: dict[str, object]) -> None:
    """What did not come is not an empty list."""
    assert isinstance(failure_of(body), MalformedAnswer)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("ERR_INVALID_APP_ID", "app_id"),
        ("ERR_INVALID_BUSINESS_ID", "business_id"),
        ("ERR_INVALID_ACCESS_TOKEN", "log in"),
        ("ERR_INVALID_VERSION", "3.0"),
        ("ERR_INVALID_DEPOT_ID", "depot"),
        ("ERR_BUSINESS_NOT_ENABLE_API", "Open API"),
        ("ERR_403", "permission"),
    ],
)
@pytest.mark.parametrize("status", [200, 401, 403, 500])
def test_bad_access_says_what_to_fix(code: str, word: str, status: int) -> None:
    """The body decides, whatever the HTTP status."""
    failure = failure_of({"code": 0, "errorCode": code, "messages": "no"}, status)
    assert isinstance(failure, AccessRefused)
    assert (failure.vendor, failure.code, failure.retryable) == ("nhanh", code, False)
    assert word in failure.message


@pytest.mark.parametrize("text", ["Invalid accessToken or accessToken has expired", ["Invalid accessCode or expired"]])
def test_a_bad_token_is_known_without_an_error_code(text: object) -> None:
    """Some refusals come with `code: false` and a sentence alone."""
    failure = failure_of({"code": False, "messages": text})
    assert isinstance(failure, AccessRefused)
    assert failure.code == "ERR_INVALID_ACCESS_TOKEN"


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("ERR_INVALID_ACCESS_TOKEN", "put the new token where the stores file names it, and restart SyncWorker"),
        ("ERR_INVALID_VERSION", "put the new token where the stores file names it, and restart SyncWorker"),
        ("ERR_INVALID_DEPOT_ID", "put the new token where the stores file names it, and restart SyncWorker"),
        ("ERR_403", "put the new token where the stores file names it, and restart SyncWorker"),
        ("ERR_INVALID_APP_ID", "and restart SyncWorker"),
        ("ERR_INVALID_BUSINESS_ID", "and restart SyncWorker"),
    ],
)
def test_what_was_mended_has_to_reach_syncworker(code: str, step: str) -> None:
    """It reads stores and tokens once, when it starts: a mended file alone changes nothing."""
    assert step in failure_of({"code": 0, "errorCode": code, "messages": "no"}).message


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ("bad\n ids", "bad ids"),
        (["bad", "", "worse"], "bad; worse"),
        ({"filters.ids": "too many", "paginator": ["no", "size"]}, "filters.ids: too many; paginator: no; size"),
    ],
)
def test_a_refused_request_says_why(messages: object, words: str) -> None:
    """`messages` is a sentence, a list of them, or sentences by field."""
    failure = failure_of({"code": 0, "errorCode": "ERR_INVALID_FORM_FIELDS", "messages": messages})
    assert isinstance(failure, VendorRefusal)
    assert (failure.code, failure.retryable) == ("ERR_INVALID_FORM_FIELDS", False)
    assert failure.message.endswith(words)


@pytest.mark.parametrize("given", [None, 17, "not a code", "x" * 100, ["ERR_403"]])
def test_an_error_code_that_is_none_is_not_passed_on(given: object) -> None:
    """A code for machines stays one."""
    assert failure_of({"code": 0, "errorCode": given, "messages": "no"}).code == "REFUSED"


def test_messages_are_bounded() -> None:
    """A page of text does not become an error message."""
    failure = failure_of({"code": 0, "errorCode": "ERR_INVALID_DATA", "messages": "x" * 10_000})
    assert len(failure.message) < LONGEST_MESSAGE + 100


def test_a_secret_that_nhanh_repeats_is_not_told() -> None:
    """Messages end up in logs and job failures."""
    body = orjson.dumps({"code": 0, "errorCode": "ERR_INVALID_ACCESS_TOKEN", "messages": "token abc123 is bad"})
    with pytest.raises(AccessRefused) as raised:
        read_answer(PATH, 200, {}, body, ["abc123"])
    assert "abc123" not in raised.value.message
    assert "token *** is bad" in raised.value.message


@pytest.mark.parametrize("code", ["ERR_429", "ERR_EXCEEDED_RATE_LIMIT"])
@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("word", ["message", "messages"])
def test_a_lock_is_read(code: str, status: int, word: str) -> None:
    """Its length and its end, as numbers or as text."""
    failure = failure_of(
        {"code": 0, "errorCode": code, word: "too many", "data": {"lockedSeconds": "10", "unlockedAt": 1733387520}},
        status,
    )
    assert isinstance(failure, RateLimited)
    assert (failure.locked_seconds, failure.unlocked_at, failure.retryable) == (10.0, 1733387520.0, True)


@pytest.mark.parametrize("data", [None, [], {}, {"lockedSeconds": "soon", "unlockedAt": True}, {"lockedSeconds": -1}])
def test_a_lock_of_unknown_length_is_still_one(data: object) -> None:
    """What cannot be read is unknown, not nothing."""
    failure = failure_of({"code": 0, "errorCode": "ERR_429", "data": data})
    assert isinstance(failure, RateLimited)
    assert (failure.locked_seconds, failure.unlocked_at) == (None, None)


@pytest.mark.parametrize("content", [b"<html>", b"", b'{"code":0}', b'{"error":"slow down"}'])
def test_http_429_is_a_rate_limit_whatever_its_body(content: bytes) -> None:
    """A proxy says it without Nhanh's envelope, with Retry-After."""
    failure = failure_of(content, 429, {"retry-after": "7"})
    assert isinstance(failure, RateLimited)
    assert failure.locked_seconds == 7.0


@pytest.mark.parametrize(
    "content", [b"<html>busy</html>", b"", b"\xff\xfe", b"{", b'{"code":1,"data":[NaN]}', b"[" * 100_000]
)
@pytest.mark.parametrize(
    ("status", "code"), [(200, "NOT_JSON"), (403, "HTTP_403"), (502, "HTTP_502"), (503, "HTTP_503")]
)
def test_what_is_no_json_is_an_outage(content: bytes, status: int, code: str) -> None:
    """Outages come as HTML, also with HTTP 200."""
    failure = failure_of(content, status)
    assert isinstance(failure, VendorUnavailable)
    assert (failure.code, failure.retryable, failure.outcome_unknown) == (code, True, False)


@pytest.mark.parametrize("status", [301, 302, 308, 404, 405])
def test_an_unknown_path_is_refused(status: int) -> None:
    """It answers with an HTML page; trying again does not help, another base_url may."""
    failure = failure_of(b"<html>not here</html>", status)
    assert isinstance(failure, VendorRefusal)
    assert "base_url" in failure.message


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (b'{"data":[]}', 200, MalformedAnswer),
        (b"[]", 200, MalformedAnswer),
        (b"[]", 400, VendorRefusal),
        (b"{}", 401, AccessRefused),
        (b"<html>", 401, AccessRefused),
        (b"{}", 408, VendorUnavailable),
        (b"{}", 500, VendorUnavailable),
        (b'{"code":0,"messages":"oops"}', 500, VendorUnavailable),
        (b'{"code":1,"data":[]}', 500, VendorUnavailable),
        (b'{"code":1,"data":[]}', 400, VendorRefusal),
    ],
)
def test_the_status_decides_where_the_body_does_not(content: bytes, status: int, kind: type[VendorFailure]) -> None:
    """JSON without Nhanh's envelope, and an envelope at odds with its status, are never a success."""
    assert type(failure_of(content, status)) is kind
