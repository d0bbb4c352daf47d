"""The gate of a job that may go on."""

from dataclasses import dataclass, field

from sync_worker.domain.failures import WorkStopped


@dataclass
class OpenGate:
    """`CallGate` that lets every call through and keeps its time-out; `stop` is raised instead once it is set."""

    passed: list[float] = field(default_factory=list)
    stop: WorkStopped | None = None

    async def pass_through(self, timeout_seconds: float) -> None:
        """Pass."""
        if self.stop is not None:
            raise self.stop
        self.passed.append(timeout_seconds)
