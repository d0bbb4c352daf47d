"""E-mail addresses: the same mailbox however it was typed."""

import re

from sync_worker.domain.keys.text_cleaning import plain

_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+")


def email_key(text: str | None) -> str | None:
    """Give the key of an e-mail address; None for what cannot be one.

    Only case and invisible characters are smoothed away: dots and tags before the @ are left to the mail server.
    """
    if text is None:
        return None
    if text.isascii():
        key = text.strip().lower()  # what the rest comes to for nearly every address
    else:
        key = _lowered(text)
        while (again := _lowered(key)) != key:
            key = again
    return key if _ADDRESS.fullmatch(key) else None


def _lowered(text: str) -> str:
    return plain(plain(text).strip().lower())
