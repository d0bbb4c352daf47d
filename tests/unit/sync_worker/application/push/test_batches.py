"""Keeping bad entries from failing their batch-mates."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal
from sync_worker.application.push.batches import STALE, STILL_RUNNING, Batch, batches, judge
from sync_worker.application.push.writing import idempotency_key
from sync_worker.domain.failures import MalformedAnswer, VendorUnavailable
from sync_worker.domain.push_plan import Entry, Lane

NAMED = ItemRefusal("NAMED", "", retryable=False)
SILENT = ItemRefusal("SILENT", "", retryable=False)


def entry(owner: int, group: int = 0, wanted: int = 1) -> Entry:
    """A write for an owner."""
    return Entry(Lane.INVENTORY, f"m{owner}", owner, owner, 1, group, (wanted,), None, fresh=False)


def ask(batch: Batch, named: set[int], silent: set[int]) -> BatchOutcome:
    """Answer as Shopify does: all or none; it names those of `named`, and never those of `silent`."""
    refusals = {i: NAMED for i, each in enumerate(batch) if each.owner_id in named}
    if refusals:
        return BatchOutcome(False, refusals)
    if any(each.owner_id in silent for each in batch):
        return BatchOutcome(False, {}, SILENT)
    return BatchOutcome(True, {})


@given(st.integers(1, 60), st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59)))
def test_exactly_the_others_are_written(size: int, named: set[int], silent: set[int]) -> None:
    """Whatever entries are bad, the others are applied once, the bad ones refused once, and it ends."""
    waiting: deque[Batch] = deque([tuple(entry(owner) for owner in range(size))])
    applied: list[int] = []
    refused: list[int] = []
    calls = 0
    while waiting:
        batch = waiting.popleft()
        verdict = judge(batch, ask(batch, named, silent))
        calls += 1
        applied.extend(each.owner_id for each in verdict.applied)
        refused.extend(each.owner_id for each, _ in verdict.refused)
        waiting.extend(verdict.again)
    bad = (named | silent) & set(range(size))
    assert sorted(applied) == sorted(set(range(size)) - bad)
    assert sorted(refused) == sorted(bad)
    assert calls <= 2 * size + 1


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 7))
def test_batches_hold_one_group_each(groups: list[int], size: int) -> None:
    """Every entry is in one batch, no batch is too long, and none mixes groups."""
    entries = [entry(owner, group) for owner, group in enumerate(groups)]
    made = list(batches(entries, size))
    assert sorted(each.owner_id for batch in made for each in batch) == list(range(len(groups)))
    assert all(0 < len(batch) <= size for batch in made)
    assert all(len({each.group_id for each in batch}) == 1 for batch in made)


def test_stale_entries_are_set_apart() -> None:
    """A stale entry is neither refused nor sent again as it is."""
    stale = ItemRefusal(STALE, "", retryable=True)
    batch = (entry(1), entry(2))
    verdict = judge(batch, BatchOutcome(False, {0: stale}))
    assert (verdict.stale, verdict.again, verdict.refused) == ((batch[0],), ((batch[1],),), ())
    alone = judge(batch[:1], BatchOutcome(False, {}, stale))
    assert alone.stale == batch[:1]


@pytest.mark.parametrize(
    "outcome", [BatchOutcome(False, {2: NAMED}), BatchOutcome(False, {-1: NAMED}), BatchOutcome(False, {})]
)
def test_answers_that_make_no_sense(outcome: BatchOutcome) -> None:
    """An answer that names what was not sent, or refuses without a word, is not made anything of."""
    with pytest.raises(MalformedAnswer):
        judge((entry(1), entry(2)), outcome)


def test_write_in_progress_has_no_outcome_yet() -> None:
    """While Shopify works on the first sending, nobody knows the outcome."""
    with pytest.raises(VendorUnavailable) as failure:
        judge((entry(1), entry(2)), BatchOutcome(False, {}, ItemRefusal(STILL_RUNNING, "", retryable=True)))
    assert failure.value.outcome_unknown


def test_key_says_all_that_the_write_says() -> None:
    """The same write has the same key in any order; another store, intent or quantity has another."""
    first, second = entry(1), entry(2)
    key = idempotency_key("hanoi", "intent", [first, second])
    assert key == idempotency_key("hanoi", "intent", [second, first])
    others = {
        idempotency_key("danang", "intent", [first, second]),
        idempotency_key("hanoi", "other", [first, second]),
        idempotency_key("hanoi", "intent", [first, entry(2, wanted=3)]),
        idempotency_key("hanoi", "intent", [first]),
    }
    assert len(others | {key}) == 5
