"""Addresses that are called as they were given: written another way, a signature in one would not be good any more."""

import re
from urllib.parse import quote

from yarl import URL

_NOT_IN_ADDRESSES = re.compile(r"[^!-~]+")


def address_of(url: str) -> URL:
    """Read an address of http or https; only what no address can hold (spaces, other letters than ASCII's) is encoded.

    Raises:
        ValueError: It is none, or its host or port is none.
    """
    address = URL(_NOT_IN_ADDRESSES.sub(lambda found: quote(found[0]), url), encoded=True)
    host = address.raw_host
    if address.scheme not in ("http", "https") or not host or not address.port:
        raise ValueError("this is no address of http")
    host.encode("idna")  # as the system's resolver is asked; a label that is empty or too long is refused
    return address
