"""Shopify's cost bucket, kept from our side, so that no call is sent that the bucket could not hold.

A call is let through when the bucket holds its *requested* cost; the difference to the *actual* cost is refunded when
it ends (Shopify's GraphQL rate limits). Size and restore rate differ from plan to plan, so they are read from every
answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import uuid_utils

from sync_worker.adapters.quotas.buckets import (
    ASSUMED_MAXIMUM,
    BucketAnswer,
    BucketState,
    BucketVisit,
    Word,
    visit_bucket,
)
from sync_worker.adapters.quotas.ledger import Ledger
from sync_worker.adapters.quotas.line import Decision, Line
from sync_worker.adapters.quotas.moments import Moment
from sync_worker.adapters.quotas.rows import read_or_hold
from sync_worker.adapters.quotas.turns import Want
from sync_worker.adapters.shopify.costs import CostReport
from sync_worker.adapters.shopify.documents import Document
from sync_worker.application.ports.clock import Clock
from sync_worker.domain.stores import ShopifyAccount
from sync_worker.domain.traffic import Traffic

LEAVE_SECONDS = 5.0
"""Lent points may be used for so long, and a call that holds some must be sent within so long."""

SETTLE_SECONDS = 0.1
"""Where points are scarce, what is lent and not used goes back after so long."""

MARGIN_SECONDS = 1.0
"""Keeps what is lent from running out while the last call that it could pay for is under way."""


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """Points held for a call under way, of a lease. `spent_before` is what all calls are known to have cost when it began."""

    document: Document
    entries: int
    points: float
    spent_before: float
    lease_id: str
    at: float


@dataclass(slots=True)
class _News:
    """What is still to be told, beside the points that were spent."""

    answer: tuple[Reservation, CostReport, float] | None = None
    refused: bool = False
    emptied: bool = False
    paused_until: float = -inf


class CostBucket:
    """One shop's bucket, shared by all workers that call this shop. Points; seconds. See `quotas.buckets` for the rule."""

    def __init__(self, key: str, ledger: Ledger, clock: Clock, *, process: str, call_seconds: float) -> None:
        self._key = key
        self._ledger = ledger
        self._clock = clock
        self._process = process
        self._lease_seconds = 2 * LEAVE_SECONDS + call_seconds + MARGIN_SECONDS
        self._line = Line(process, clock, self._visit, self._give_back)
        self._learned: dict[tuple[Document, int], float] = {}
        self._maximum = ASSUMED_MAXIMUM
        self._rate = 0.0
        self._scarce = True
        self._known_spent = 0.0
        self._news = _News()
        self._lease_id = _new_id()
        self._unused = 0.0
        self._usable_until = -inf
        self._paused_until = -inf
        self._spent = 0.0
        self._held: set[Reservation] = set()
        self._called: dict[str, tuple[float, str]] = {}

    def cost_of(self, document: Document, entries: int) -> float:
        """What the call is known to cost, or else its estimate; at most the whole bucket."""
        return min(self._maximum, self._learned.get((document, entries), document.estimate(entries)))

    async def reserve(
        self,
        document: Document,
        entries: int,
        traffic: Traffic = Traffic.BULK,
        waited: Callable[[float], None] = lambda _seconds: None,
        patience: float = inf,
    ) -> Reservation:
        """Wait until the bucket holds the call's cost, and hold it; `waited` is told how long that took, in any case.

        Raises:
            CatalogUnavailable: Nobody can say what the bucket holds.
            ShutError: Shopify asked for a pause that lasts longer than `patience`.
        """
        cost, lease_id = self.cost_of(document, entries), self._lease_id
        now = self._clock.monotonic()
        if self._line.empty and now <= self._usable_until and cost <= self._unused:
            self._unused -= cost
            waited(0.0)
        else:
            want = await self._line.turn(traffic, lambda: self.cost_of(document, entries), waited, patience)
            cost, lease_id = self._called.pop(want.call_id)
        spent_before = self._known_spent + self._spent
        held = Reservation(document, entries, cost, spent_before, lease_id, self._clock.monotonic())
        if lease_id == self._lease_id:
            self._held.add(held)
        return held

    def may_leave(self, held: Reservation) -> bool:
        """Whether the call that holds these points may be sent now.

        They may have been held for too long, or a pause have been asked for meanwhile.
        """
        now = self._clock.monotonic()
        return held.lease_id == self._lease_id and now - held.at <= LEAVE_SECONDS and now >= self._paused_until

    def answered(self, held: Reservation, report: CostReport) -> None:
        """Take in what an answer says of the bucket; without a word, the call is taken to have cost what was held."""
        self._learn(held, report)
        cost = _first_known(report.actual, report.requested, held.points)
        self._end(held, cost)
        if report.status is not None and not self._news.refused:
            self._news.answer = (held, report, cost)
            if (report.status.maximum, report.status.restore_rate) != (self._maximum, self._rate):
                self._usable_until = -inf
                self._line.tell()

    def throttled(self, held: Reservation, report: CostReport) -> None:
        """Take in a refusal: the call cost nothing, and the bucket holds what Shopify says, or else nothing."""
        self._learn(held, report)
        self._end(held, 0.0)
        self._usable_until = -inf
        if report.status is None:
            self._news.emptied = True
        else:
            self._news.answer, self._news.refused = (held, report, 0.0), True
        self._line.tell()

    def unanswered(self, held: Reservation) -> None:
        """No answer came: the call is taken to have cost all that was held."""
        self._end(held, held.points)

    def unsent(self, held: Reservation) -> None:
        """The call never left."""
        self._end(held, 0.0)

    def pause(self, seconds: float) -> None:
        """Let no call through for so long, as Shopify asked with `Retry-After`."""
        until = self._clock.monotonic() + seconds
        self._news.paused_until = max(self._news.paused_until, until)
        self._paused_until = max(self._paused_until, until)
        self._usable_until = -inf
        self._line.tell()

    async def close(self) -> None:
        """Give back what is lent, if that is possible."""
        if self._unused or self._spent:
            self._line.tell()
        await self._line.close()

    def _learn(self, held: Reservation, report: CostReport) -> None:
        if report.requested is not None:
            self._learned[held.document, held.entries] = report.requested

    def _end(self, held: Reservation, cost: float) -> None:
        """Settle a call; what it held of a lease that was given up is none of our business any more."""
        self._held.discard(held)
        if held.lease_id == self._lease_id:
            self._spent += cost
            self._unused += held.points - cost
        if self._line.empty:
            self._line.tell_within(SETTLE_SECONDS if self._scarce else LEAVE_SECONDS)
        else:
            self._line.tell()

    def _give_back(self, want: Want) -> None:
        points, lease_id = self._called.pop(want.call_id)
        if lease_id == self._lease_id:
            self._unused += points
        self._line.tell_within(SETTLE_SECONDS)

    async def _visit(self, wants: tuple[Want, ...]) -> Decision:
        news, self._news = self._news, _News()
        began = self._clock.monotonic()
        spent = self._spent
        self._unused = 0.0
        visit = BucketVisit(
            self._process,
            self._lease_id,
            self._lease_seconds,
            kept=self._kept(),
            spent=spent,
            word=_word(news, began),
            emptied=news.emptied,
            pause=max(0.0, news.paused_until - began),
            wants=wants,
        )

        def decide(known: str, moment: Moment) -> tuple[str, BucketAnswer]:
            state = read_or_hold(self._key, known, BucketState.read, lambda: BucketState.held(moment))
            answer = visit_bucket(state, visit, moment)
            return state.text(), answer

        try:
            answer = await self._ledger.visit(self._key, decide)
        except BaseException:
            self._give_up_lease()
            self._news.emptied = self._news.emptied or news.emptied
            self._news.paused_until = max(self._news.paused_until, news.paused_until)
            raise
        self._spent -= spent
        self._known_spent = answer.spent
        self._maximum, self._rate, self._scarce = answer.maximum, answer.rate, answer.scarce
        self._called.update((want.call_id, (want.cost, self._lease_id)) for want in answer.granted)
        self._unused += answer.extra
        self._paused_until = max(began + answer.paused, self._news.paused_until)
        if answer.paused:
            self._usable_until = -inf
        elif not (self._news.refused or self._news.emptied or self._news.paused_until > began):
            self._usable_until = began + LEAVE_SECONDS
        if self._unused or self._held or self._called:
            self._line.tell_within(SETTLE_SECONDS if answer.scarce and not self._held else LEAVE_SECONDS)
        return Decision(answer.granted, answer.wait, answer.paused)

    def _give_up_lease(self) -> None:
        """Begin a lease of its own anew, since nobody knows what became of this one: all that it had counts as spent."""
        self._lease_id = _new_id()
        self._unused = 0.0
        self._spent = 0.0
        self._held.clear()

    def _kept(self) -> float:
        """Count what calls hold of the lease: those under way, and those whose callers have not yet heard of their turn."""
        called = sum(points for points, lease_id in self._called.values() if lease_id == self._lease_id)
        return called + sum(held.points for held in self._held)


