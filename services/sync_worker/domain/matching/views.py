"""The rule over a whole world in memory: what every object's keys lead to, computed key by key."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sync_worker.domain.mappings import Side, UnmatchedReason
from sync_worker.domain.matching.parties import MAX_LISTED, STRENGTH, Party, StrongKey, WeakRule, World, opposite
from sync_worker.domain.matching.verdicts import Evidence, Facing, Link, Reach, View, judge


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An object left alone, with at most MAX_LISTED candidates (in order of id) and keys (strong ones first)."""

    party_id: int
    reason: UnmatchedReason
    candidate_ids: tuple[int, ...]
    keys: tuple[str, ...]


Judged = Link | Unmatched


@dataclass(frozen=True, slots=True)
class Viewed:
    """An object's view, with the lowest MAX_LISTED ids that its keys lead to, and its strong keys as text."""

    view: View
    strong_ids: tuple[int, ...]
    weak_ids: tuple[int, ...]
    strong_texts: tuple[str, ...]


class SideIndex:
    """One side's objects, by id and by key. A key knows its lowest MAX_LISTED owners: never more are asked for."""

    def __init__(self, parties: Sequence[Party]) -> None:
        self.parties = {party.party_id: party for party in parties}
        self._strong: dict[str, list[int]] = defaultdict(list)
        self._weak: dict[str, list[int]] = defaultdict(list)
        for party in sorted(parties, key=lambda each: each.party_id):
            for key in party.strong:
                _add(self._strong[key.text], party.party_id)
            if party.weak is not None:
                _add(self._weak[party.weak], party.party_id)

    def by_strong(self, party: Party) -> tuple[int, ...]:
        """Say whom another side's object is led to by its strong keys: the lowest ids."""
        found = {owner for key in party.strong for owner in self._strong.get(key.text, ())}
        return tuple(sorted(found)[:MAX_LISTED])

    def by_weak(self, party: Party) -> tuple[int, ...]:
        """Say whom another side's object is led to by its weak key: the lowest ids."""
        return () if party.weak is None else tuple(self._weak.get(party.weak, ()))


def judge_world(world: World, side: Side, weak_rule: WeakRule) -> Iterator[Judged]:
    """Give the verdict on every object of a side that is not mapped, in order of id."""
    here, there = SideIndex(world.side(side)), SideIndex(world.side(opposite(side)))
    for party_id in sorted(here.parties):
        party = here.parties[party_id]
        if not party.taken:
            yield judge_viewed(_viewed(party, here, there), weak_rule)


def judge_viewed(viewed: Viewed, weak_rule: WeakRule) -> Judged:
    """Give the verdict on an object; one that is left alone takes its candidates and keys along, for people to read."""
    view = viewed.view
    verdict = judge(view, weak_rule)
    if isinstance(verdict, Link):
        return verdict
    if verdict.reason is UnmatchedReason.KEYS_DISAGREE:
        candidates = tuple(sorted({*viewed.strong_ids, *viewed.weak_ids})[:MAX_LISTED])
    else:
        candidates = viewed.strong_ids or viewed.weak_ids
    weak_texts = () if view.weak_text is None else (view.weak_text,)
    keys = (*sorted(viewed.strong_texts), *weak_texts)[:MAX_LISTED]
    return Unmatched(view.party_id, verdict.reason, candidates, keys)


def _viewed(party: Party, here: SideIndex, there: SideIndex) -> Viewed:
    strong, weak = there.by_strong(party), there.by_weak(party)
    deciding = strong or weak
    view = View(
        party.party_id,
        keyed=bool(party.strong) or party.weak is not None,
        weak_text=party.weak,
        strong=_reach(strong),
        weak=_reach(weak),
        facing=_facing(party, there.parties[deciding[0]], here) if len(deciding) == 1 else None,
    )
    return Viewed(view, strong, weak, tuple(key.text for key in party.strong))


def _facing(party: Party, other: Party, here: SideIndex) -> Facing:
    return Facing(
        other.party_id,
        taken=other.taken,
        strong=_reach(here.by_strong(other)),
        weak=_reach(here.by_weak(other)),
        same_weak=party.weak == other.weak,
        shared=_shared(party, other),
    )


def _shared(party: Party, other: Party) -> Evidence | None:
    theirs: Mapping[str, StrongKey] = {key.text: key for key in other.strong}
    shared = [_weaker(key, theirs[key.text]) for key in party.strong if key.text in theirs]
    return min(shared, key=lambda each: (-each.confidence, STRENGTH.index(each.rule), each.text), default=None)


def _weaker(one: StrongKey, other: StrongKey) -> Evidence:
    rule = max(one.rule, other.rule, key=STRENGTH.index)
    return Evidence(rule, one.text, min(one.confidence, other.confidence))


def _reach(owners: Sequence[int]) -> Reach | None:
    return Reach(owners[0], owners[-1]) if owners else None


def _add(owners: list[int], owner: int) -> None:
    if len(owners) < MAX_LISTED:
        owners.append(owner)
