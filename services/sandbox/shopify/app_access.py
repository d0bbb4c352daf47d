"""Access tokens that are granted for a while, by the client credentials grant.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant; refusals are those of
RFC 6749, section 5.2.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import CutConnection, json_answer, plain_fault
from sandbox.calls import CallCounts
from sandbox.clock import Clock
from sandbox.faults import FaultKind, FaultPlan, Rule

OPERATION = "oauth/access_token"
TOKEN_SECONDS = 86_399.0


@dataclass(slots=True)
class AppAccess:
    """An app's credentials in one shop, and the tokens that they were exchanged for; times are Unix seconds."""

    client_id: str
    client_secret: str = field(repr=False)
    token_seconds: float = TOKEN_SECONDS
    """How long a token is good that is granted from now on."""
    expires_at: dict[str, float] = field(default_factory=dict, repr=False)
    """By token; those that were taken back are not here."""

    def grant(self, now: float) -> str:
        """Grant a token; those granted before stay good."""
        token = f"shpat_{secrets.token_hex(16)}"
        self.expires_at[token] = now + self.token_seconds
        return token

    def takes(self, token: str, now: float) -> bool:
        """Whether a token was granted and has not expired."""
        return now < self.expires_at.get(token, now)

    def refusal(self, asked: Mapping[str, object]) -> tuple[str, str] | None:
        """Say why nothing is granted, as an error and its description."""
        if asked.get("grant_type") != "client_credentials":
            return "unsupported_grant_type", "The grant_type must be client_credentials."
        given = (str(asked.get("client_id", "")), str(asked.get("client_secret", "")))
        known = (self.client_id, self.client_secret)
        if not all(hmac.compare_digest(one.encode(), two.encode()) for one, two in zip(given, known, strict=True)):
            return "invalid_client", "The client id or the client secret is wrong."
        return None


async def exchange(
    request: Request,
    app: AppAccess,
    *,
    shop: str,
    scopes: set[str],
    plan: FaultPlan,
    calls: CallCounts,
    clock: Clock,
) -> Response:
    """Exchange an app's credentials, sent as a form or as JSON, for a token."""
    name = f"shopify {OPERATION}"
    rule = plan.take("shopify", shop, OPERATION)
    if rule is not None:
        calls.faulted[name] += 1
        if rule.kind is FaultKind.INVALID_TOKEN:
            return _refused("invalid_client", rule.message or "The app is not installed in this shop.")
        if rule.kind is FaultKind.HTTP_429:
            return too_many(rule)
        answer = await plain_fault(rule, plan=plan, calls=calls, operation=name, clock=clock)
        if answer is not None:
            return answer
    try:
        asked = await _asked(request)
    except orjson.JSONDecodeError:
        return _refused("invalid_request", "The body is neither a form nor a JSON object.")
    refusal = app.refusal(asked)
    if refusal is not None:
        return _refused(*refusal)
    calls.answered[name] += 1
    token = app.grant(clock.now())
    granted = {"access_token": token, "scope": ",".join(sorted(scopes)), "expires_in": app.token_seconds}
    cut = rule is not None and rule.kind is FaultKind.DROP_AFTER_COMMIT
    return CutConnection() if cut else json_answer(granted)


def too_many(rule: Rule) -> Response:
    """Answer that there were too many calls."""
    headers = {"Retry-After": f"{rule.seconds:.1f}"}
    return json_answer({"errors": "Exceeded 2 calls per second"}, status=429, headers=headers)


async def _asked(request: Request) -> Mapping[str, object]:
    if request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
        document = orjson.loads(await request.body())
        return document if isinstance(document, dict) else {}
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def _refused(error: str, description: str) -> Response:
    return json_answer({"error": error, "error_description": description}, status=400)
