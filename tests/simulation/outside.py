"""A store outside of JobTracker that workers write to, as a shop or a database of theirs: fenced by key."""

from collections import defaultdict


class StaleFenceError(Exception):
    """Somebody with a higher fence was here."""


class OutsideStore:
    """Takes a write only from the highest fence that a key was opened or written under."""

    def __init__(self) -> None:
        self.fences: dict[str, int] = defaultdict(int)

    def open(self, key: str, fence: int) -> None:
        """Keep those with lower fences out from now on.

        Raises:
            StaleFenceError: The caller is one of them.
        """
        if fence < self.fences[key]:
            raise StaleFenceError(key)
        self.fences[key] = fence

    write = open
    """A write is fenced as an opening is; what is written does not matter here."""
