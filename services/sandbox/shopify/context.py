"""What the resolvers of one call share."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

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

    def bad_items(self, operation: str) -> dict[str, Rule]:
        """Find the items that the fault plan has refused in this mutation."""
        return self.plan.bad_items("shopify", self.shop.shop, operation)


def refused(code: str, message: str, **extra: Any) -> GraphQLError:  # noqa: ANN401 - whatever the error carries
    """Make an error that stands beside the data, with its code."""
    return GraphQLError(message, extensions={"code": code, **extra})
