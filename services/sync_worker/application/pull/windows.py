"""All of Nhanh's customers, read by several cursors at once, each in a window of time; see `time_windows`.

Nothing is lost. Take a customer that is there from the pull's start to its end, and the moment at which the catch-up begins.
It was last changed either at or after the catch-up's beginning: then the catch-up's filter lets it through from its first
page to its last. Or before: then it was not changed since the pull began (Nhanh's clock is no further behind ours than the
overlap), so it lay in its one window all the while, and every window has been read. What changes during the catch-up is told
in the next incremental pull too, as after every pull.

Whether a row that was changed in the very second of a filter's bound comes through the filter Nhanh's documentation does not
say. So Nhanh is asked, once, for the one second in which a known customer was changed. If that shows such customers and no
others, bounds belong to what is filtered. Else a second more is asked for at both ends of each window: should the bounds belong
to it after all, some rows come twice, and nothing is concluded from those of a neighbour's.

That holds for customers with a time of their last change. Of those without one windows may show nothing, so they are not used
if the first pages or the mirror have such a customer, nor in a shop's first pull, of which nobody can know; then the list is
read as a whole. Before anything is marked as gone, the customers that no window showed are asked for by id; if one of them
turns up without a time, the list is read as a whole as well.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

import orjson

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.nhanh import MAX_IDS, Nhanh
from sync_worker.application.ports.pages import Page
from sync_worker.application.pull.fetched import Fetched, fetch
from sync_worker.application.pull.sources import Step, refused_place, unreadable_place
from sync_worker.application.pull.time_windows import CURSORS, Window, WindowPlan
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import Origin, VendorRefusal
from sync_worker.domain.pulls import OVERLAP_SECONDS
from sync_worker.domain.requests import NhanhCustomerFilter

MARK = "windows_of_time"
"""The key by which a place of this source is told from a vendor's cursor."""

WAY = f"in windows of time, {CURSORS} cursors at once"
WHOLE_WAY = "page by page"

LOOK_PAGES = 3
"""So many pages of the whole list come first: a short list ends there, and what a longer one shows says where to cut it."""


class MirroredCustomers(Protocol):
    """What the catalog knows of this pull's customers."""

    async def may_have_undated(self) -> bool:
        """Whether a living customer has no time of its last change, or nobody knows since the list was never read whole."""
        ...

    async def unseen(self, after: int, limit: int) -> Sequence[int]:
        """Find living customers that the pull has not seen and would mark as gone, in order of id; none where it marks none."""
        ...


class Phase(StrEnum):
    """What is being read."""

    LOOK = "look"
    BOUNDS = "bounds"
    WINDOWS = "windows"
    CATCH_UP = "catch up"
    CONFIRM = "confirm"
    WHOLE = "whole"

    @property
    def reads_lists(self) -> bool:
        """Whether it reads lists to their ends."""
        return self not in (Phase.BOUNDS, Phase.CONFIRM)


