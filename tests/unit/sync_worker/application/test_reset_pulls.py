"""The place of a pull is cleared only when nobody pulls."""

import pytest
from sync_worker.application.refusals import PullRunning, TrackerUnavailable
from sync_worker.application.reset_pulls import PULLS, reset_pulls
from sync_worker.domain.operations import Operation

from tests.fakes.job_tracker import FakeJobTracker
from tests.fakes.listings import ListingsInMemory

ONE = (Operation.PULL_NHANH_PRODUCTS,)


def places() -> ListingsInMemory:
    """Two stores, each with a place of every pull."""
    return ListingsInMemory(places=[(store, pull) for store in ("hanoi", "hue") for pull in PULLS])


async def test_it_clears_what_was_asked_for() -> None:
    """One pull of one store, and the number of places that were cleared."""
    kept = places()
    assert await reset_pulls("hanoi", ONE, tracker=FakeJobTracker(), places=kept) == 1
    assert ("hanoi", ONE[0]) not in kept.places
    assert len(kept.places) == 7


async def test_it_clears_all_four() -> None:
    """Another store's places stay."""
    kept = places()
    assert await reset_pulls("hanoi", PULLS, tracker=FakeJobTracker(), places=kept) == 4
    assert {store for store, _ in kept.places} == {"hue"}


async def test_a_pull_that_runs_is_not_robbed_of_its_place() -> None:
    """The refusal names the job; nothing is cleared."""
    tracker, kept = FakeJobTracker(), places()
    tracker.active[("hanoi", Operation.PULL_SHOPIFY_CUSTOMERS)] = ["job-1"]
    with pytest.raises(PullRunning) as raised:
        await reset_pulls("hanoi", PULLS, tracker=tracker, places=kept)
    assert raised.value.job_id == "job-1"
    assert len(kept.places) == 8


async def test_without_jobtrackers_word_nothing_is_cleared() -> None:
    """That nobody answers does not mean that nobody pulls."""
    tracker, kept = FakeJobTracker(), places()
    tracker.refuse = TrackerUnavailable()
    with pytest.raises(TrackerUnavailable):
        await reset_pulls("hanoi", PULLS, tracker=tracker, places=kept)
    assert len(kept.places) == 8
