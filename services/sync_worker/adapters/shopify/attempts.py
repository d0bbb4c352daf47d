"""Sends a request until it is answered, in bounds, and knows on the way whether a write may have been applied."""

from collections.abc import Callable
from dataclasses import dataclass

from sync_worker.adapters.backoff import Backoff, Retries
from sync_worker.adapters.shopify import documents
from sync_worker.adapters.shopify.answers import LONGEST_RETRY_AFTER, Data, Fault, RateLimited, Refused
from sync_worker.adapters.shopify.refusals import key_is_taken, outcome_of, refusals_of, running_still
from sync_worker.adapters.shopify.transport import Request, Transport
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.shopify import BatchOutcome
from sync_worker.domain.failures import VendorRefusal, VendorUnavailable

RETRIES = Backoff(attempts=5, first_seconds=0.5, longest_seconds=8.0, total_seconds=60.0)

MAX_RATE_LIMITS = 30
"""A request is told so often in a row to come later before it is given up."""


@dataclass(slots=True)
class _Course:
    """What one request has been through."""

    retries: Retries
    unknown: bool = False
    """A write of it may have been applied, although no answer says so."""
    rate_limits: int = 0


class Attempts:
    """Reads and writes over one transport. A rate limit is waited out by the bucket and counts as no attempt."""

    def __init__(self, transport: Transport, clock: Clock, uniform: Callable[[float, float], float]) -> None:
        self._transport = transport
        self._clock = clock
        self._uniform = uniform

    async def read(self, request: Request) -> object:
        """Read the document's root field.

        Raises:
            AccessRefused, VendorRefusal, VendorUnavailable, MalformedAnswer: As their names say.
            WorkStopped: The gate is shut.
        """
        course = self._course()
        while True:
            answer, took = await self._transport.call(request)
            if isinstance(answer, Data):
                return answer.root
            await self._survive(request, answer, took, course)

    async def write(self, request: Request) -> BatchOutcome:
        """Send a mutation; a refusal, or an outcome that is not applied, means that nothing was written.

        A write whose answer is lost is sent again as it is: with its key it is not applied twice, and without one it
        sets the same values.

        Raises:
            AccessRefused, MalformedAnswer: As their names say; what was written is not known.
            VendorRefusal: Nothing was written.
            VendorUnavailable: Nothing was written, unless it has `outcome_unknown`.
            WorkStopped: The gate is shut; an earlier sending may have been applied.
        """
        if not self._transport.session.versions.heard:
            await self.read(Request(documents.SHOP, {}))  # its answer tells under which version the write would be
        course = self._course()
        while True:
            answer, took = await self._transport.call(request)
            if isinstance(answer, Data):
                outcome = outcome_of(answer.root, request.entries)
                running = running_still(outcome)
                if running is None:
                    return _settled(request, outcome, course)
                answer = Fault(running.code, running.message, applied=True)
            await self._survive(request, answer, took, course)

    async def start(self, request: Request) -> object:
        """Send a mutation that starts something, which a repeat would start twice; the document's root field.

        It is sent again only while it surely started nothing.

        Raises:
            AccessRefused, VendorRefusal, MalformedAnswer: As their names say.
            VendorUnavailable: Nothing was started, unless it has `outcome_unknown`.
            WorkStopped: The gate is shut; nothing was started.
        """
        course = self._course()
        while True:
            answer, took = await self._transport.call(request)
            if isinstance(answer, Data):
                return answer.root
            if isinstance(answer, Fault) and answer.applied:
                course.unknown = True
                raise _unavailable(answer.code, answer.message, course)
            await self._survive(request, answer, took, course)

    def _course(self) -> _Course:
        return _Course(Retries(RETRIES, self._clock, self._uniform, self._transport.call_seconds))

    async def _survive(
        self, request: Request, answer: RateLimited | Fault | Refused, took: float, course: _Course
    ) -> None:
        """Return when the request is to be sent again; raise when it is not."""
        if isinstance(answer, Refused):
            if course.unknown and isinstance(answer.failure, VendorRefusal):
                raise _unavailable(answer.failure.code, answer.failure.message, course)
            raise answer.failure
        if isinstance(answer, RateLimited):
            course.rate_limits += 1
            if course.rate_limits > MAX_RATE_LIMITS or (answer.retry_after or 0.0) > LONGEST_RETRY_AFTER:
                raise _unavailable(answer.code, answer.message, course, answer.retry_after)
            return
        course.rate_limits = 0
        course.unknown = course.unknown or (request.document.writes and answer.applied)
        if not await course.retries.again(took, answer.retry_after):
            raise _unavailable(answer.code, answer.message, course, answer.retry_after)
        self._transport.metrics.retries += 1


def _settled(request: Request, outcome: BatchOutcome, course: _Course) -> BatchOutcome:
    """After a lost answer, a refusal speaks of the first sending only where a key ties the two together."""
    if not course.unknown or outcome.applied or (request.keyed and not key_is_taken(outcome)):
        return outcome
    reason = refusals_of(outcome)[0]
    raise _unavailable(reason.code, f"refused after an answer was lost: {reason.message}", course)


def _unavailable(code: str, message: str, course: _Course, retry_after: float | None = None) -> VendorUnavailable:
    return VendorUnavailable("shopify", code, message, outcome_unknown=course.unknown, retry_after=retry_after)
