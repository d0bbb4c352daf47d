"""The table of moves, and the picture that people read."""

import re
from pathlib import Path

from job_tracker.application.bulk import RETRIED_UNASKED, RETRYABLE
from job_tracker.domain.states import FINAL, HELD, MOVES, PAUSABLE, State, Trigger, allows

PICTURE = Path(__file__).resolve().parents[4] / "docs" / "job-states.md"


def drawn() -> set[tuple[State | None, Trigger, State]]:
    """Every move in the picture."""
    block = PICTURE.read_text().split("```mermaid")[1].split("```")[0]
    return {
        (None if source == "[*]" else State(source), Trigger(trigger), State(target))
        for source, target, triggers in re.findall(r"^ +(\S+) --> ([A-Z_]+): (.+)$", block, re.MULTILINE)
        for trigger in triggers.split(", ")
    }


def test_the_picture_is_the_table() -> None:
    """What docs/job-states.md draws is what the server allows, no more and no less."""
    assert drawn() == {(source, trigger, target) for (source, trigger), targets in MOVES.items() for target in targets}


def test_the_picture_ends_in_the_final_states() -> None:
    """The states that nothing leaves are drawn as ends."""
    ends = re.findall(r"^ +([A-Z_]+) --> \[\*\]$", PICTURE.read_text(), re.MULTILINE)
    assert sorted(ends) == sorted(FINAL)


def test_the_table_of_pauses_is_what_the_server_allows() -> None:
    """Each state stands in it once, and is allowed exactly where the flag can be set."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (allowed|refused) \|", PICTURE.read_text(), re.MULTILINE)
    assert sorted(state for state, _ in rows) == sorted(State)
    assert {State(state) for state, answer in rows if answer == "allowed"} == PAUSABLE


def test_what_is_retried_is_what_the_page_says() -> None:
    """RetryJobs takes these unasked, and those only where the filter names them."""
    said = re.search(
        r"^\* \*\*RetryJobs\*\* retries what is (.+?), and what is (.+?) only", PICTURE.read_text(), re.MULTILINE
    )
    assert said is not None
    unasked, named = ({State(state) for state in re.findall(r"`([A-Z_]+)`", part)} for part in said.groups())
    assert (unasked, unasked | named) == (RETRIED_UNASKED, RETRYABLE)


def test_nothing_leaves_a_final_state() -> None:
    """Final is final."""
    assert not [move for move in MOVES if move[0] in FINAL]
    assert not any(allows(state, trigger) for state in FINAL for trigger in Trigger)


def test_every_state_is_reached_and_every_other_state_is_left() -> None:
    """No state is a dead end but the final ones, and none is out of reach."""
    reached = {target for targets in MOVES.values() for target in targets}
    assert reached == set(State)
    assert {source for source, _ in MOVES if source is not None} == set(State) - FINAL


def test_a_cancelled_job_cannot_stick() -> None:
    """Whatever a worker does with a CANCELLING job, or leaves undone, ends it."""
    triggers = {trigger for source, trigger in MOVES if source is State.CANCELLING}
    assert triggers == {
        Trigger.COMPLETE,
        Trigger.FAIL,
        Trigger.RELEASE,
        Trigger.LEASE_EXPIRED,
        Trigger.GRACE_OVER,
    }
    assert all(MOVES[State.CANCELLING, trigger] <= FINAL for trigger in triggers)
    assert State.CANCELLING in HELD
