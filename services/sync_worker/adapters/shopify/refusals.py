"""What a mutation's `userErrors` say of each entry of its batch. All mutations used are all-or-nothing."""

from collections.abc import Mapping

from sync_worker.adapters.shopify.answers import STILL_RUNNING, said
from sync_worker.application.ports.shopify import BatchOutcome, ItemRefusal
from sync_worker.domain.failures import MalformedAnswer

KEY_MISMATCH = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"

RETRYABLE = frozenset(
    {
        "CHANGE_FROM_QUANTITY_STALE",
        "COMPARE_QUANTITY_STALE",
        STILL_RUNNING,
        "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
        "INTERNAL_ERROR",
        "STALE_OBJECT",
    }
)
"""Codes that time, or a new attempt, may heal; every other one needs a person to change something."""


def outcome_of(payload: object, entries: int) -> BatchOutcome:
    """Read a mutation's payload.

    An entry with several errors keeps the first that time alone does not heal.

    Raises:
        MalformedAnswer: There is no list of errors, or one names an entry that was not sent.
    """
    errors = payload.get("userErrors") if isinstance(payload, Mapping) else None
    if not isinstance(errors, list):
        raise MalformedAnswer("shopify", "the answer to a write has no userErrors")
    refusals: dict[int, ItemRefusal] = {}
    whole: ItemRefusal | None = None
    for error in errors:
        if not isinstance(error, Mapping):
            raise MalformedAnswer("shopify", "a user error is no JSON object")
        refusal = _refusal(error)
        index = _entry_of(error)
        if index is None:
            whole = _graver(whole, refusal)
        elif index < entries:
            refusals[index] = _graver(refusals.get(index), refusal)
        else:
            raise MalformedAnswer("shopify", f"a write of {entries} entries was refused at {index}: {refusal.code}")
    return BatchOutcome(not errors, refusals, whole)


def refusals_of(outcome: BatchOutcome) -> list[ItemRefusal]:
    """List every refusal of a batch: those of its entries, and then the one that names none."""
    return [*outcome.refusals.values(), *([] if outcome.batch_refusal is None else [outcome.batch_refusal])]


def running_still(outcome: BatchOutcome) -> ItemRefusal | None:
    """Find the word that an earlier sending with the same key is still being worked on, whatever it names."""
    return next((refusal for refusal in refusals_of(outcome) if refusal.code == STILL_RUNNING), None)


def key_is_taken(outcome: BatchOutcome) -> bool:
    """Whether Shopify knows the key with other values, which says nothing of what was written under it."""
    return outcome.batch_refusal is not None and outcome.batch_refusal.code == KEY_MISMATCH


def _refusal(error: Mapping[str, object]) -> ItemRefusal:
    code = error.get("code")
    code = code if isinstance(code, str) and code else "USER_ERROR"
    return ItemRefusal(code, said(error.get("message")), code in RETRYABLE)


def _entry_of(error: Mapping[str, object]) -> int | None:
    """Find the entry that an error names: by `elementIndex`, or by the first number in its path."""
    index = error.get("elementIndex")
    if isinstance(index, int) and not isinstance(index, bool):
        return index if index >= 0 else None
    path = error.get("field")
    for part in path if isinstance(path, list) else ():
        if str(part).isascii() and str(part).isdecimal():
            return int(str(part))
    return None


def _graver(known: ItemRefusal | None, found: ItemRefusal) -> ItemRefusal:
    return found if known is None or (known.retryable and not found.retryable) else known
