"""Single values of Nhanh's answers, which PHP writes: numbers as text, `[]` for an empty object, lists keyed by id.

Whatever a decision hangs on is read strictly: an id, an amount or a number of pieces that is there and cannot be read is a
MalformedAnswer, never a zero. Whatever only describes is read leniently: None stands for unknown.
"""

import re
from decimal import Decimal, InvalidOperation

from sync_worker.adapters.nhanh.envelope import VENDOR, Json
from sync_worker.domain.failures import MalformedAnswer
from sync_worker.domain.money import SCALE, scaled

LARGEST_ID = 2**63 - 1
LARGEST_WHOLE_AMOUNT = 10**14
LARGEST_AMOUNT = Decimal(LARGEST_WHOLE_AMOUNT)
"""What is larger is no amount; a scaled one still fits 64 bits."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def is_empty(given: Json) -> bool:
    """Whether PHP says "nothing": null, an empty text, object or list."""
    return given is None or given in ("", [], {})


def object_of(given: Json, what: str) -> dict[str, Json] | None:
    """Read an object; None when it is empty, in any of the ways of PHP."""
    if is_empty(given):
        return None
    if not isinstance(given, dict):
        raise MalformedAnswer(VENDOR, f"{what} is no object")
    return given


def list_of(given: Json, what: str) -> list[Json]:
    """Read a list, or an object whose keys only number it; the keys are never taken for ids."""
    if is_empty(given):
        return []
    if isinstance(given, dict):
        return list(given.values())
    if not isinstance(given, list):
        raise MalformedAnswer(VENDOR, f"{what} is no list")
    return given


def id_of(given: Json, what: str) -> int:
    """Read an id that must be there."""
    found = _integer(given)
    if found is None or not 0 < found <= LARGEST_ID:
        raise MalformedAnswer(VENDOR, f"{what} is {_shown(given)}, which is no id")
    return found


def amount(given: Json, what: str) -> int | None:
    """Read money or pieces as ten-thousandths; None when there is none."""
    if type(given) is int and -LARGEST_WHOLE_AMOUNT <= given <= LARGEST_WHOLE_AMOUNT:
        return given * SCALE
    if is_empty(given):
        return None
    number = _number(given)
    if number is None or abs(number) > LARGEST_AMOUNT:
        raise MalformedAnswer(VENDOR, f"{what} is {_shown(given)}, which is no amount")
    return scaled(number)


def required_amount(given: Json, what: str) -> int:
    """Read money or pieces that must be there."""
    found = amount(given, what)
    if found is None:
        raise MalformedAnswer(VENDOR, f"{what} is missing")
    return found


def required_integer(given: Json, what: str) -> int:
    """Read a whole number that must be there."""
    found = integer(given)
    if found is None:
        raise MalformedAnswer(VENDOR, f"{what} is {_shown(given)}, which is no whole number")
    return found


def integer(given: Json) -> int | None:
    """Read a whole number that only describes, or None."""
    found = _integer(given)
    return found if found is not None and abs(found) <= LARGEST_ID else None


def text(given: Json) -> str | None:
    """Read text as it came, or None. What no database takes, half a surrogate pair or a NUL, becomes U+FFFD."""
    if type(given) is str and "\x00" not in given and (given.isascii() or _is_whole(given)):
        return given or None
    if isinstance(given, bool) or is_empty(given) or isinstance(given, dict | list):
        return None
    return str(given).encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def _is_whole(given: str) -> bool:
    """Whether a text has no half of a surrogate pair: the rest is UTF-8, which is quick to see."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def name_within(given: Json) -> str | None:
    """Read the `name` of an object that may be empty or anything else."""
    return text(given.get("name")) if isinstance(given, dict) else None


def _integer(given: Json) -> int | None:
    if type(given) is int:
        return given if -LARGEST_ID <= given <= LARGEST_ID else None
    number = _number(given)
    if number is None or abs(number) > LARGEST_ID or number != number.to_integral_value():
        return None
    return int(number)


def _number(given: Json) -> Decimal | None:
    if isinstance(given, bool):
        return None
    if isinstance(given, int | Decimal):
        return Decimal(given)
    if isinstance(given, float):
        return Decimal(repr(given))
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        try:
            return Decimal(given.strip())
        except InvalidOperation:
            return None
    return None


def _shown(given: Json) -> str:
    return "missing" if given is None else repr(given)[:60]
