"""The job that an operation works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.progress import Progress
from sync_worker.domain.stores import Store

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


@dataclass(frozen=True, slots=True)
class Fence:
    """The fencing token of an attempt and the lock keys that it stands for.

    Every transaction in the catalog raises and checks the highest fence of each key; a lower one means that a later
    attempt has begun. Only the job's EXCLUSIVE keys are named.
    """

    token: int
    keys: tuple[str, ...]


class JobContext(Protocol):
    """One attempt of one job: who it is, and how it says where it stands."""

    job_id: str
    attempt: int
    store: Store
    fence: Fence
    gate: CallGate

    def check(self) -> None:
        """Stop here if the job should stop: called between pages and batches.

        Raises:
            JobCancelled, JobPaused, LeaseLost, Draining: As `CallGate` says.
        """
        ...

    async def report(self, progress: Progress, failures: Sequence[ItemFailure] = ()) -> None:
        """Say where the job stands.

        Sent at most every 200 ms, the last one always. Returns without waiting for the network unless very many
        failures are waiting to be sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation ends with: the final counts, failures not reported yet, and what callers may read."""

    progress: Progress
    result: Mapping[str, JsonValue]
    message: str = ""
    failures: Sequence[ItemFailure] = ()
