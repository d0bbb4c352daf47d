"""What the catalog knows of a pull's rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_worker.application.ports.pull_catalog import PullCatalog, PullScope


@dataclass(frozen=True, slots=True)
class MirrorOfPull:
    """`MirroredCustomers` of one pull, wherever that is. Only one that marks rows as gone has unseen ones."""

    catalog: PullCatalog
    scope: PullScope
    pull_id: str
    marks_gone: bool

    async def may_have_undated(self) -> bool:
        """See what is known of rows without a time of their last change."""
        return await self.catalog.may_have_undated(self.scope)

    async def unseen(self, after: int, limit: int) -> Sequence[int]:
        """Look for rows that this pull has not seen."""
        if not self.marks_gone:
            return ()
        return await self.catalog.unseen(self.scope, self.pull_id, after=after, limit=limit)
