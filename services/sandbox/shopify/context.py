"""What the resolvers of one call share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError
from graphql.pyutils import Path

from sandbox.clock import Clock
from sandbox.faults import FaultPlan, Rule
from sandbox.history import WriteHistory
from sandbox.shopify.idempotency import IdempotencyKeys
from sandbox.shopify.shop import Shop


@dataclass(slots=True)
class Call:
    """One call: the shop it is about, the fault that hits it."""

    shop: Shop
    plan: FaultPlan
    history: WriteHistory
    keys: IdempotencyKeys
    clock: Clock
    rule: Rule | None = None
    base_url: str = "http://127.0.0.1/"
    """Where the sandbox was reached: files of bulk operations lie there."""
    version: str = "2026-07"
    deepest: int | None = None
    """How many rows of one list can be walked through; None: all."""
    unreadable: Mapping[str, Rule] = field(default_factory=dict)
    """Rows of lists whose amount is no number, by global id."""
    ignored: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was not understood of the searches, by the name of the list in the answer."""

    def bad_items(self, operation: str) -> dict[str, Rule]:
        """Find the items that the fault plan has refused in this mutation."""
        return self.plan.bad_items("shopify", self.shop.shop, operation)

    def warn(self, shown_as: str, query: str | None, unknown: Iterable[str]) -> None:
        """Say beside the answer which fields of a search are none."""
        message = "Invalid search field for this query."
        warnings = [{"field": each, "message": message, "code": "invalid_field"} for each in unknown]
        if warnings:
            self.ignored[shown_as] = {"path": [shown_as], "query": query, "warnings": warnings}


@dataclass(frozen=True, slots=True)
class Info:
    """As much as resolvers of this schema ask of what they get from the library; below its root they ask for no path."""

    context: Call
    path: Path | None = None


def refused(code: str, message: str, **extra: Any) -> GraphQLError:  # noqa: ANN401 - whatever the error carries
    """Make an error that stands beside the data, with its code."""
    return GraphQLError(message, extensions={"code": code, **extra})
