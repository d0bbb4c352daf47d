"""A ledger of limits in memory, with one clock for all who share it."""

from dataclasses import dataclass, field

from chassis.database import DatabaseUnavailableError
from sync_worker.adapters.quotas.ledger import Answer, Decide
from sync_worker.adapters.quotas.moments import Moment
from sync_worker.application.ports.clock import Clock


@dataclass
class MemoryLedger:
    """`Ledger` whose visits take so long on each way, and fail while it is `away`."""

    clock: Clock
    seconds: float = 0.0
    away: bool = False
    visits: int = 0
    states: dict[str, str] = field(default_factory=dict)

    async def visit(self, key: str, decide: Decide[Answer]) -> Answer:
        """Decide; see `Ledger`."""
        if self.seconds:
            await self.clock.sleep(self.seconds)
        if self.away:
            raise DatabaseUnavailableError("the database is away")
        self.visits += 1
        self.states[key], answer = decide(self.states.get(key, ""), Moment(self.clock.now_micros(), 0))
        if self.seconds:
            await self.clock.sleep(self.seconds)
        return answer
