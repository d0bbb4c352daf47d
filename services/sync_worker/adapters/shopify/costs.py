"""What Shopify says of costs in `extensions.cost` of every answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class ThrottleStatus:
    """The bucket as Shopify had it at the end of a call: points, and points a second."""

    maximum: float
    available: float
    restore_rate: float


@dataclass(frozen=True, slots=True)
class CostReport:
    """What a call cost. Each part is None where Shopify does not say it (a refused call has no actual cost)."""

    requested: float | None = None
    actual: float | None = None
    status: ThrottleStatus | None = None


def cost_report(body: object) -> CostReport:
    """Read the costs out of an answer's body; what is missing or unreadable is left out, since it is no data of ours."""
    cost = _inside(_inside(body, "extensions"), "cost")
    throttle = _inside(cost, "throttleStatus")
    maximum, available, rate = (
        _points(throttle, name) for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
    )
    status = None
    if maximum and rate and available is not None:
        status = ThrottleStatus(maximum, available, rate)
    return CostReport(_points(cost, "requestedQueryCost"), _points(cost, "actualQueryCost"), status)


def _inside(given: object, name: str) -> Mapping[str, object]:
    found = given.get(name) if isinstance(given, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _points(given: Mapping[str, object], name: str) -> float | None:
    found = given.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        return None
    return max(0.0, float(found))
