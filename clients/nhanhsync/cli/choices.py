"""What people type, as the values of the contract: words for its enums, and times."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from nhanhsync.cli import words
from nhanhsync.jobs.v1 import job_pb2


class OptionError(Exception):
    """An option's value that the operation does not take; `option` is as people type it."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def choice(given: str | None, choices: Mapping[str, int], option: str) -> int:
    """Turn a word into a value of an enum; 0 when it was not given.

    Raises:
        OptionError: Naming every choice.
    """
    if given is None:
        return 0
    if given not in choices:
        raise OptionError(option, f"{given!r} is not one of {', '.join(choices)}")
    return choices[given]


def choices(given: Sequence[str], known: Mapping[str, int], option: str) -> list[int]:
    """Turn words into values of an enum."""
    return [choice(one, known, option) for one in given]


def words_of(enum: Any, prefix: str) -> dict[str, int]:  # noqa: ANN401 - an enum's wrapper
    """List an enum's values as people type them: without the prefix, small, with hyphens."""
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): number
        for name, number in enum.items()
        if not name.endswith("_UNSPECIFIED")
    }


def moment_typed(given: str | None, option: str) -> Timestamp | None:
    """Read a time; None when it was not given.

    Raises:
        OptionError: It is no time.
    """
    if given is None:
        return None
    try:
        return words.moment_of(given)
    except ValueError:
        raise OptionError(option, f"{given!r} is no time; write 2026-07-01T08:00") from None


POLICIES = words_of(job_pb2.ConflictPolicy, "CONFLICT_POLICY_")
"""What to do when another job is in the way."""
