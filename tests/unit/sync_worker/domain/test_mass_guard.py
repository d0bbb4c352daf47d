"""The guard against emptying a shop."""

from hypothesis import given
from hypothesis import strategies as st
from sync_worker.domain.mass_guard import MIN_ZEROED, DropFigures, figures_of, trips

figures = st.integers(0, 200).flatmap(
    lambda positive: st.builds(DropFigures, st.just(positive), st.integers(0, positive))
)


@given(figures, st.integers(1, 100))
def test_when_it_trips(drop: DropFigures, percent: int) -> None:
    """It trips from 20 items on, above the share or when all of them go; and only then."""
    expected = drop.zeroed >= MIN_ZEROED and (drop.percent > percent or drop.zeroed == drop.positive)
    assert trips(drop, percent, allow_mass_zero=False) == expected
    assert not trips(drop, percent, allow_mass_zero=True)


def test_the_edges() -> None:
    """19 items never trip it, exactly half does not, one more does; a share of 100 does not lift it."""
    assert not trips(DropFigures(19, 19), 50, allow_mass_zero=False)
    assert not trips(DropFigures(40, 20), 50, allow_mass_zero=False)
    assert trips(DropFigures(40, 21), 50, allow_mass_zero=False)
    assert trips(DropFigures(20, 20), 100, allow_mass_zero=False)


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 3))))
def test_figures_add_up(items: list[tuple[int | None, int]]) -> None:
    """Only what is known to be positive can be zeroed, and figures of parts are figures of the whole."""
    total = sum((figures_of(before, after) for before, after in items), DropFigures())
    assert total.positive == sum(1 for before, _ in items if before)
    assert total.zeroed == sum(1 for before, after in items if before and not after)
