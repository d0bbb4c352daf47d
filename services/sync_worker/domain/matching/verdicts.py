"""The rule itself: from what an object's keys lead to, to a verdict."""

from dataclasses import dataclass
from typing import NamedTuple

from sync_worker.domain.mappings import Rule, UnmatchedReason
from sync_worker.domain.matching.parties import WeakRule


class Reach(NamedTuple):
    """The lowest and the highest id that keys lead to on the other side."""

    lowest: int
    highest: int

    @property
    def alone(self) -> bool:
        """Whether they lead to one object."""
        return self.lowest == self.highest


@dataclass(frozen=True, slots=True)
class Evidence:
    """What made a link: the shared key as text, the weaker of its two sources, and how sure it is."""

    rule: Rule
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Facing:
    """The one object that an object's deciding keys lead to, and what its own keys lead back to."""

    party_id: int
    taken: bool
    strong: Reach | None
    weak: Reach | None
    same_weak: bool
    """Both have the same weak key."""
    shared: Evidence | None
    """The best strong key that both have."""


@dataclass(frozen=True, slots=True)
class View:
    """An object that is not mapped, and what its keys lead to. `weak_text` is its weak key.

    `facing` is there exactly when the deciding keys (the strong ones if they lead to anybody, else the weak one) lead to one
    object alone.
    """

    party_id: int
    keyed: bool
    weak_text: str | None
    strong: Reach | None
    weak: Reach | None
    facing: Facing | None


class Link(NamedTuple):
    """Two objects that belong together."""

    party_id: int
    other_id: int
    evidence: Evidence


class LeftAlone(NamedTuple):
    """An object that is not linked, and why."""

    party_id: int
    reason: UnmatchedReason


def judge(view: View, weak_rule: WeakRule) -> Link | LeftAlone:
    """Link an object or say why not. Both objects of a link get the same verdict."""
    facing = view.facing
    if facing is None:
        return LeftAlone(view.party_id, _unfaced(view))
    reason = _obstacle(view, facing)
    if reason is not None:
        return LeftAlone(view.party_id, reason)
    if view.strong is not None:
        if facing.shared is None:
            raise ValueError(f"{view.party_id} and {facing.party_id} lead to each other without a shared key")
        return Link(view.party_id, facing.party_id, facing.shared)
    if view.weak_text is None:
        raise ValueError(f"{view.party_id} leads to {facing.party_id} by a weak key that it does not have")
    return Link(view.party_id, facing.party_id, Evidence(weak_rule.rule, view.weak_text, weak_rule.confidence))


def _unfaced(view: View) -> UnmatchedReason:
    if not view.keyed:
        return UnmatchedReason.NO_KEY
    if view.strong is None and view.weak is None:
        return UnmatchedReason.NO_CANDIDATE
    return UnmatchedReason.SEVERAL_CANDIDATES


def _obstacle(view: View, facing: Facing) -> UnmatchedReason | None:
    if facing.taken:
        return UnmatchedReason.CANDIDATE_TAKEN
    if view.strong is None:
        contested = facing.strong is not None or facing.weak is None or not facing.weak.alone
        return UnmatchedReason.CONTESTED if contested else None
    if facing.strong is None or not facing.strong.alone:
        return UnmatchedReason.CONTESTED
    if not facing.same_weak and (view.weak is not None or facing.weak is not None):
        return UnmatchedReason.KEYS_DISAGREE
    return None
