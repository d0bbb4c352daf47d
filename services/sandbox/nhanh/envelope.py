"""What stands around Nhanh's answers. Errors of the business come with HTTP 200."""

import math

from starlette.responses import Response

from sandbox.answers import json_answer


class NhanhError(Exception):
    """A refusal with Nhanh's error code; `messages` may be a sentence or one for each field."""

    def __init__(self, code: str, messages: str | dict[str, str]) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages


def refusal(error: NhanhError) -> Response:
    """Answer with an error code."""
    return json_answer({"code": 0, "errorCode": error.code, "messages": error.messages, "data": []})


def rate_limited(seconds: float, now: float, *, status: int = 200, exceeded: bool = False) -> Response:
    """Answer a call over the limit. `exceeded` says so by the other code of the two, and with `messages`.

    The documentation's sample of ERR_429 has `message`, where all other errors have `messages`.
    """
    words = "Your app exceeded the API Rate Limit"
    said = (
        {"errorCode": "ERR_EXCEEDED_RATE_LIMIT", "messages": words}
        if exceeded
        else {"errorCode": "ERR_429", "message": words}
    )
    return json_answer(
        {
            "code": 0,
            **said,
            "data": {"lockedSeconds": math.ceil(seconds), "unlockedAt": math.ceil(now + seconds)},
        },
        status=status,
    )


def invalid_token() -> NhanhError:
    """Refuse a token that is wrong, expired or replaced by a newer one."""
    return NhanhError("ERR_INVALID_ACCESS_TOKEN", "Invalid accessToken or accessToken has expired")