class CostBuckets:
    """The buckets that a process knows, each of one shop."""

    def __init__(self, ledger: Ledger, clock: Clock, *, process: str, call_seconds: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._process = process
        self._call_seconds = call_seconds
        self._buckets: dict[str, CostBucket] = {}

    def of(self, account: ShopifyAccount) -> CostBucket:
        """Find the bucket that all calls to this shop share."""
        key = f"shopify {account.base_url} {account.shop}"
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = CostBucket(key, self._ledger, self._clock, process=self._process, call_seconds=self._call_seconds)
            self._buckets[key] = bucket
        return bucket

    async def close(self) -> None:
        """Give back what is lent of each."""
        for bucket in self._buckets.values():
            await bucket.close()


def _word(news: _News, now: float) -> Word | None:
    if news.answer is None:
        return None
    held, report, cost = news.answer
    if report.status is None:
        return None
    status = report.status
    return Word(
        available=status.available,
        maximum=status.maximum,
        rate=status.restore_rate,
        spent_before=held.spent_before,
        actual=cost,
        seconds=now - held.at,
        refused=_first_known(report.requested, held.points) if news.refused else 0.0,
    )


def _new_id() -> str:
    return str(uuid_utils.uuid7())


def _first_known(*values: float | None) -> float:
    return next(value for value in values if value is not None)
