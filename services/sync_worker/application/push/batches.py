"""How writes are batched, and how one bad entry is kept from failing its batch-mates.

Shopify applies a batch whole or not at all. When it names the entries that it refuses, the others are sent again
without them; when it names none, the batch is cut in halves until the bad entry stands alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal
from sync_worker.domain.failures import MalformedAnswer, VendorUnavailable
from sync_worker.domain.push_plan import Entry

STALE = "CHANGE_FROM_QUANTITY_STALE"
"""Shopify's word for a quantity that is not what the write compared it with."""

STILL_RUNNING = "IDEMPOTENCY_CONCURRENT_REQUEST"
"""Shopify's word for a write whose first sending is still being worked on: its outcome is not known yet."""

Batch = tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of each entry of its batch: exactly one of the four."""

    applied: Batch = ()
    refused: tuple[tuple[Entry, ItemRefusal], ...] = ()
    stale: Batch = ()
    again: tuple[Batch, ...] = ()


def batches(entries: Sequence[Entry], size: int) -> Iterator[Batch]:
    """Cut entries into batches of one group each, at most `size` long, in order."""
    groups: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.group_id].append(entry)
    for group in groups.values():
        for start in range(0, len(group), size):
            yield tuple(group[start : start + size])


def judge(batch: Batch, outcome: BatchOutcome) -> Verdict:
    """Say what becomes of each entry.

    Raises:
        MalformedAnswer: The answer names an entry that was not sent, or refuses without saying anything.
        VendorUnavailable: The same write is still being worked on at Shopify.
    """
    refusals = dict(outcome.refusals)
    if any(not 0 <= index < len(batch) for index in refusals):
        raise MalformedAnswer("shopify", f"a batch of {len(batch)} was refused at {sorted(refusals)}")
    if outcome.applied:
        return _split(batch, refusals, rest_applied=True)
    if refusals:
        return _split(batch, refusals, rest_applied=False)
    refusal = outcome.batch_refusal
    if refusal is None:
        raise MalformedAnswer("shopify", "a batch was refused without a reason")
    if refusal.code == STILL_RUNNING:
        raise VendorUnavailable("shopify", refusal.code, refusal.message, outcome_unknown=True)
    if len(batch) == 1:
        return _split(batch, {0: refusal}, rest_applied=False)
    middle = len(batch) // 2
    return Verdict(again=(batch[:middle], batch[middle:]))


def _split(batch: Batch, refusals: dict[int, ItemRefusal], *, rest_applied: bool) -> Verdict:
    rest = tuple(entry for index, entry in enumerate(batch) if index not in refusals)
    return Verdict(
        applied=rest if rest_applied else (),
        refused=tuple((batch[i], refusal) for i, refusal in sorted(refusals.items()) if refusal.code != STALE),
        stale=tuple(batch[i] for i, refusal in sorted(refusals.items()) if refusal.code == STALE),
        again=(rest,) if rest and not rest_applied else (),
    )
