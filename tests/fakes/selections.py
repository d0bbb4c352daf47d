"""Large selections in memory."""

from collections.abc import Sequence


class SelectionsInMemory:
    """`Selections` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, ...]] = {}

    async def keep(self, selection_id: str, mapping_ids: Sequence[str]) -> None:
        """Keep a list."""
        self.kept.setdefault(selection_id, tuple(mapping_ids))

    async def load(self, selection_id: str) -> Sequence[str] | None:
        """Find a list."""
        return self.kept.get(selection_id)
