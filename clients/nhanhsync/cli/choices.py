"""Words that people type for the values of the contract's enums."""

from collections.abc import Mapping, Sequence
from typing import Any


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
