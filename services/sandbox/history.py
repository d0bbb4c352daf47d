"""What was written to a shop, kept for whoever checks."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Write:
    """One value that a mutation set. `target` is a gid, with the location's gid behind it where there is one."""

    number: int
    time: float
    mutation: str
    target: str
    old: str | None
    new: str | None
    idempotency_key: str | None


@dataclass(slots=True)
class WriteHistory:
    """A store's writes in the order in which they were applied."""

    writes: list[Write] = field(default_factory=list)

    def add(
        self, time: float, mutation: str, target: str, *, old: str | None, new: str | None, key: str | None = None
    ) -> None:
        """Keep one write."""
        self.writes.append(Write(len(self.writes) + 1, time, mutation, target, old, new, key))

    def after(self, number: int) -> list[dict[str, object]]:
        """Give what was written after the write with this number; 0 gives everything."""
        return [asdict(write) for write in self.writes[number:]]
