"""Params with very many ids are made small and whole again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.application.large_selections import LABEL, MOST_INLINE, put_aside, put_back
from sync_worker.domain.failures import OperationFailure

from tests.fakes.selections import SelectionsInMemory


def selecting(ids: list[str]) -> dict[str, Any]:
    """Params that select these ids."""
    return {"selection": {"ids": {"mapping_ids": ids}}, "dry_run": True}


@given(count=st.integers(0, 3 * MOST_INLINE))
async def test_what_is_put_aside_comes_back_whole(count: int) -> None:
    """However many ids there are, the params that an attempt sees are those of the start."""
    selections = SelectionsInMemory()
    params = selecting([str(number) for number in range(count)])
    kept, labels = await put_aside(params, selections)
    assert await put_back(kept, labels, selections) == params
    assert bool(labels) == (count > MOST_INLINE)


@pytest.mark.parametrize(
    "params",
    [{}, {"selection": {"statuses": {}}}, {"selection": {"ids": {}}}, {"selection": 3}, {"selection": {"ids": []}}],
)
async def test_other_params_are_left_alone(params: dict[str, Any]) -> None:
    """Only a list of ids is ever moved."""
    assert await put_aside(params, SelectionsInMemory()) == (params, {})


async def test_different_lists_have_different_names() -> None:
    """The order counts, and a list never takes another's place."""
    selections = SelectionsInMemory()
    ids = [str(number) for number in range(MOST_INLINE + 1)]
    aside = [await put_aside(selecting(one), selections) for one in (ids, ids[::-1], [*ids, "x"])]
    labels = [labels[LABEL] for _, labels in aside]
    assert len(set(labels)) == 3
    assert len({str(params) for params, _ in aside}) == 3
    assert all(len(label) == 32 for label in labels)


async def test_a_list_that_is_not_here_fails_for_good() -> None:
    """A catalog that was replaced cannot give back what it never had; nothing is pushed in its place."""
    with pytest.raises(OperationFailure) as raised:
        await put_back(selecting([]), {LABEL: "gone"}, SelectionsInMemory())
    assert (raised.value.code, raised.value.retryable) == ("SELECTION_UNKNOWN", False)
