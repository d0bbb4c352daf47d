"""Phone numbers in notes, where staff write tax codes, order numbers and bank accounts as well."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from sync_worker.domain.keys.phone import FoundNumber, numbers_in
from sync_worker.domain.keys.text_cleaning import plain
from sync_worker.domain.keys.vietnam_plan import PhoneReading

MAX_NOTE_LENGTH = 2_000
"""A note of as many characters or more is not read: it is a document, not a note."""

_LABEL_REACH = 40
"""A label stands at most so many characters before its number."""

_PHONES = (
    "sđt|sdt|số đt|so dt|đt|dt|đtdđ|dtdd|điện thoại|dien thoai|phone|tel|mobile|di động|di dong|lh|liên hệ|lien he|"
    "liên lạc|lien lac|zalo|viber|whatsapp|gọi|goi|call|hotline|alo"
)
_OTHERS = (
    "mst|mã|ma|cccd|cmnd|cmt|cmtnd|căn cước|can cuoc|hộ chiếu|ho chieu|passport|stk|tk|tài khoản|tai khoan|account|iban|"
    "đơn|don|đh|dh|order|invoice|hđ|hd|hóa đơn|hoá đơn|vận đơn|van don|mvđ|mvd|tracking|bill|code|imei|serial|sn|id|thẻ|the"
)
_WORD = re.compile(rf"(?<!\w)(?:(?P<phone>{_PHONES})|(?P<other>{_OTHERS}))(?![^\W\d_])")
_AFTER = re.compile(rf"\s*\(?\s*(?:là|la)?\s*(?:(?P<phone>{_PHONES})|(?P<other>{_OTHERS}))\s*(?:\)|$|[,;.\n])")
_LETTER = re.compile(r"[^\W\d_]")


class NotedPhone(NamedTuple):
    """A number in a note; `labelled` when a word like SĐT or Zalo says that it is a phone's."""

    reading: PhoneReading
    labelled: bool


def read_note(note: str | None) -> tuple[NotedPhone, ...]:
    """Read the phone numbers of a note.

    A number counts when it has its 0, 84 or +, or when a label says what it is. A label of something else (a tax code, an
    account, an order) stands against every number behind it, up to the next label or line.
    """
    if not note or len(note) >= MAX_NOTE_LENGTH:
        return ()
    text = unicodedata.normalize("NFC", plain(note)).casefold()
    best: dict[int, NotedPhone] = {}
    for noted in _judged(text):
        known = best.get(noted.reading.key)
        if known is None or (noted.labelled and not known.labelled):
            best[noted.reading.key] = noted
    return tuple(best.values())


def _judged(text: str) -> Iterator[NotedPhone]:
    end_before = 0
    label: str | None = None
    for found in numbers_in(text):
        between = text[max(end_before, found.start - _LABEL_REACH) : found.start]
        label = _label(between, label if end_before else None)
        end_before = found.end
        here = _label_behind(text, found) or label
        if here == "other":
            continue
        if here == "phone" or (found.prefixed and _may_stand_alone(text, found)):
            yield NotedPhone(found.reading, here == "phone")


def _label(between: str, inherited: str | None) -> str | None:
    """Find the last label before a number; numbers in a row on one line share theirs."""
    line = between.rsplit("\n", 1)[-1]
    names = [match.lastgroup for match in _WORD.finditer(line)]
    if names:
        return names[-1]
    if "\n" in between or _LETTER.search(between):
        return None
    return inherited


def _label_behind(text: str, found: FoundNumber) -> str | None:
    behind = _AFTER.match(text, found.end)
    return behind.lastgroup if behind else None


def _may_stand_alone(text: str, found: FoundNumber) -> bool:
    """Refuse what is glued to a word, like an order's code, and twelve digits in one group, like an identity card's."""
    written = text[found.start : found.end]
    if found.start and (text[found.start - 1].isalpha() or text[found.start - 1] in "_#"):
        return False
    if found.end < len(text) and (text[found.end].isalpha() or text[found.end] == "_"):
        return False
    return not (written.isdigit() and written.startswith("084") and len(written) >= 12)
