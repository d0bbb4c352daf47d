"""Text as people type it, made plain: one width, ASCII digits and dashes, nothing invisible."""

import unicodedata

_DASHES = {ord(dash): "-" for dash in "‐‑‒–—―−﹘﹣－⁃"}


def plain(text: str) -> str:
    """Give a text's compatibility form with ASCII digits, plain hyphens, single spaces and no invisible characters."""
    if text.isascii():
        return text
    seen = unicodedata.normalize("NFKC", text)
    if not seen.isascii():
        seen = "".join(_plain_character(each) for each in seen if unicodedata.category(each) != "Cf")
        seen = unicodedata.normalize("NFC", seen.translate(_DASHES))
    return seen


def squeezed(text: str) -> str:
    """Replace every run of white space by one space, and drop it at both ends."""
    return " ".join(text.split())


def _plain_character(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)
