"""Pages that are odd and right all the same: no reader may lose a row over them, or take one for two."""

from random import Random

from sandbox.faults import FaultKind
from sandbox.nhanh.questions import Question

ODDITIES = (FaultKind.SHORT_PAGE, FaultKind.EMPTY_PAGE, FaultKind.DUPLICATE_ROWS, FaultKind.KEYED_ROWS)


def oddity_of(path: str, question: Question, *, seed: int, share: float) -> FaultKind | None:
    """Draw how a page is odd; None for most. The same page is always odd in the same way."""
    if not share:
        return None
    rng = Random(f"{seed}/{path}/{question.after}/{question.again}")  # noqa: S311 - no secret
    return rng.choice(ODDITIES) if rng.random() < share else None
