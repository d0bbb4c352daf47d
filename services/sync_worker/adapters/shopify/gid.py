"""Shopify's global ids (`gid://shopify/Customer/1`), of which we keep the numbers."""

import re

from sync_worker.domain.failures import MalformedAnswer

_GID = re.compile(r"gid://shopify/([A-Za-z]+)/([1-9][0-9]{0,18})(?:\?[^\s]*)?", re.ASCII)


def gid(kind: str, number: int) -> str:
    """Write the global id of an object of a kind."""
    return f"gid://shopify/{kind}/{number}"


def number_of(given: object, kind: str) -> int:
    r"""Read the number out of a global id of this kind.

    Parameters behind the number (`?inventory_item_id=2`, as ids of inventory levels have) are passed over, and so are
    the backslashes of JSON that was escaped twice (`gid:\/\/shopify\/…`).

    Raises:
        MalformedAnswer: It is no global id, or one of another kind.
    """
    found = _GID.fullmatch(given.replace("\\/", "/")) if isinstance(given, str) else None
    if found is None or found[1] != kind or int(found[2]) >= 2**63:
        raise MalformedAnswer("shopify", f"{str(given)[:100]!r} is not the id of a {kind}")
    return int(found[2])
