"""How items are named in failures, and how a name is read again."""

import re

_NHANH = re.compile(r"nhanh:([1-9][0-9]{0,17})")
_MISSING = "mapping:"


def item_key(nhanh_id: int) -> str:
    """Name an item."""
    return f"nhanh:{nhanh_id}"


def missing_key(mapping_id: str) -> str:
    """Name an item of which there is no more than the id of a mapping that is not there."""
    return mapping_id if _NHANH.fullmatch(mapping_id) else f"{_MISSING}{mapping_id}"


def item_of(key: str) -> int | str | None:
    """Read a name: the item's Nhanh id, or the id of the mapping that was not there; None if it names no item."""
    if match := _NHANH.fullmatch(key):
        return int(match[1])
    mapping_id = key.removeprefix(_MISSING)
    return mapping_id if mapping_id and mapping_id != key else None
