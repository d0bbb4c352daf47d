"""What is known of limits, on both kinds of database."""

import asyncio
from pathlib import Path

import pytest
from chassis.database import Database, DatabaseUnavailableError, open_database
from sync_worker.adapters.nhanh.limiter import SlidingWindow
from sync_worker.adapters.quotas.ledger import SqlLedger
from sync_worker.adapters.quotas.moments import SECOND, Moment
from sync_worker.adapters.quotas.windows import Quota
from sync_worker.domain.failures import CatalogUnavailable
from sync_worker.domain.traffic import Traffic

from tests.fakes.catalog_database import MIGRATIONS, catalog_database
from tests.fakes.clock import ManualClock
from tests.fakes.nhanh_traffic import a_window
from tests.fakes.quota_ledger import MemoryLedger


def add_one(known: str, moment: Moment) -> tuple[str, int]:
    """Count visits."""
    return str(int(known or 0) + 1), moment.micros


async def test_visits_follow_one_another(database: Database) -> None:
    """Each sees what the one before has kept, and time never runs back from one to the next."""
    ledgers = [SqlLedger(database, ManualClock()) for _ in range(3)]
    moments = await asyncio.gather(*(ledgers[number % 3].visit("limit", add_one) for number in range(30)))
    assert await ledgers[0].visit("limit", lambda known, _now: (known, known)) == "30"
    assert await ledgers[0].visit("another", lambda known, _now: (known, known)) == ""
    assert len(moments) == 30


async def test_a_visit_that_fails_keeps_nothing(database: Database) -> None:
    """As if nobody had come."""
    ledger = SqlLedger(database, ManualClock())
    await ledger.visit("limit", add_one)
    with pytest.raises(ZeroDivisionError):
        await ledger.visit("limit", lambda _known, _now: ("broken", 1 // 0))
    assert await ledger.visit("limit", lambda known, _now: (known, known)) == "1"


async def test_sqlite_takes_the_wall_clock_as_it_was_at_the_start(tmp_path: Path) -> None:
    """It goes on over restarts; who sets it meanwhile ends no window."""
    clock = ManualClock()
    async with catalog_database(tmp_path) as database:
        ledger = SqlLedger(database, clock)
        began = await ledger.visit("limit", add_one)
        assert began == clock.now_micros()
        clock.wall_micros += 3_600_000_000
        clock.advance(1.5)
        assert await ledger.visit("limit", add_one) == began + 1_500_000
        assert await SqlLedger(database, clock).visit("limit", add_one) == clock.now_micros()


async def test_a_server_whose_clock_is_set_is_believed_only_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is one that a process has never seen before."""
    clock, forward = ManualClock(), 0
    monkeypatch.setattr("sync_worker.adapters.quotas.ledger.server_micros", lambda _: clock.now_micros() + forward)

    async def even_for(ledger: SqlLedger) -> int:
        return await ledger.visit("limit", lambda known, moment: (known, moment.micros - moment.even_since))

    async with catalog_database(tmp_path, "postgresql") as database:
        first = SqlLedger(database, clock)
        clock.advance(100.0)
        assert await even_for(first) == 0
        clock.advance(60.0)
        assert await even_for(first) == 60 * SECOND
        forward = 3_600 * SECOND
        clock.advance(1.0)
        assert await even_for(first) == 0
        clock.advance(5.0)
        assert [await even_for(first), await even_for(SqlLedger(database, clock))] == [5 * SECOND, 0]


async def test_sqlite_believes_only_what_has_passed_since_the_process_began(tmp_path: Path) -> None:
    """Somebody may have set the wall clock while it did not run: the window is as full as it was left."""
    clock = ManualClock()
    for _ in range(2):
        async with catalog_database(tmp_path) as database:
            window = real_window(database, clock)
            began = clock.elapsed
            for _ in range(2):
                async with window.place() as place:
                    place.sent()
            await window.close()
        clock.wall_micros += 3_600 * SECOND
    assert clock.elapsed - began == pytest.approx(30.0, abs=0.01)


async def test_a_restart_goes_on_with_the_window(tmp_path: Path) -> None:
    """What was answered before still counts, and so does a lock."""
    clock = ManualClock()
    for lock in (None, 100.0):
        async with catalog_database(tmp_path) as database:
            window = real_window(database, clock)
            for _ in range(2):
                async with window.place() as place:
                    place.sent()
            if lock is not None:
                window.lock(lock)
            await window.close()
        began = clock.elapsed
        async with catalog_database(tmp_path) as database, real_window(database, clock).place():
            assert clock.elapsed - began == pytest.approx(lock or 30.0, abs=0.01)


async def test_a_lock_holds_all_who_share_the_database(database: Database) -> None:
    """Two processes, one of which was answered a lock: the other waits as long, and hears how long."""
    clock = ManualClock()
    first, second = real_window(database, clock, "first"), real_window(database, clock, "second")
    async with first.place() as place:
        place.sent()
        first.lock(700.0)
    await first.close()
    with pytest.raises(Exception, match="shut for another"):
        async with second.place(Traffic.BULK, patience=100.0):
            pass
    assert 600.0 < second.locked_seconds <= 700.0
    await second.close()


async def test_nobody_calls_while_the_database_is_away(tmp_path: Path) -> None:
    """Without leave no call is made; the job is tried again later."""
    database = await open_database(f"sqlite:///{tmp_path / 'catalog.db'}", migrations=MIGRATIONS)
    window = real_window(database, ManualClock())
    await database.close()
    with pytest.raises(CatalogUnavailable) as raised:
        async with window.place():
            raise AssertionError("it had no leave")
    assert raised.value.retryable
    with pytest.raises(DatabaseUnavailableError):
        await SqlLedger(database, ManualClock()).visit("limit", add_one)


async def test_what_could_not_be_told_is_told_with_the_next_visit() -> None:
    """A lock that was answered while the database was away holds everybody as soon as it is back."""
    clock = ManualClock()
    ledger = MemoryLedger(clock)
    first, second = (a_window(ledger, 5, process=process) for process in ("first", "second"))
    async with first.place() as place:
        place.sent()
        ledger.away = True
        first.lock(50.0)
        await asyncio.sleep(0)
    with pytest.raises(CatalogUnavailable):
        async with first.place():
            pass
    ledger.away = False
    async with first.place():
        assert clock.elapsed == pytest.approx(50.0, abs=0.01)
    await first.close()
    async with second.place():
        assert clock.elapsed == pytest.approx(50.0, abs=0.01)
    await second.close()


def real_window(database: Database, clock: ManualClock, process: str = "one") -> SlidingWindow:
    """A window of two calls in 30 seconds."""
    ledger = SqlLedger(database, clock)
    return SlidingWindow("window", Quota(2, 30.0), ledger, clock, process=process, call_seconds=15.0)
