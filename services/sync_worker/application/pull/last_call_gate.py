"""The gate of the call that cleans up behind a cancelled job."""

import contextlib

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.domain.failures import JobCancelled


class LastCallGate:
    """`CallGate` for the one call that is still made for a cancelled job: to cancel what it had going at Shopify."""

    def __init__(self, gate: CallGate) -> None:
        self._gate = gate

    async def pass_through(self, timeout_seconds: float) -> None:
        """Let a call through although the job is cancelled; see `CallGate`."""
        with contextlib.suppress(JobCancelled):
            await self._gate.pass_through(timeout_seconds)
