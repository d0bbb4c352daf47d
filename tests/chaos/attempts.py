"""Who held what, from when to when, by the holders' own clocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Held:
    """One lease as its worker knew it: until it let go by itself, or until the lease must have run out.

    Times are monotonic seconds, which all processes of a machine share. `claimed` is when the answer came, which is after
    the lease was given; `until` counts from sending, which is before it was renewed: two leases that overlap by
    these times do overlap.
    """

    worker: str
    job: str
    attempt: int
    fence: int
    claimed: float
    until: float
    locks: Mapping[str, bool]
    """Whether each key is held EXCLUSIVE."""

    def excludes(self, other: "Held") -> bool:
        """Whether the two may never be held at once."""
        if self.job == other.job:
            return True
        return any(exclusive or other.locks[key] for key, exclusive in self.locks.items() if key in other.locks)


def held_by_workers(journals: Sequence[Sequence[Mapping[str, Any]]]) -> list[Held]:
    """Read every lease out of the journals of the workers, in the order of their fences."""
    found = []
    for journal in journals:
        lines = [line for line in journal if "fence" in line]
        for claim in (line for line in lines if line["what"] == "claimed"):
            mine = [line for line in lines if line["fence"] == claim["fence"]]
            until = max(line["sent"] for line in mine if line["what"] in ("claimed", "renewed")) + claim["ttl"]
            until = min([until, *(line["at"] for line in mine if line["what"] in ("ending", "lost"))])
            found.append(
                Held(
                    claim["worker"],
                    claim["job"],
                    claim["attempt"],
                    claim["fence"],
                    claim["at"],
                    until,
                    claim["locks"],
                )
            )
    return sorted(found, key=lambda one: one.fence)
