"""What the catalog knows of a pull's rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_worker.application.ports.pull_catalog import PullCatalog, PullPlace, PullScope


@dataclass(frozen=True, slots=True)
class MirrorOfPull:
    """`MirroredCustomers` of one pull. The catalog finds the pull by what of `place` never changes: its id and its mode."""

    catalog: PullCatalog
    scope: PullScope
    place: PullPlace

    async def may_have_undated(self) -> bool:
        """See what is known of rows without a time of their last change."""
        return await self.catalog.may_have_undated(self.scope)

    async def unseen(self, after: int, limit: int) -> Sequence[int]:
        """Look for rows that this pull has not seen."""
        return await self.catalog.unseen(self.scope, self.place, after=after, limit=limit)
