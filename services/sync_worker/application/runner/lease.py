"""The lease of an attempt, and the gate that it puts before calls to vendors.

A lease counts from the moment at which the last accepted report was *sent*, on the monotonic clock: JobTracker counts from
a later moment, so ours always runs out first. See Burrows, "The Chubby lock service" (OSDI 2006), on conservative leases.
"""

import asyncio
from collections.abc import Callable

from sync_worker.application.ports.clock import Clock
from sync_worker.application.runner.stopping import Stopping
from sync_worker.domain.failures import OperationFailure

MARGIN = 0.2
"""This share of a lease is kept free of calls: clocks drift, and an answer takes its time to be acted on."""


class Lease:
    """How long the right to work lasts. Times are monotonic seconds."""

    def __init__(self, clock: Clock, *, ttl: float, renew_after: float, sent: float) -> None:
        self.ttl = ttl
        self.renew_after = renew_after
        self._clock = clock
        self._until = sent + ttl
        self._doubted = sent
        self.renewed_event = asyncio.Event()

    @property
    def longest_call(self) -> float:
        """No call that may take longer ever fits."""
        return self.ttl * (1.0 - MARGIN)

    @property
    def left(self) -> float:
        """Seconds until it runs out; negative once it has, unless JobTracker has let it stand."""
        return self._until - self._clock.monotonic()

    def renewed(self, sent: float) -> None:
        """Take note that a report which was sent at this moment was accepted."""
        if sent >= self._doubted:
            self._until = max(self._until, sent + self.ttl)
            self.renewed_event.set()

    def doubt(self) -> None:
        """Trust it no more until a report that is sent from now on is accepted: there is word that it was lost."""
        self._doubted = self._clock.monotonic()
        self._until = min(self._until, self._doubted)

    def covers(self, seconds: float) -> bool:
        """Whether a call that may take so long would end before the lease does, less the margin."""
        return seconds <= self.left - self.ttl * MARGIN


class LeaseGate:
    """`CallGate` of one attempt."""

    def __init__(self, lease: Lease, stopping: Stopping, renew: Callable[[], None]) -> None:
        self._lease = lease
        self._stopping = stopping
        self._renew = renew
        stopping.listen(lease.renewed_event.set)

    async def pass_through(self, timeout_seconds: float) -> None:
        """Wait until the lease covers the call; see `CallGate`.

        A lease that has run out is not lost yet: the call waits until JobTracker has taken it, or let it stand.

        Raises:
            WorkStopped: The operation should stop, a lost lease included.
            OperationFailure: No lease of this length ever covers such a call.
        """
        self._stopping.safe_place()
        if timeout_seconds > self._lease.longest_call:
            raise OperationFailure(
                "LEASE_TOO_SHORT",
                f"a call that may take {timeout_seconds:g} s does not fit a lease of {self._lease.ttl:g} s "
                f"less its margin; set SYNC_WORKER_LEASE_SECONDS to at least {timeout_seconds / (1.0 - MARGIN):g}",
                retryable=False,
            )
        while not self._lease.covers(timeout_seconds):
            self._lease.renewed_event.clear()
            self._renew()
            await self._lease.renewed_event.wait()
            self._stopping.safe_place()
        self._stopping.gate_passed()
