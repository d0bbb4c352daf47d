"""Phone numbers of Vietnam, each given to one person, and the ways in which people write them.

Renumbered prefixes: the operators' notices of 15 September 2018; area codes: Decision 2036/QĐ-BTTTT of 2017.
"""

from collections.abc import Callable
from random import Random

MOBILE = (
    "90",
    "91",
    "93",
    "94",
    "96",
    "97",
    "98",
    "32",
    "33",
    "35",
    "36",
    "38",
    "39",
    "70",
    "77",
    "79",
    "81",
    "83",
    "85",
    "88",
    "89",
)
OLD_TO_NEW = {
    "120": "70",
    "121": "79",
    "122": "77",
    "123": "83",
    "125": "85",
    "162": "32",
    "163": "33",
    "165": "35",
    "168": "38",
}
"""Prefixes of mobile numbers before 2018 and after."""
HANOI = "24"

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
NO_BREAK = "\u00a0"
ZERO_WIDTH = "\u200b"


class PhoneBook:
    """Hands out numbers, no number twice. A number is its national digits without the leading zero, as dialled today."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def mobile(self) -> str:
        """Give a mobile number."""
        return self._once(lambda: self._rng.choice(MOBILE) + self._digits(7))

    def renumbered(self) -> tuple[str, str]:
        """Give a mobile number that was another before 2018: the number of today, and the old one."""
        while True:
            old = self._rng.choice(sorted(OLD_TO_NEW))
            tail = self._digits(7)
            number = OLD_TO_NEW[old] + tail
            if number not in self._given:
                self._given.add(number)
                return number, old + tail

    def landline(self) -> tuple[str, str]:
        """Give a landline of Hà Nội: the number of today, and that of before 2017."""
        number = self._once(lambda: HANOI + self._rng.choice("23456789") + self._digits(7))
        return number, number.removeprefix("2")

    def _digits(self, count: int) -> str:
        return "".join(self._rng.choices("0123456789", k=count))

    def _once(self, make: Callable[[], str]) -> str:
        while (number := make()) in self._given:
            pass
        self._given.add(number)
        return number


def e164(number: str) -> str:
    """Write a number as Shopify keeps it."""
    return f"+84{number}"


def spelled(rng: Random, number: str) -> str:
    """Write a number as somebody might."""
    head, middle, tail = number[:-6], number[-6:-3], number[-3:]
    ways = (
        f"0{number}",
        f"0{number}",
        f"0{number}",
        f"0{head} {middle} {tail}",
        f"0{head}.{middle}.{tail}",
        f"0{head}-{middle}-{tail}",
        f"84{number}",
        f"+84{number}",
        f"+84 {head} {middle} {tail}",
        f"(+84) {head} {middle} {tail}",
        f"0084{number}",
        f"+84(0){number}",
        f"0{head}{NO_BREAK}{middle}{NO_BREAK}{tail}",
        f"0{number}{ZERO_WIDTH}",
        f" 0{number} ",
        f"'0{number}",
        f"0{number}".translate(FULL_WIDTH),
    )
    return rng.choice(ways)


def masked(number: str) -> str:
    """Write a number as some sales channels show it."""
    return f"0{number[:1]}xxxx{number[-4:]}"
