"""Leave to call a vendor."""

from typing import Protocol


class CallGate(Protocol):
    """Stands before every call to a vendor, so that no call outlives the lease under which it is made."""

    async def pass_through(self, timeout_seconds: float) -> None:
        """Return when a call that may take `timeout_seconds` would end before the lease does, less its margin.

        Waits while the lease is short and being renewed.

        Raises:
            JobCancelled: Somebody asked for the job to be cancelled.
            LeaseLost: Another worker may hold the job.
            Draining: This process is stopping.
        """
        ...