class WindowedSource:
    """`PullSource` over all customers that a filter without a time lets through."""

    origin = Origin.NHANH

    def __init__(self, nhanh: Nhanh, wanted: NhanhCustomerFilter, mirrored: MirroredCustomers, clock: Clock) -> None:
        self.metrics = nhanh.metrics
        self.way = ""
        self._nhanh = nhanh
        self._wanted = wanted
        self._mirrored = mirrored
        self._clock = clock

    async def steps(self, place: str | None) -> AsyncGenerator[Step, None]:
        """Read a few pages of everything, then windows, then what changed meanwhile, then what no window showed.

        See `PullSource`. At most one page a cursor is held or under way besides the one that is worked on.
        """
        at = await self._begun() if place is None else _read(place)
        given = place
        while True:
            self.way = WHOLE_WAY if at.phase is Phase.WHOLE else WAY
            try:
                async with contextlib.aclosing(self._part(at)) as part:
                    async for step in part:
                        given = None
                        yield step
                        if step.place is None:
                            return
            except VendorRefusal as refusal:
                if given is not None:
                    raise refused_place(refusal) from refusal
                raise

    async def _begun(self) -> "_Place":
        plan = WindowPlan.of_all(self._clock.now_micros() // 1_000_000 - OVERLAP_SECONDS - 1)
        return _Place(Phase.WHOLE if await self._mirrored.may_have_undated() else Phase.LOOK, plan)

    def _part(self, at: "_Place") -> AsyncGenerator[Step, None]:
        if at.phase is Phase.BOUNDS:
            return self._learning_bounds(at)
        return self._confirming(at) if at.phase is Phase.CONFIRM else self._reading(at)

    async def _reading(self, at: "_Place") -> AsyncGenerator[Step, None]:
        """Read lists until something else has to be asked, or nothing is left (the place is None)."""
        flights: dict[asyncio.Task[Fetched[NhanhCustomer]], Window] = {}
        try:
            while at.phase.reads_lists:
                self._launch(at, flights)
                await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
                landed = [flight for flight in flights if flight.done()]
                sound = [flight for flight in landed if flight.exception() is None]
                fetched = (sound or landed)[0].result()
                window = flights.pop(sound[0])
                _take(at, window, fetched.page)
                if len(sound) == len(landed):
                    self._launch(at, flights)
                place = None if at.ended else at.written()
                yield Step(fetched.page.rows, place, fetched.read_time, fetched.page.refused)
        finally:
            for flight in flights:
                flight.cancel()
            await asyncio.gather(*flights, return_exceptions=True)

    def _launch(self, at: "_Place", flights: dict[asyncio.Task[Fetched[NhanhCustomer]], Window]) -> None:
        """Send every window that is to be read and is not under way on its way."""
        if at.ended or not at.phase.reads_lists:
            return
        for window in at.plan.under_way():
            if all(window is not each for each in flights.values()):
                flights[asyncio.create_task(self._fetch(window, margin=0 if at.bounds_belong else 1))] = window

    async def _fetch(self, window: Window, *, margin: int) -> Fetched[NhanhCustomer]:
        """Ask for the next page of a window, and so many seconds more at both ends."""
        since = None if window.begin is None else window.begin - margin
        until = None if window.end is None else window.end + margin
        wanted = replace(self._wanted, updated_since=since, updated_until=until)
        return await fetch(partial(self._nhanh.customer_page, wanted, window.cursor), self._clock)

    async def _learning_bounds(self, at: "_Place") -> AsyncGenerator[Step, None]:
        """Ask for one second, in which a customer was changed. What Nhanh refuses to say is not known."""
        second = at.plan.middle
        read_time = self._clock.now_micros()
        try:
            page = (await self._fetch(Window(second, second), margin=0)).page
        except VendorRefusal:
            page = Page((), None)
        at.bounds_belong = bool(page.rows) and all(row.updated_at == second for row in page.rows)
        at.phase = Phase.WINDOWS
        yield Step(page.rows, at.written(), read_time, page.refused, pages=0)

    async def _confirming(self, at: "_Place") -> AsyncGenerator[Step, None]:
        """Ask by id for those that would be marked as gone. What Nhanh does not know stays unseen."""
        while at.phase is Phase.CONFIRM:
            read_time = self._clock.now_micros()
            unseen = await self._mirrored.unseen(at.after, MAX_IDS)
            if not unseen:
                yield Step((), None, read_time, pages=0)
                return
            answer = await self._nhanh.customers_by_id(unseen)
            at.after = unseen[-1]
            if _any_undated(answer.rows):
                at.phase, at.plan = Phase.WHOLE, WindowPlan.of_all(at.plan.top)
            yield Step(answer.rows, at.written(), read_time, answer.refused, pages=0)


@dataclass(slots=True)
class _Place:
    """How far the reading has come. `after` is the id up to which unseen customers were asked for.

    `bounds_belong` is True once it is known that rows on a filter's bounds come through it.
    """

    phase: Phase
    plan: WindowPlan
    after: int = 0
    bounds_belong: bool = False

    @property
    def ended(self) -> bool:
        """Whether the list was read as a whole, to its end."""
        return self.phase in (Phase.LOOK, Phase.WHOLE) and self.plan.done

    def written(self) -> str:
        """Write the place down."""
        document = {
            MARK: 1,
            "phase": self.phase.value,
            "plan": self.plan.as_json(),
            "after": self.after,
            "bounds_belong": self.bounds_belong,
        }
        return orjson.dumps(document).decode()


def is_window_place(text: str) -> bool:
    """Whether a stored place is one of this source, not a vendor's cursor."""
    return _document(text) is not None


def _document(text: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) and MARK in document else None


def _read(text: str) -> _Place:
    """Read a place.

    Raises:
        PlaceUseless: It was not written by this release.
    """
    try:
        document = orjson.loads(text)
        plan = WindowPlan.from_json(document["plan"])
        return _Place(Phase(document["phase"]), plan, document["after"], document["bounds_belong"])
    except (KeyError, TypeError, ValueError):
        raise unreadable_place() from None


def _take(at: _Place, window: Window, page: Page[NhanhCustomer]) -> None:
    """Move the place over a page."""
    times = [row.updated_at for row in page.rows if row.updated_at is not None and row.updated_at > 0]
    own = [time for time in times if window.holds(time)]
    cutting = at.phase in (Phase.LOOK, Phase.WINDOWS)
    empty = len(page.rows) + len(page.refused) == len(times) - len(own)
    at.plan.take(window, own if cutting else (), page.next_cursor, empty=empty)
    match at.phase:
        case Phase.LOOK if _any_undated(page.rows):
            at.phase, window.times = Phase.WHOLE, []
        case Phase.LOOK if window.pages >= LOOK_PAGES and not window.over:
            at.phase = Phase.BOUNDS
            at.plan.cut(window)
        case Phase.WINDOWS if at.plan.done:
            at.phase = Phase.CATCH_UP
            at.plan.windows.append(Window(at.plan.top + 1, None))
        case Phase.WINDOWS if at.plan.is_too_large(window):
            at.plan.cut(window)
        case Phase.CATCH_UP if at.plan.done:
            at.phase = Phase.CONFIRM


def _any_undated(rows: Sequence[NhanhCustomer]) -> bool:
    """Whether a customer has no time of its last change, or one that may stand for none."""
    return any(row.updated_at is None or row.updated_at <= 0 for row in rows)
