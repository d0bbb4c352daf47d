"""How many types there may be: whoever lists them, or counts jobs by them, is answered in one message."""

from collections.abc import Iterable, Sequence

from job_tracker.domain.errors import InvalidFieldsError
from job_tracker.domain.job import JobType

MOST_TYPES = 1_000
MOST_VARIANTS = 1_000
"""Of all types together."""


def check_growth(registered: Iterable[JobType], named: Sequence[JobType]) -> None:
    """Refuse a registration that makes too many types or variants; one that makes no more than there are is always taken.

    Raises:
        InvalidFieldsError: It would.
    """
    before = {one.type: len(one.variants) for one in registered}
    after = before | {one.type: len(one.variants) for one in named}
    faults = [
        ("job_types", f"would make more than {most:,} {what}")
        for what, most, were, are in (
            ("types", MOST_TYPES, len(before), len(after)),
            ("variants of all types together", MOST_VARIANTS, sum(before.values()), sum(after.values())),
        )
        if are > most and are > were
    ]
    if faults:
        raise InvalidFieldsError(faults)
