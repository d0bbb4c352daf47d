"""Which version of the API is served for the one that is asked for.

A request for a version that is no longer supported is served by the oldest that still is ("falls forward"), and the answer
says which that was: https://shopify.dev/docs/api/usage/versioning.
"""

SUPPORTED = ("2026-04", "2026-07", "2026-10")
"""What the sandbox plays, the oldest first. Before 2026-04 writes of quantities had other rules, which it does not know."""

ANY_LOCATION_SINCE = "2026-10"
"""Since then quantities can be set where an item is not stocked yet."""


def served_for(asked: str) -> str:
    """Find the version that is served."""
    return asked if asked in SUPPORTED else SUPPORTED[0]
