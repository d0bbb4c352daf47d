"""Vietnam's numbering plan: which national numbers exist, and what the renumbered ones are called today.

Mobile numbers of eleven digits became ones of ten on 2018-09-15: the last seven digits stayed (the operators' notices, as
printed at https://baonghean.vn and on https://www.mobifone.vn). Area codes changed in three phases in 2017 (Decision
2036/QĐ-BTTTT of the Ministry of Information and Communications).
"""

from enum import StrEnum
from typing import NamedTuple

COUNTRY_CODE = "84"


class PhoneForm(StrEnum):
    """How a number had to be read."""

    CURRENT = "current"
    """As it is dialled today."""
    RENUMBERED = "renumbered"
    """A mobile number of before 2018."""
    OLD_AREA = "old_area"
    """A landline with an area code of before 2017."""
    UNALLOCATED = "unallocated"
    """The shape of a mobile number, in a block that no operator is known to use: lists of blocks lag behind."""
    GUESSED = "guessed"
    """An old form without its leading zero: two things had to be supposed."""
    FOREIGN = "foreign"
    """A number of another country, checked for its shape alone."""


class PhoneReading(NamedTuple):
    """A canonical number (its E.164 digits as an integer) and how it was read."""

    key: int
    form: PhoneForm


def words(text: str) -> frozenset[str]:
    """Read a set written as one line."""
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(">") for pair in text.split())


RENUMBERED_MOBILES = _pairs(
    "120>70 121>79 122>77 126>76 128>78 "  # MobiFone
    "123>83 124>84 125>85 127>81 129>82 "  # VinaPhone
    "162>32 163>33 164>34 165>35 166>36 167>37 168>38 169>39 "  # Viettel
    "186>56 188>58 199>59"  # Vietnamobile, Gmobile
)
"""Old prefix to new, without the leading zero."""

MOBILE_BLOCKS = words(
    "32 33 34 35 36 37 38 39 52 55 56 58 59 70 76 77 78 79 81 82 83 84 85 86 87 88 89 90 91 92 93 94 96 97 98 99"
)
"""The first two digits of mobile numbers that operators use."""

_AREAS_OF_THREE_DIGITS = _pairs(
    "231>213 230>215 510>235 511>236 240>204 280>208 281>209 320>220 321>221 241>222 351>226 350>228 780>290 781>291 "
    "710>292 711>293 501>261 500>262 651>271 650>274"
)

_AREAS_OF_TWO_DIGITS = _pairs(
    "22>212 20>214 29>216 52>232 53>233 54>234 37>237 38>238 39>239 33>203 25>205 26>206 27>207 31>225 36>227 30>229 "
    "74>294 76>296 77>297 79>299 61>251 62>252 64>254 55>255 56>256 57>257 58>258 68>259 60>260 63>263 59>269 70>270 "
    "72>272 73>273 75>275 66>276 67>277"
)

_SAFE_AREAS_OF_TWO_DIGITS = words("20 22 25 26 27 29 53 54 57 60 61 62 63 64 66 67 68 72 73 74 75")
"""Those whose block holds no mobile numbers today: 033 is Viettel's now, no longer Quảng Ninh's."""

AREA_CODES = (
    frozenset(_AREAS_OF_THREE_DIGITS.values()) | set(_AREAS_OF_TWO_DIGITS.values()) | {"210", "211", "218", "219"}
)
"""Area codes of three digits; Hà Nội and Hồ Chí Minh City have two (24, 28) and eight digits behind them."""


def read_national(number: str) -> PhoneReading | None:
    """Read a national number without its leading zero; None when there is no such number, now or before.

    The length decides: nine digits are a mobile number or an old landline, ten a landline or an old mobile number.
    """
    if len(number) == 9:
        return _nine_digits(number)
    if len(number) == 10:
        return _ten_digits(number)
    return None


def _nine_digits(number: str) -> PhoneReading | None:
    block = number[:2]
    if block in MOBILE_BLOCKS:
        return _reading(number, PhoneForm.CURRENT)
    if block in _SAFE_AREAS_OF_TWO_DIGITS:
        return _reading(_AREAS_OF_TWO_DIGITS[block] + number[2:], PhoneForm.OLD_AREA)
    if number[0] == "4" and number[1] in "23456789":
        return _reading("2" + number, PhoneForm.OLD_AREA)  # Hà Nội: 04 became 024
    if number[0] in "35789":
        return _reading(number, PhoneForm.UNALLOCATED)
    return None


def _ten_digits(number: str) -> PhoneReading | None:
    area = number[:3]
    if area in AREA_CODES or (area[:2] in {"24", "28"} and area[2] in "23456789"):
        return _reading(number, PhoneForm.CURRENT)
    if area in _AREAS_OF_THREE_DIGITS:
        return _reading(_AREAS_OF_THREE_DIGITS[area] + number[3:], PhoneForm.OLD_AREA)
    if area in RENUMBERED_MOBILES:
        return _reading(RENUMBERED_MOBILES[area] + number[3:], PhoneForm.RENUMBERED)
    return None


def _reading(national: str, form: PhoneForm) -> PhoneReading:
    return PhoneReading(int(COUNTRY_CODE + national), form)
