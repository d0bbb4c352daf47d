"""How a result is said: one JSON object a line."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One result.

    `limit` is what the machine and the transport give in the same run without any work of ours; `ratio` is `ours` over it.
    `met` says whether `ours` reaches the `goal`, of which less is better here.
    """

    name: str
    unit: str
    ours: float
    goal: float
    limit: float | None = None
    limit_name: str = ""
    more: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write the line."""
        said = asdict(self)
        said |= {"ratio": None if not self.limit else round(self.ours / self.limit, 2), "met": self.ours <= self.goal}
        return json.dumps(
            {name: round(value, 3) if isinstance(value, float) else value for name, value in said.items()}
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that `share` of all, from 0 to 1, do not exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
