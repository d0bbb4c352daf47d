"""Shopify's cost bucket, kept from our side, so that no call is sent that the bucket could not hold.

A call is let through when the bucket holds its *requested* cost; the difference to the *actual* cost is refunded when
it ends (Shopify's GraphQL rate limits). Size and restore rate differ from plan to plan, so they are read from every
answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sync_worker.adapters.shopify.costs import CostReport
from sync_worker.adapters.shopify.documents import Document
from sync_worker.application.ports.clock import Clock

ASSUMED_MAXIMUM = 1_000.0
"""The bucket before the first answer: no plan has been seen with a smaller one."""

ASSUMED_RESTORE_RATE = 50.0

UNEXPLAINED_PAUSE_SECONDS = 1.0
"""Shopify's documented back-off, for a refusal that its own figures do not explain."""

SHORTEST_REST_SECONDS = 0.001
"""Keeps a rest from being too short for the clock to move at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """Points held for a call under way. `spent_before` is what all finished calls had cost when it began."""

    document: Document
    entries: int
    points: float
    spent_before: float


class CostBucket:
    """One shop's bucket, shared by all jobs of the process that call this shop. Points; seconds.

    What is believed to be there is never more than what is there, as far as this process is the only one to call: an
    answer's `currentlyAvailable` may be older than calls that ended since, so their cost is taken off, and calls still
    under way are taken off whole.
    """

    def __init__(
        self, clock: Clock, *, maximum: float = ASSUMED_MAXIMUM, restore_rate: float = ASSUMED_RESTORE_RATE
    ) -> None:
        self._clock = clock
        self._maximum = maximum
        self._rate = restore_rate
        self._level = maximum
        self._level_at = clock.monotonic()
        self._paused_until = self._level_at
        self._spent = 0.0
        self._under_way: set[Reservation] = set()
        self._learned: dict[tuple[Document, int], float] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def cost_of(self, document: Document, entries: int) -> float:
        """What the call is known to cost, or else its estimate; at most the whole bucket."""
        return min(self._maximum, self._learned.get((document, entries), document.estimate(entries)))

    async def reserve(
        self, document: Document, entries: int, waited: Callable[[float], None] = lambda _seconds: None
    ) -> Reservation:
        """Wait, first come first served, until the bucket holds the call's cost, and hold it; `waited` gets the time."""
        began = self._clock.monotonic()
        try:
            async with self._turn:
                while (rest := self._seconds_until(self.cost_of(document, entries))) > 0.0:
                    await self._rest(rest)
                held = Reservation(document, entries, self.cost_of(document, entries), self._spent)
                self._under_way.add(held)
                return held
        finally:
            waited(self._clock.monotonic() - began)

    def answered(self, held: Reservation, report: CostReport) -> None:
        """Take in what an answer says of the bucket; without a word, the call is taken to have cost what was held."""
        if report.requested is not None:
            self._learned[held.document, held.entries] = report.requested
        cost = _first_known(report.actual, report.requested, held.points)
        if report.status is None:
            self._finish(held, cost)
            return
        self._maximum = report.status.maximum
        self._rate = report.status.restore_rate
        self._level = report.status.available - (self._spent - held.spent_before)
        self._level_at = self._clock.monotonic()
        self._spent += cost
        self._let_go(held)

    def throttled(self, held: Reservation, report: CostReport) -> None:
        """Take in a refusal: the call cost nothing, and the bucket holds what Shopify says, or else nothing."""
        if report.requested is not None:
            self._learned[held.document, held.entries] = report.requested
        if report.status is not None:
            self._maximum = report.status.maximum
            self._rate = report.status.restore_rate
            self._level = report.status.available - (self._spent - held.spent_before)
        else:
            self._level = 0.0
        self._level_at = self._clock.monotonic()
        self._let_go(held)
        if self._seconds_until(self.cost_of(held.document, held.entries)) <= 0.0:
            self.pause(UNEXPLAINED_PAUSE_SECONDS)

    def unanswered(self, held: Reservation) -> None:
        """No answer came: the call is taken to have cost all that was held."""
        self._finish(held, held.points)

    def unsent(self, held: Reservation) -> None:
        """The call never left."""
        self._let_go(held)

    def pause(self, seconds: float) -> None:
        """Let no call through for so long, as Shopify asked with `Retry-After`."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _available(self) -> float:
        passed = self._clock.monotonic() - self._level_at
        restored = min(self._maximum, self._level + passed * self._rate)
        return restored - sum(held.points for held in self._under_way)

    def _seconds_until(self, points: float) -> float:
        missing = points - self._available()
        paused = self._paused_until - self._clock.monotonic()
        rest = max(paused, missing / self._rate)
        return max(rest, SHORTEST_REST_SECONDS) if rest > 0.0 else 0.0

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until something about the bucket has changed."""
        self._changed.clear()
        waits = (asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._changed.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _finish(self, held: Reservation, cost: float) -> None:
        now = self._clock.monotonic()
        self._level = min(self._maximum, self._level + (now - self._level_at) * self._rate) - cost
        self._level_at = now
        self._spent += cost
        self._let_go(held)

    def _let_go(self, held: Reservation) -> None:
        self._under_way.remove(held)
        self._changed.set()


def _first_known(*values: float | None) -> float:
    return next(value for value in values if value is not None)
