"""What a test of connections finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync_worker.domain.failures import OperationFailure


class Verdict(StrEnum):
    """How a test went, the better first."""

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at: a word for machines, and what is the matter and what to do about it."""

    verdict: Verdict
    code: str
    message: str


def warning(code: str, message: str) -> Finding:
    """Everything works, and this wants to be looked at."""
    return Finding(Verdict.WARNING, code, message)


def fault(code: str, message: str) -> Finding:
    """Operations fail, or would be refused, until this is mended."""
    return Finding(Verdict.FAILED, code, message)


def fault_of(failure: OperationFailure) -> Finding:
    """Tell what an operation would fail with."""
    return fault(failure.code, failure.message)


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Find the gravest."""
    return max((finding.verdict for finding in findings), key=list(Verdict).index, default=Verdict.OK)
