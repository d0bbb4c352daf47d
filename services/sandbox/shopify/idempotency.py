"""Idempotency keys: within 24 hours the same key with the same parameters gives the stored result.

https://shopify.dev/docs/api/usage/idempotent-requests
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

KEPT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key was used for, and what came of it. The time is Unix seconds."""

    time: float
    parameters: bytes
    result: dict[str, Any]


@dataclass(slots=True)
class IdempotencyKeys:
    """One shop's keys."""

    kept: dict[str, Kept] = field(default_factory=dict)

    def find(self, key: str, now: float) -> Kept | None:
        """Find what a key was used for within the last 24 hours."""
        kept = self.kept.get(key)
        if kept is not None and now - kept.time >= KEPT_SECONDS:
            del self.kept[key]
            return None
        return kept

    def keep(self, key: str, now: float, parameters: bytes, result: dict[str, Any]) -> None:
        """Keep a result under its key."""
        self.kept[key] = Kept(now, parameters, result)


def canonical(parameters: object) -> bytes:
    """Write parameters so that equal ones have equal bytes."""
    return orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)
