"""The rule, against the same rule in words."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.mappings import Rule, Side, UnmatchedReason
from sync_worker.domain.matching.parties import MAX_LISTED, Party, StrongKey, WeakRule, World
from sync_worker.domain.matching.verdicts import Evidence, Link
from sync_worker.domain.matching.views import Unmatched, judge_world

EMAIL = WeakRule(Rule.EMAIL, 0.90)

KEYS = st.lists(
    st.builds(
        StrongKey,
        st.sampled_from(["p1", "p2", "p3", "p4", "p5"]),
        st.sampled_from([Rule.PHONE, Rule.ADDRESS_PHONE, Rule.NOTE_PHONE]),
        st.sampled_from([1.0, 0.98, 0.85, 0.6]),
    ),
    max_size=2,
    unique_by=lambda key: key.text,
)
PARTIES = st.lists(
    st.builds(
        Party,
        st.integers(1, 40),
        KEYS.map(tuple),
        st.sampled_from([None, None, "a@x.vn", "b@x.vn", "c@x.vn"]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=6,
    unique_by=lambda party: party.party_id,
)
WORLDS = st.builds(World, PARTIES, PARTIES)


def texts(party: Party) -> set[str]:
    """A party's strong keys."""
    return {key.text for key in party.strong}


def led_to(party: Party, others: Iterable[Party]) -> tuple[set[int], set[int]]:
    """Whom the strong keys and the weak key lead to, by looking at everybody."""
    return (
        {other.party_id for other in others if texts(party) & texts(other)},
        {other.party_id for other in others if party.weak is not None and party.weak == other.weak},
    )


def belongs(one: Party, other: Party, world: World) -> bool:
    """The rule in words, for one pair."""
    strong, weak = led_to(one, world.shopify)
    back_strong, back_weak = led_to(other, world.nhanh)
    if one.taken or other.taken:
        return False
    if not strong and not back_strong:
        return weak == {other.party_id} and back_weak == {one.party_id}
    mutual = strong == {other.party_id} and back_strong == {one.party_id}
    disagree = (weak and other.party_id not in weak) or (back_weak and one.party_id not in back_weak)
    return mutual and not disagree


@given(WORLDS)
def test_exactly_those_are_linked_who_lead_to_each_other_alone(world: World) -> None:
    """The computation key by key gives the pairs that looking at every pair gives."""
    expected = {
        (one.party_id, other.party_id) for one in world.nhanh for other in world.shopify if belongs(one, other, world)
    }
    verdicts = list(judge_world(world, Side.NHANH, EMAIL))
    assert {(each.party_id, each.other_id) for each in verdicts if isinstance(each, Link)} == expected


@given(WORLDS)
def test_both_sides_agree(world: World) -> None:
    """Walking Shopify's side gives the same links with the same evidence."""
    ours = {(each.party_id, each.other_id, each.evidence) for each in links(world, Side.NHANH)}
    theirs = {(each.other_id, each.party_id, each.evidence) for each in links(world, Side.SHOPIFY)}
    assert ours == theirs


@given(WORLDS, st.randoms(use_true_random=False))
def test_order_does_not_matter(world: World, random: Random) -> None:
    """Shuffled rows have the same verdicts."""
    nhanh, shopify = list(world.nhanh), list(world.shopify)
    random.shuffle(nhanh)
    random.shuffle(shopify)
    for side in Side:
        assert list(judge_world(World(nhanh, shopify), side, EMAIL)) == list(judge_world(world, side, EMAIL))


@given(WORLDS)
def test_a_link_that_is_made_changes_nobody_elses_link(world: World) -> None:
    """With a link's two objects mapped, everybody else is linked as before."""
    found = links(world, Side.NHANH)
    for link in found:
        made = World(taken(world.nhanh, link.party_id), taken(world.shopify, link.other_id))
        assert links(made, Side.NHANH) == [other for other in found if other != link]


def links(world: World, side: Side) -> list[Link]:
    """The links of a side."""
    return [each for each in judge_world(world, side, EMAIL) if isinstance(each, Link)]


