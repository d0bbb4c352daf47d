"""Writes a batch to Shopify: intent, call, settlement; again without what was refused, until each entry is decided."""

import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
from uuid_utils import uuid7

from sync_worker.application.ports.push_catalog import ConfirmedValue, Intent, IntentOutcome, LogLine, Settlement
from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal
from sync_worker.application.push.batches import STALE, Batch, Verdict, judge
from sync_worker.application.push.lanes import LaneCalls
from sync_worker.application.push.ledger import Ledger, confirmed_values, log_lines
from sync_worker.application.push.planned import Settled
from sync_worker.application.push.push_run import PushRun
from sync_worker.domain.failures import VendorRefusal, VendorUnavailable
from sync_worker.domain.push_plan import Entry, Lane

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://nhanhsync.dev/idempotency-key")

GONE = ItemRefusal("NOT_FOUND", "it is not at Shopify any more", retryable=False)


class BatchWriter:
    """Writes the batches of one lane."""

    def __init__(
        self, run: PushRun, lane: LaneCalls, ledger: Ledger, new_id: Callable[[], str] = lambda: str(uuid7())
    ) -> None:
        self._run = run
        self._lane = lane
        self._ledger = ledger
        self._new_id = new_id
        self._read_back: set[tuple[str, int]] = set()

    async def write(self, batch: Batch) -> None:
        """Write a batch, however many calls it takes to keep bad entries from failing the others.

        Raises:
            VendorFailure: Shopify did not answer as it should; what was sent stays an open intent.
        """
        waiting = deque([batch])
        while waiting:
            self._run.job.check()
            waiting.extendleft(reversed(await self._write_once(waiting.popleft())))

    async def _write_once(self, batch: Batch) -> list[Batch]:
        intent = await self._intend(batch)
        verdict = judge(batch, await self._send(intent))
        refused = list(verdict.refused)
        stale: list[Entry] = []
        for entry in verdict.stale:
            if _key(entry) in self._read_back:
                refused.append((entry, ItemRefusal(STALE, "it keeps changing at Shopify", retryable=True)))
            else:
                stale.append(entry)
        if refused and self._lane.lane is Lane.TOTAL_SPENT:
            refused = await self._tell_the_gone(refused)
        await self._settle_answer(intent, verdict, refused)
        return [*verdict.again, *(await self._decide_stale(stale))]

    async def _intend(self, batch: Batch) -> Intent:
        intent_id = self._new_id()
        intent = Intent(
            intent_id,
            self._lane.lane,
            idempotency_key(self._run.job.store.store_id, intent_id, batch),
            batch,
            self._run.job.job_id,
            self._run.clock.now_micros(),
        )
        await self._run.catalog.store_intent(self._run.scope(self._lane.lane.entity), intent)
        return intent

    async def _send(self, intent: Intent) -> BatchOutcome:
        try:
            return await self._lane.send(intent.entries, intent.idempotency_key)
        except VendorRefusal as refusal:
            # Nothing was written; whether one entry is to blame shows when the batch is cut in halves.
            return BatchOutcome(False, {}, ItemRefusal(refusal.code, refusal.message, retryable=False))
        except VendorUnavailable as failure:
            if not failure.outcome_unknown:
                await self._settle([], Settlement(intent=(intent.intent_id, IntentOutcome.NOT_SENT)))
            raise

    async def _settle_answer(
        self, intent: Intent, verdict: Verdict, refused: Sequence[tuple[Entry, ItemRefusal]]
    ) -> None:
        now = self._run.clock.now_micros()
        confirmed: list[ConfirmedValue] = []
        log: list[LogLine] = []
        settled: list[Settled | None] = []
        for entry in verdict.applied:
            confirmed.extend(confirmed_values(entry, entry.wanted, now))
            log.extend(log_lines(entry))
            settled.append(self._ledger.written(entry))
        for entry, refusal in refused:
            settled.append(self._ledger.refused(entry, refusal))
        outcome = IntentOutcome.APPLIED if verdict.applied else IntentOutcome.REFUSED
        gone = [(entry.lane, entry.owner_id) for entry, refusal in refused if refusal is GONE]
        await self._settle(
            settled,
            Settlement(intent=(intent.intent_id, outcome), confirmed=confirmed, forgotten=gone, log=log),
        )

    async def _decide_stale(self, stale: Sequence[Entry]) -> list[Batch]:
        """Look once at what Shopify has, and decide once: there already, gone, or written over what was read."""
        if not stale:
            return []
        readings = await self._lane.read_back(stale)
        now = self._run.clock.now_micros()
        again: list[Entry] = []
        confirmed: list[ConfirmedValue] = []
        log: list[LogLine] = []
        settled: list[Settled | None] = []
        for entry, reading in zip(stale, readings, strict=True):
            if reading is None:
                settled.append(self._ledger.refused(entry, GONE))
                continue
            confirmed.extend(confirmed_values(entry, reading, now))
            seen = replace(entry, before=reading, fresh=True)
            if reading == entry.wanted:
                log.extend(log_lines(seen))
                settled.append(self._ledger.written(seen))
            else:
                self._read_back.add(_key(entry))
                again.append(seen)
        gone = [(e.lane, e.owner_id) for e, reading in zip(stale, readings, strict=True) if reading is None]
        await self._settle(settled, Settlement(confirmed=confirmed, forgotten=gone, log=log))
        return [tuple(again)] if again else []

    async def _tell_the_gone(self, refused: Sequence[tuple[Entry, ItemRefusal]]) -> list[tuple[Entry, ItemRefusal]]:
        """Find out whether a refused owner is gone for good, which no code of Shopify's says for a metafield."""
        readings = await self._lane.read_back([entry for entry, _ in refused])
        return [
            (entry, GONE if reading is None else refusal)
            for (entry, refusal), reading in zip(refused, readings, strict=True)
        ]

    async def _settle(self, settled: Sequence[Settled | None], settlement: Settlement) -> None:
        done = [each for each in settled if each is not None]
        await self._run.settle(self._lane.lane.entity, done, settlement)


def idempotency_key(store_id: str, intent_id: str, entries: Sequence[Entry]) -> str:
    """Make the key of a write from all that it says, so that the same write has the same key after any restart."""
    rows = sorted([each.owner_id, each.location_id, *each.wanted, each.change_from] for each in entries)
    return str(uuid.uuid5(NAMESPACE, orjson.dumps([store_id, intent_id, rows]).decode()))


def _key(entry: Entry) -> tuple[str, int]:
    return entry.mapping_id, entry.location_id
