"""What a match has counted so far, and the place that it has reached."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from sync_worker.domain.mappings import Side, UnmatchedReason
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Judged

_ONE_CANDIDATE = (UnmatchedReason.CANDIDATE_TAKEN, UnmatchedReason.CONTESTED, UnmatchedReason.KEYS_DISAGREE)
_AMBIGUOUS = (UnmatchedReason.SEVERAL_CANDIDATES, UnmatchedReason.CONTESTED, UnmatchedReason.KEYS_DISAGREE)
_END = "end"


@dataclass(frozen=True, slots=True)
class MatchTally:
    """Counts of the Nhanh side, and of Shopify's objects that are left alone.

    `exact` are verdicts to link, `review` those of them that wait for a person, `created` the links that were stored.
    """

    exact: int = 0
    review: int = 0
    created: int = 0
    left: Mapping[UnmatchedReason, int] = field(default_factory=dict)
    shopify_left: int = 0

    def __add__(self, other: "MatchTally") -> "MatchTally":
        return MatchTally(
            self.exact + other.exact,
            self.review + other.review,
            self.created + other.created,
            Counter(self.left) + Counter(other.left),
            self.shopify_left + other.shopify_left,
        )

    @property
    def considered(self) -> int:
        """Nhanh objects that have their verdict."""
        return self.exact + sum(self.left.values())

    def metrics(self) -> dict[str, int]:
        """Name the counts as a job shows them."""
        left = Counter(self.left)
        return {
            "candidates": self.considered - left[UnmatchedReason.NO_KEY] - left[UnmatchedReason.NO_CANDIDATE],
            "potential_matches": self.exact + sum(left[reason] for reason in _ONE_CANDIDATE),
            "exact_matches": self.exact,
            "created": self.created,
            "review": self.review,
            "ambiguous": sum(left[reason] for reason in _AMBIGUOUS),
            "no_key": left[UnmatchedReason.NO_KEY],
            "no_candidate": left[UnmatchedReason.NO_CANDIDATE],
            "candidate_taken": left[UnmatchedReason.CANDIDATE_TAKEN],
            "shopify_unmatched": self.shopify_left,
        }

    def state(self) -> dict[str, int]:
        """Write the counts down for a later attempt."""
        counts = {
            "exact": self.exact,
            "review": self.review,
            "created": self.created,
            "shopify_left": self.shopify_left,
        }
        return counts | {str(reason): count for reason, count in self.left.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, int]) -> Self:
        """Read what `state` wrote."""
        left = {reason: state[reason] for reason in UnmatchedReason if reason in state}
        return cls(state["exact"], state["review"], state["created"], left, state["shopify_left"])


@dataclass(frozen=True, slots=True)
class MatchPlace:
    """Which side is walked, the id behind which it goes on (ids are positive), and the counts so far.

    Nhanh's side comes first; `side` is None when both are done.
    """

    side: Side | None = Side.NHANH
    after: int = 0
    tally: MatchTally = field(default_factory=MatchTally)

    def advanced(self, counted: MatchTally, upto: int | None) -> "MatchPlace":
        """Move on behind a stretch; `upto` None means that it was the side's last."""
        tally = self.tally + counted
        if upto is not None:
            return replace(self, after=upto, tally=tally)
        return MatchPlace(Side.SHOPIFY if self.side is Side.NHANH else None, 0, tally)

    @property
    def cursor(self) -> str:
        """The place as text."""
        return _END if self.side is None else f"{self.side}:{self.after}"

    @classmethod
    def from_cursor(cls, cursor: str | None, state: Mapping[str, int]) -> Self:
        """Read a place that an earlier attempt left."""
        tally = MatchTally.from_state(state)
        if cursor is None or cursor == _END:
            return cls(None, 0, tally)
        side, after = cursor.split(":")
        return cls(Side(side), int(after), tally)


def count_verdicts(side: Side, verdicts: Sequence[Judged], auto_link_confidence: float) -> MatchTally:
    """Count verdicts of one side; links are counted on Nhanh's side, once."""
    links = [verdict for verdict in verdicts if isinstance(verdict, Link)]
    if side is Side.SHOPIFY:
        return MatchTally(shopify_left=len(verdicts) - len(links))
    review = sum(link.evidence.confidence < auto_link_confidence for link in links)
    left = Counter(verdict.reason for verdict in verdicts if not isinstance(verdict, Link))
    return MatchTally(exact=len(links), review=review, left=left)
