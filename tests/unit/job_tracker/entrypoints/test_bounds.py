"""The bounds in code are the bounds in the contract."""

import re
from pathlib import Path

import pytest
from job_tracker.entrypoints.bounds import (
    BOUNDS,
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_PAGE_SIZE,
    STRUCT_DEPTH,
    Bound,
    Count,
    Number,
    Seconds,
    Size,
    Text,
)
from nhanhsync.jobs.v1 import job_pb2, job_tracker_service_pb2

PROTOS = Path(__file__).resolve().parents[4] / "protos" / "nhanhsync" / "jobs" / "v1"
PROTECTION = {
    "CreateJobRequest.parent_job_id",
    "JobFilter.store_ids",
    "JobFilter.types",
    "JobFilter.states",
    "ListItemFailuresRequest.codes",
    "GetJobStatsRequest.store_ids",
    "ItemFailure.attempts",
    "WatchJobsRequest.resume_token",
    "WatchDirectivesRequest.worker_id",
}
"""Bounds that no honest caller meets; they keep the server whole, and the contract does not speak of them."""

NAMES = ("job_id", "lease_token", "page_token", "confirm_token")
"""Fields that hold what JobTracker made, and no caller makes up."""


def comments() -> dict[str, str]:
    """The comment of every field of the contract, by message and field."""
    found: dict[str, str] = {}
    for path in PROTOS.glob("*.proto"):
        message, comment = "", ""
        for line in path.read_text().splitlines():
            text = line.strip()
            if match := re.match(r"message (\w+) \{", text):
                message, comment = match[1], ""
            elif text.startswith("//"):
                comment += text.removeprefix("//")
            elif match := re.match(r"(?:optional |repeated )?[\w.<>, ]+ (\w+) = \d+", text):
                found[f"{message}.{match[1]}"] = comment
                comment = ""
            else:
                comment = ""
    return found


def stated(bound: Bound) -> list[str]:
    """What a comment has to say of a bound."""
    match bound:
        case Text(longest, _, pattern, _, reserved):
            form = pattern if longest is None else pattern.removeprefix("^").removesuffix("+$")
            said = [f"{longest:,} characters"] if longest is not None else []
            said += [f"`{form}`"] if pattern else []
            said += [f"`{reserved}`"] if reserved else []
        case Number(lowest, highest):
            said = [f"from {lowest} on" if highest is None else f"{lowest or 1} to {highest}"]
        case Count(most, least):
            said = ["at least one" if least else f"t most {most}"]
        case Seconds(shortest, longest, _):
            said = [f"{shortest:g} to {longest:,g} seconds"]
        case Size(most):
            said = [f"{most // 1024} KiB"]
    return said


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_the_contract_says_what_the_code_holds(name: str) -> None:
    """Whoever reads a field's comment knows its bound."""
    field = name.split(" ", maxsplit=1)[0]
    comment = comments()[field]
    if name in PROTECTION or field.split(".")[1] in NAMES:
        return
    for words in stated(BOUNDS[name]):
        assert words in comment, f"{name}: {comment!r} does not say {words!r}"


def test_what_protects_the_server_is_not_promised() -> None:
    """The list of unspoken bounds names bounds, and none of them is spoken of."""
    assert set(BOUNDS) >= PROTECTION
    spoken = {"WatchDirectivesRequest.worker_id"}  # "as in its claims"
    for name in PROTECTION - spoken:
        assert not any(words in comments()[name.split(" ")[0]] for words in stated(BOUNDS[name])), name


def test_every_string_and_list_of_a_request_is_bounded() -> None:
    """No field lets a caller send as much as it likes."""
    unbounded = []
    for module in (job_tracker_service_pb2, job_pb2):
        for message in module.DESCRIPTOR.message_types_by_name.values():
            if not (message.name.endswith("Request") or message.name in {"JobFilter", "ProgressReport", "ItemFailure"}):
                continue
            for field in message.fields:
                bounded = f"{message.name}.{field.name}" in BOUNDS
                texty = field.type in (field.TYPE_STRING, field.TYPE_BYTES) or field.is_repeated
                if texty and not bounded:
                    unbounded.append(f"{message.name}.{field.name}")
    assert unbounded == []


def test_the_depth_of_a_struct_is_as_the_contract_says() -> None:
    """Every Struct of a request says how deep it may be."""
    for name in ("CreateJobRequest.params", "CompleteJobRequest.result"):
        assert f"nested at most {STRUCT_DEPTH} deep" in comments()[name]


def test_defaults_are_as_the_contract_says() -> None:
    """Zero means what the comments say."""
    said = comments()
    assert f"0 means {DEFAULT_MAX_ATTEMPTS}" in said["CreateJobRequest.max_attempts"]
    assert f"0 means {DEFAULT_PAGE_SIZE}" in said["ListJobsRequest.page_size"]
    assert "0 means 1" in said["ClaimJobsRequest.max_jobs"]
    for name, bound in BOUNDS.items():
        if isinstance(bound, Seconds) and bound.unset is not None:
            words = "100 ms" if bound.unset == 0.1 else f"{bound.unset:g}"
            assert f"unset means {words}" in said[name]


@pytest.mark.parametrize(
    ("bound", "good", "bad"),
    [
        (Text(longest=3), ["", "abc", "đêm"], ["abcd", "a\0"]),
        (Text(longest=3, shortest=1), ["a"], ["", "abcd"]),
        (Text(pattern="^[A-Z]$"), ["A"], ["", "AA", "a", "A\n"]),
        (Text(pattern="^[A-Z]$", optional=True), ["", "A"], ["a"]),
        (Text(optional=True, reserved="our/"), ["", "our", "x/our/"], ["our/", "our/x"]),
        (Number(1, 2), [1, 2], [0, 3]),
        (Number(1), [1, 10**9], [0]),
        (Count(2, least=1), [[1], [1, 2]], [[], [1, 2, 3]]),
        (Seconds(0, 1), [0.0, 1.0], [-0.1, 1.1, float("nan"), float("inf")]),
        (Size(2), [b"", b"ab"], [b"abc"]),
    ],
)
def test_bounds_hold(bound: Bound, good: list[object], bad: list[object]) -> None:
    """A bound lets its whole range pass and nothing beyond it, and says what is wrong."""
    check = bound.fault
    assert [check(value) for value in good] == [None] * len(good)  # type: ignore[arg-type]
    assert all(check(value) for value in bad)  # type: ignore[arg-type]
