"""Work on rows beside the event loop."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest
from sync_worker.adapters.row_thread import GIVE_WAY_ROWS, giving_way, in_row_thread

MANY = 20 * GIVE_WAY_ROWS


@pytest.fixture
def _nobody_is_interrupted() -> Iterator[None]:
    """Have Python take the interpreter from no thread that does not give it up."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_nobody_is_interrupted")
def test_rows_give_way_to_other_threads() -> None:
    """Another thread sees the work half done, and the rows come as they are."""
    passed: list[int] = []
    thread = threading.Thread(target=lambda: passed.extend(giving_way(range(MANY))))
    seen: set[int] = set()
    thread.start()
    while thread.is_alive():
        seen.add(len(passed))
        time.sleep(0)
    assert passed == list(range(MANY))
    assert seen & set(range(1, MANY))


async def test_all_work_is_done_in_one_thread() -> None:
    """It is another than the event loop's, and always the same."""
    threads = {await in_row_thread(threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_what_the_work_raises_is_raised() -> None:
    """It is not lost in the thread."""
    with pytest.raises(ZeroDivisionError):
        await in_row_thread(lambda: 1 // 0)