def taken(parties: Iterable[Party], party_id: int) -> list[Party]:
    """The same parties, one of them mapped."""
    return [
        Party(each.party_id, each.strong, each.weak, taken=each.taken or each.party_id == party_id) for each in parties
    ]


def phone(text: str, confidence: float = 1.0, rule: Rule = Rule.PHONE) -> StrongKey:
    """A phone."""
    return StrongKey(text, rule, confidence)


def verdict(nhanh: list[Party], shopify: list[Party]) -> Link | Unmatched:
    """The verdict on the first object of Nhanh's side."""
    return next(iter(judge_world(World(nhanh, shopify), Side.NHANH, EMAIL)))


A = Party(1, (phone("p1"),), "a@x.vn")


@pytest.mark.parametrize(
    ("nhanh", "shopify", "reason", "candidates"),
    [
        ([Party(1)], [], UnmatchedReason.NO_KEY, ()),
        ([A], [Party(9, (phone("p2"),))], UnmatchedReason.NO_CANDIDATE, ()),
        (
            [Party(1, (phone("p1"), phone("p2")))],
            [Party(8, (phone("p2"),)), Party(9, (phone("p1"),))],
            UnmatchedReason.SEVERAL_CANDIDATES,
            (8, 9),
        ),
        ([A], [Party(9, (phone("p1"),), taken=True)], UnmatchedReason.CANDIDATE_TAKEN, (9,)),
        ([A, Party(2, (phone("p1"),), taken=True)], [Party(9, (phone("p1"),))], UnmatchedReason.CONTESTED, (9,)),
        (
            [A, Party(2, (phone("p2"),))],  # the e-mail would do, but a phone leads 9 to somebody else
            [Party(9, (phone("p2"),), "a@x.vn")],
            UnmatchedReason.CONTESTED,
            (9,),
        ),
        (
            [A],
            [Party(8, (), "a@x.vn"), Party(9, (phone("p1"),), "b@x.vn")],
            UnmatchedReason.KEYS_DISAGREE,
            (8, 9),
        ),
        (
            [A, Party(2, (), "b@x.vn")],
            [Party(9, (phone("p1"),), "b@x.vn")],
            UnmatchedReason.KEYS_DISAGREE,
            (9,),
        ),
    ],
)
def test_why_an_object_is_left_alone(
    nhanh: list[Party], shopify: list[Party], reason: UnmatchedReason, candidates: tuple[int, ...]
) -> None:
    """Each reason, with the candidates that explain it."""
    found = verdict(nhanh, shopify)
    assert isinstance(found, Unmatched)
    assert (found.reason, found.candidate_ids) == (reason, candidates)
    assert found.keys == (*sorted(key.text for key in nhanh[0].strong), *filter(None, [nhanh[0].weak]))


def test_a_link_carries_its_best_evidence() -> None:
    """Of several shared phones the surest counts, with the weaker of its two sources."""
    one = Party(1, (phone("p1", 0.6, Rule.NOTE_PHONE), phone("p2")))
    other = Party(9, (phone("p1"), phone("p2", 0.95, Rule.ADDRESS_PHONE)))
    assert verdict([one], [other]) == Link(1, 9, Evidence(Rule.ADDRESS_PHONE, "p2", 0.95))


def test_a_weak_key_links_whom_no_strong_key_leads_anywhere() -> None:
    """Phones that nobody else has do not stand in the way of an e-mail address."""
    other = Party(9, (phone("p2"),), "a@x.vn")
    assert verdict([A], [other]) == Link(1, 9, Evidence(Rule.EMAIL, "a@x.vn", 0.90))


def test_candidates_and_keys_are_bounded() -> None:
    """A number that very many share lists the first ten of them."""
    crowd = [Party(number, (phone("p1"),)) for number in range(100, 150)]
    found = verdict([Party(1, tuple(phone(f"p{n}") for n in range(1, 31)))], crowd)
    assert isinstance(found, Unmatched)
    assert found.candidate_ids == tuple(range(100, 100 + MAX_LISTED))
    assert len(found.keys) == MAX_LISTED
