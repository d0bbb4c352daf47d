"""Carries what was published in this process to the other replicas."""

from typing import Protocol


class Relay(Protocol):
    """Hears everything that is published here, after its commit."""

    def hear(self, topic: str, key: str, value: object, *, urgent: bool) -> None:
        """Take a publication along. It must neither wait nor fail: whoever publishes has other things to do."""
        ...
