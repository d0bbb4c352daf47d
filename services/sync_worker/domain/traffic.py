"""What kind of traffic a call to a vendor is: who waits for it."""

from enum import StrEnum


class Traffic(StrEnum):
    """The two classes that share a vendor account's limits. MANUAL is served first; BULK keeps a share of its own."""

    MANUAL = "MANUAL"
    BULK = "BULK"

    @classmethod
    def of_priority(cls, priority: int) -> "Traffic":
        """Say what the calls of a job are: a person waits for one whose priority is above the usual 0."""
        return cls.MANUAL if priority > 0 else cls.BULK
