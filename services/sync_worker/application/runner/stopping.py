"""How a running operation is stopped without cutting a write to a vendor in two.

An operation runs in a task of its own. It is stopped in one of two ways:

* at its next safe place: `JobContext.check` between pages and batches, and `CallGate.pass_through` before a call to a
  vendor, raise what was asked for. That is how a drain begins.
* at once, wherever it waits: its task is cancelled. Reads, rate-limit waits, back-offs and waits for our own database may all be
  cut: a transaction that was handed in is committed whole or not at all, and the place of the work is stored with it.
  That is how a cancel and a pause work, so they take effect within milliseconds.

The one thing that is never cut is a write to a vendor that has begun: from the moment its call has passed the gate until
the operation comes to the next safe place, the task is held, so that the call is answered and the answer is stored
(the intent settled). A rate-limit wait *before* a write has not passed the gate and is cut like any other.
`ShieldedVendors` marks the calls that are writes.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sync_worker.domain.failures import WorkStopped


class _Write:
    """A call that writes to a vendor; `begun` once it has passed the gate."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False


_write: ContextVar[_Write | None] = ContextVar("_write", default=None)


class Stopping:
    """The wish to stop one attempt, and the task that it stops. The first wish stands."""

    def __init__(self) -> None:
        self.asked: WorkStopped | None = None
        self._task: asyncio.Task[object] | None = None
        self._at_once = False
        self._was_cut = False
        self._writes = 0
        self._unsettled = False
        self._listeners: list[Callable[[], None]] = []

    @property
    def held(self) -> bool:
        """Whether a write to a vendor has begun and may not be settled yet."""
        return self._writes > 0 or self._unsettled

    def governs(self, task: "asyncio.Task[object]") -> None:
        """Take charge of the operation's task."""
        self._task = task
        self._cut()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` as soon as a stop is asked for."""
        self._listeners.append(listener)

    def ask(self, stop: WorkStopped, *, at_once: bool) -> None:
        """Stop at the next safe place or, `at_once`, wherever the operation waits; a later wish can only hasten."""
        if self.asked is None:
            self.asked = stop
        self._at_once = self._at_once or at_once
        for listener in self._listeners:
            listener()
        self._cut()

    def safe_place(self) -> None:
        """Say that nothing is half done here.

        Raises:
            WorkStopped: What was asked for.
        """
        self._unsettled = False
        if self.asked is not None:
            raise self.asked

    def gate_passed(self) -> None:
        """Say that a call to a vendor begins now."""
        write = _write.get()
        if write is not None and not write.begun:
            write.begun = True
            self._writes += 1

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Mark the calls to a vendor within as one write."""
        write = _Write()
        token = _write.set(write)
        try:
            yield
        finally:
            _write.reset(token)
            if write.begun:
                self._writes -= 1
                self._unsettled = True

    def _cut(self) -> None:
        # Once only: a second cancellation would cut short how the operation cleans up after the first.
        if self._at_once and self._task is not None and not self.held and not self._was_cut:
            self._was_cut = True
            self._task.cancel()
