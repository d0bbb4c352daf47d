"""A fault of the sandbox's plan at a call of a pull: how it is planned, and how the pull ends under it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sandbox.faults import FaultKind as Kind
from sandbox.faults import Rule

from tests.fakes.pulls import Pull


class Round(Enum):
    """Which pull of a list a fault hits."""

    FIRST = auto()
    """A FULL one, of which nothing is known."""
    CHANGES = auto()
    """An INCREMENTAL one, when most rows have changed."""
    AGAIN = auto()
    """A FULL one, when a few rows have changed and some are gone."""


class Ending(Enum):
    """How a pull ends under a fault, the quickest first.

    Where it fails it is pulled again once the fault is over, and then all is right.
    """

    SURVIVED = auto()
    """Completed by its first attempt."""
    WARNED = auto()
    """Completed too, and it says what could not be asked."""
    WAITING = auto()
    """It waits for an operation that never ends, until it is cancelled."""
    ONE_ROW = auto()
    """Partially completed: one row is missing, and told of with the code."""
    REFUSED = auto()
    """The job fails with the code at once, since no other attempt would end otherwise."""
    LATER = auto()
    """The first attempt fails with the code and may be made again: the second completes."""
    GIVEN_UP = auto()
    """Every attempt fails with the code, and then the job does."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, the rest of its rule, and what comes of it.

    `operations` is how many bulk operations have been started by then; `after` are faults that hit the same call before it.
    `at` are the calls that are hit in place of the call's own, as counted in a pull that nothing hits; negative, from its end.
    For `kept` seconds a refusal is remembered, and nothing is asked.
    """

    kind: Kind
    rule: Mapping[str, Any]
    ends: Ending
    code: str = ""
    operations: int = 1
    after: tuple[Kind, ...] = ()
    at: tuple[int, ...] = ()
    kept: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call of some pulls: so many of it pass before a fault, so that it hits a list in its middle.

    Where its pulls read lists of different names they may share stores, by `round`: `shared`.
    """

    pulls: tuple[Pull, ...]
    names: tuple[str, ...]
    passing: int
    played: tuple[Fault, ...]
    not_played: Mapping[Kind, str]
    round: Round = Round.FIRST
    shared: bool = False

    def __str__(self) -> str:
        """Name it."""
        return f"{self.round.name.lower()} {self.names[0]}"

    def kinds(self) -> list[Kind]:
        """Name every kind that it knows of, once for each of its tables."""
        return [*{fault.kind for fault in self.played}, *self.not_played]


@dataclass(frozen=True, slots=True)
class Case:
    """A pull under a fault, in a store in which nothing else hits it."""

    pull: Pull
    call: Call
    name: str
    fault: Fault
    store_id: str

    def __str__(self) -> str:
        """Name it."""
        fault = self.fault
        return f"{self.call}: {self.pull} with {fault.kind} {dict(fault.rule)} at {fault.at} in {self.store_id}"

    def rules(self, item: str, unharmed: int) -> list[Rule]:
        """Write its plan; `item` is the row that is spoiled where the fault spoils one.

        `unharmed` is how many calls there are of a pull that nothing hits.
        """
        before = [self.pull.fault(self.name, kind, self.store_id) for kind in self.fault.after]
        return [*before, *(self._rule(item, place % unharmed if place < 0 else place) for place in self._places())]

    def _places(self) -> tuple[int, ...]:
        if self.fault.kind is Kind.BAD_ITEM:
            return (0,)
        return self.fault.at or (self.call.passing,)

    def _rule(self, item: str, skip: int) -> Rule:
        more = {"item": item} if self.fault.kind is Kind.BAD_ITEM else {}
        return self.pull.fault(self.name, self.fault.kind, self.store_id, skip=skip, **more, **self.fault.rule)


def cases(call: Call) -> Iterable[Case]:
    """Give each fault of a call to each of its pulls."""
    for pull in call.pulls:
        (name,) = set(call.names) & set(pull.calls)
        vendor, kind = pull.name.split("_")[:2]
        place = call.round.name if call.shared else f"{name.replace('/', '').replace('_', '')}-{vendor[0]}{kind[0]}"
        for number, fault in enumerate(call.played):
            yield Case(pull, call, name, fault, f"{place}{number}".lower())


def survived(kind: Kind, *after: Kind, operations: int = 1, at: tuple[int, ...] = (), **rule: Any) -> Fault:
    """Plan one that passes unnoticed."""
    return Fault(kind, rule, Ending.SURVIVED, operations=operations, after=after, at=at)


def warned(kind: Kind, **rule: Any) -> Fault:
    """Plan one that lasts, and that a pull can do without."""
    return Fault(kind, {"times": -1, **rule}, Ending.WARNED)


def later(kind: Kind, code: str, /, *, operations: int = 1, at: tuple[int, ...] = (), **rule: Any) -> Fault:
    """Plan one that ends an attempt."""
    return Fault(kind, rule, Ending.LATER, code, operations, at=at)


def refused(
    kind: Kind, code: str, /, *, operations: int = 1, at: tuple[int, ...] = (), kept: float = 0.0, **rule: Any
) -> Fault:
    """Plan one that lasts, and that no attempt can help against."""
    return Fault(kind, {"times": -1, **rule}, Ending.REFUSED, code, operations, at=at, kept=kept)


def given_up(kind: Kind, code: str, /, *, operations: int, **rule: Any) -> Fault:
    """Plan one that lasts."""
    return Fault(kind, {"times": -1, **rule}, Ending.GIVEN_UP, code, operations)
