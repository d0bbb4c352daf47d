"""Whose turn it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_worker.adapters.quotas.moments import SECOND, micros
from sync_worker.adapters.quotas.turns import FRESH_MICROS, KEPT_MICROS, Turns, Want
from sync_worker.adapters.quotas.windows import WindowState
from sync_worker.domain.traffic import Traffic

NOW = 1_780_000_000_000_000
MANUAL, BULK = Traffic.MANUAL, Traffic.BULK


def want(call_id: str, traffic: Traffic = BULK, cost: float = 1.0, waited: float = 0.0) -> Want:
    """A call that waits."""
    return Want(call_id, traffic, cost, waited)


def serve(turns: Turns, process: str, *wants: Want, room: float = 1.0, now: int = NOW) -> list[str]:
    """Serve a process; which calls may go."""
    return [each.call_id for each in turns.serve(process, wants, room, now).granted]


def test_manual_goes_first_whoever_came_first() -> None:
    """A person waits for it."""
    assert serve(Turns(), "one", want("bulk", BULK, waited=9.0), want("manual", MANUAL)) == ["manual"]


def test_bulk_gives_way_to_manual_of_another_process() -> None:
    """As long as it is known to wait: a process that has not come for long may be dead."""
    turns = Turns()
    assert serve(turns, "one", want("manual", MANUAL), room=0.0) == []
    assert serve(turns, "two", want("bulk")) == []
    assert serve(turns, "two", want("bulk"), room=2.0) == ["bulk"]
    assert serve(turns, "two", want("bulk"), now=NOW + FRESH_MICROS) == ["bulk"]


def test_within_a_class_who_came_first_goes_first() -> None:
    """In whichever process: a dear call is not overtaken for ever by cheap ones."""
    turns = Turns()
    assert serve(turns, "one", want("dear", cost=9.0, waited=3.0), room=5.0) == []
    assert serve(turns, "two", want("cheap", cost=1.0, waited=1.0), room=5.0) == []
    assert serve(turns, "two", want("earlier", cost=1.0, waited=4.0), room=5.0) == ["earlier"]
    assert serve(turns, "one", want("dear", cost=9.0, waited=3.0), room=9.0) == ["dear"]


def test_a_call_goes_only_where_there_is_room_for_itself() -> None:
    """And not for another of its process, which came within the same microsecond."""
    calls = [want("cheap", cost=1.0, waited=0.0000001), want("dear", cost=9.0, waited=0.0000002)]
    assert serve(Turns(), "one", *calls, room=1.0) == []
    assert serve(Turns(), "one", *calls, room=9.0) == ["dear"]


def test_what_is_lacking_includes_all_who_go_before() -> None:
    """So the wait that is named is not in vain."""
    turns = Turns()
    serve(turns, "one", want("first", cost=7.0, waited=2.0), room=1.0)
    assert turns.serve("two", (want("second", cost=2.0),), 1.0, NOW).lacking == 8.0


def test_of_much_that_comes_free_at_once_manual_gets_its_four_fifths() -> None:
    """Though bulk asks first, and asks again: every manual call that waits is known to it, in whichever process."""
    turns = Turns()
    for process in ("one", "two"):
        assert serve(turns, process, *(want(f"{process} {number}", MANUAL) for number in range(5)), room=0.0) == []
    calls = [want(f"bulk {number}") for number in range(10)]
    assert serve(turns, "three", *calls, room=10.0) == ["bulk 0", "bulk 1"]
    assert serve(turns, "three", *calls[2:], room=8.0) == []
    for process, room in {"one": 8.0, "two": 3.0}.items():
        serve(turns, process, *(want(f"{process} {number}", MANUAL) for number in range(5)), room=room)
    assert [each.traffic for each in turns.queue].count(MANUAL) == 2


def test_of_much_that_comes_free_at_once_who_came_first_gets_it_first() -> None:
    """A process that asks first leaves enough for all calls of another that have waited longer, not only for the first."""
    turns = Turns()
    earlier = [want(f"earlier {number}", waited=2.0) for number in range(5)]
    assert serve(turns, "one", *earlier, room=0.0) == []
    assert serve(turns, "two", *(want(f"later {number}", waited=1.0) for number in range(5)), room=7.0) == [
        "later 0",
        "later 1",
    ]
    assert serve(turns, "one", *earlier, room=5.0) == [each.call_id for each in earlier]


@settings(deadline=None)
@given(st.lists(st.tuples(st.permutations(["one", "two", "three"]), st.integers(1, 30)), min_size=50, max_size=50))
def test_both_keep_their_shares_whoever_asks_first(rounds: list[tuple[list[str], int]]) -> None:
    """Two processes' manual calls wait beside a third's bulk calls, more than there ever is, and much comes free at once."""
    turns = Turns()
    calls = {process: [want("", BULK if process == "three" else MANUAL)] * 20 for process in ("one", "two", "three")}
    for process, wants in calls.items():
        serve(turns, process, *wants, room=0.0)
    taken = dict.fromkeys(calls, 0)
    for order, room in rounds:
        left = float(room)
        for process in order:
            granted = len(serve(turns, process, *calls[process], room=left))
            serve(turns, process, *calls[process], room=0.0)  # as many wait again
            taken[process] += granted
            left -= granted
    assert abs(taken["three"] - 0.2 * sum(taken.values())) <= 10.0


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=60, max_size=60),
    st.lists(st.integers(1, 40), min_size=60, max_size=60),
    st.booleans(),
)
def test_bulk_keeps_a_fifth_and_no_more(manual: list[int], bulk: list[int], apart: bool) -> None:
    """Of what is taken while both wait, up to a few calls, whether they wait in one process or in two."""
    turns = Turns()
    costs = {MANUAL: [float(each) for each in manual], BULK: [float(each) for each in bulk]}
    taken = {MANUAL: 0.0, BULK: 0.0}
    room = 0.0
    for step in range(2_000):
        room += 3.0
        for process, kinds in {"one": [MANUAL], "two": [BULK]}.items() if apart else [("one", [MANUAL, BULK])]:
            if not all(costs.values()):
                break
            wants = [want(kind, kind, costs[kind][0]) for kind in kinds]
            for each in turns.serve(process, wants, room, NOW + step * SECOND).granted:
                taken[each.traffic] += each.cost
                room -= each.cost
                costs[each.traffic].pop(0)
    assert not costs[MANUAL] or not costs[BULK]
    whole = taken[MANUAL] + taken[BULK]
    assert 0.2 * whole - 80.0 <= taken[BULK] <= 0.2 * whole + 80.0


def test_manual_leaves_what_bulk_may_claim_while_its_call_is_under_way() -> None:
    """It comes again when that is answered; a fifth is what it may claim, and all of it once it has not come for a while."""
    turns = Turns()
    assert serve(turns, "bulk", want("bulk"), room=10.0) == ["bulk"]
    calls = [want(str(number), MANUAL) for number in range(20)]
    assert len(serve(turns, "manual", *calls, room=10.0)) == 8
    assert serve(turns, "bulk", want("again"), room=2.0) == ["again"]
    assert serve(turns, "manual", *calls, room=1.0, now=NOW + KEPT_MICROS - 1) == []
    assert serve(turns, "manual", *calls, room=1.0, now=NOW + KEPT_MICROS) == ["0"]
    assert turns.claim == 0.0


def test_what_bulk_does_not_take_is_given_up_though_it_comes_now_and_then() -> None:
    """It may be too slow to take what it could claim."""
    turns = Turns()
    calls = [want(str(number), MANUAL) for number in range(20)]
    serve(turns, "bulk", want("bulk"), room=10.0)
    assert len(serve(turns, "manual", *calls, room=11.0)) == 9
    for seconds in range(1, KEPT_MICROS // SECOND):
        now = NOW + seconds * SECOND
        assert serve(turns, "bulk", want("one", cost=0.1), room=2.0, now=now) == ["one"]
        assert serve(turns, "manual", want("next", MANUAL), room=1.0, now=now) == []
    assert serve(turns, "manual", want("next", MANUAL), room=1.0, now=NOW + KEPT_MICROS) == ["next"]


@pytest.mark.parametrize(
    ("manual", "bulk", "takes"),
    [(500.0, 7.0, 0.1), (500.0, 10.0, 0.4), (50.0, 100.0, 4.0), (50.0, 100.0, 8.0)],
)
def test_one_bulk_caller_keeps_a_fifth_of_a_bucket(manual: float, bulk: float, takes: float) -> None:
    """Which fills evenly: beside dear manual calls, of which a part of a call is left of its claim, and with slow calls."""
    turns = Turns()
    room, taken = 0.0, {MANUAL: 0.0, BULK: 0.0}
    comes_again = 0
    for step in range(6_000):
        room += 5.0
        asks = {
            "manual": [want("manual", MANUAL, manual)] * 4,
            "bulk": [want("bulk", cost=bulk)][: step >= comes_again],
        }
        for process, wants in asks.items():
            for each in turns.serve(process, wants, room, NOW + step * SECOND // 10).granted:
                room -= each.cost
                taken[each.traffic] += each.cost
                comes_again = step + 1 + round(takes * 10) if each.traffic is BULK else comes_again
    assert taken[BULK] >= 0.19 * (taken[BULK] + taken[MANUAL])
    assert room <= manual + bulk


def test_nothing_is_kept_for_longer_for_a_dead_process_that_waited() -> None:
    """Than for one that had a call under way: the time in which its calls were taken to wait counts."""
    turns = Turns()
    serve(turns, "dead", *(want(str(number)) for number in range(20)), room=0.0)
    calls = [want(str(number), MANUAL) for number in range(40)]
    assert len(serve(turns, "manual", *calls, room=30.0)) == 24
    assert serve(turns, "manual", *calls, room=6.0, now=NOW + FRESH_MICROS - 1) == []
    assert serve(turns, "manual", *calls, room=6.0, now=NOW + KEPT_MICROS - 1) == []
    assert len(serve(turns, "manual", *calls, room=6.0, now=NOW + KEPT_MICROS)) == 6


def test_what_is_lacking_includes_what_is_kept() -> None:
    """So the wait that is named is not in vain."""
    turns = Turns()
    serve(turns, "bulk", want("bulk"), room=10.0)
    serve(turns, "manual", *(want(str(number), MANUAL) for number in range(8)), room=10.0)
    assert turns.serve("manual", (want("next", MANUAL),), 2.0, NOW).lacking == 1.0


def test_turns_survive_their_writing() -> None:
    """And move with a clock that is set."""
    turns = Turns()
    serve(turns, "one", want("a", MANUAL, waited=2.0), want("b"), room=0.0)
    turns.claim = 0.5
    read = WindowState.read(WindowState(seen=NOW, turns=turns).text()).turns
    assert read == turns
    read.shift(-micros(10.0))
    assert [each.since for each in read.queue] == [NOW - micros(12.0), NOW - micros(10.0)]
    assert read.bulk_seen == read.claim_began == NOW - micros(10.0)
