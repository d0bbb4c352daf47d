"""Many rows in few statements."""

from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.catalog.driver_statements import LENGTHS, _parts


@given(rows=st.integers(0, 3_000), largest=st.integers(1, 600))
def test_parts_are_all_rows_and_of_few_lengths(rows: int, largest: int) -> None:
    """Each row once and in order; a driver that keeps every statement keeps ten of a table."""
    given_rows = [(number,) for number in range(rows)]
    parts = list(_parts(given_rows, largest))
    assert [row for part in parts for row in part] == given_rows
    assert {len(part) for part in parts} <= {largest, *LENGTHS}
    assert len(parts) <= rows // largest + largest // LENGTHS[0] + len(LENGTHS) + 3
