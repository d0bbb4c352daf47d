"""How a result is said: one JSON object a line."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class Better(StrEnum):
    """Which way a figure is good."""

    LESS = "less"
    MORE = "more"


@dataclass(frozen=True, slots=True)
class Line:
    """One result.

    `limit` is what the machine, the transport or the vendor's rules give in the same run without any work of ours, `peer`
    what somebody else's program reached in it; `ratio` and `peer_ratio` are `ours` over them. `goal` is in the same unit,
    and `goal_name` says where it comes from. `met` says whether `ours` reaches it, in the direction that is `better`.
    Without `ours` there is no result, `note` says why, and the goal is missed.
    """

    name: str
    unit: str
    ours: float | None
    goal: float
    limit: float | None = None
    limit_name: str = ""
    more: Mapping[str, float] = field(default_factory=dict)
    better: Better = Better.LESS
    goal_name: str = ""
    peer: float | None = None
    peer_name: str = ""
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        if self.ours is None:
            return False
        return self.ours <= self.goal if self.better is Better.LESS else self.ours >= self.goal

    def __str__(self) -> str:
        """Write the line."""
        fields = asdict(self) | {
            "ratio": _over(self.ours, self.limit),
            "peer_ratio": _over(self.ours, self.peer),
            "met": self.met,
        }
        return json.dumps({name: _rounded(value) for name, value in fields.items()}, ensure_ascii=False)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that `share` of all, from 0 to 1, do not exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def said(failure: Exception) -> str:
    """Put a failure into a line's note."""
    return f"{type(failure).__name__}: {failure}"


def _over(ours: float | None, other: float | None) -> float | None:
    return None if ours is None or not other else ours / other


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value
