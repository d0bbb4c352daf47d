"""The bounds in code are the bounds in the contract."""

import re
from pathlib import Path
from typing import Any

import pytest
from nhanhsync.sync.v1 import operations_pb2, sync_worker_service_pb2
from sync_worker.entrypoints.bounds import BOUNDS, Bound, Count, Number, Text

PROTOS = Path(__file__).resolve().parents[4] / "protos" / "nhanhsync" / "sync" / "v1"
PROTECTION = {
    "StartOptions.store_id",
    "NhanhProductFilter.category_ids value",
    "NhanhProductFilter.brand_ids value",
    "NhanhProductFilter.statuses",
    "ShopifyProductFilter.statuses",
    "MappingIds.mapping_ids value",
    "MappingStatuses.statuses",
    "SyncProductsRequest.aspects",
    "CheckStoreRequest.store_id",
    "ListMappingsRequest.store_id",
    "ListMappingsRequest.statuses",
    "ListMappingsRequest.page_token",
    "ListUnmatchedRequest.store_id",
    "ListUnmatchedRequest.page_token",
    "ResetPullCheckpointRequest.store_id",
}
"""Bounds that no honest caller meets; the contract does not speak of them."""

ELSEWHERE = {"MappingIds.mapping_ids": "MappingSelection.ids"}
"""Fields whose bound is said at another one."""

JOB_TRACKERS = {"StartOptions.not_before_time"}
"""Fields that are passed on, and held against their bound by JobTracker, whose clock counts."""


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
        case Text(pattern=pattern) if pattern:
            return ['"YYYY-MM-DD"']
        case Text(longest=longest):
            return [f"{longest:,} characters"]
        case Number(lowest, highest, unset):
            said = [f"{1 if unset is not None else lowest} to {highest:,}"]
            return said if unset is None else [*said, f"0 means {unset:,}"]
        case Count(most, least):
            return [f"1 to {most:,}" if least else f"t most {most}"]


@pytest.mark.parametrize("name", sorted(set(BOUNDS) - PROTECTION))
def test_the_contract_says_what_the_code_holds(name: str) -> None:
    """Whoever reads a field's comment knows its bound."""
    comment = comments()[ELSEWHERE.get(name, name)]
    for words in stated(BOUNDS[name]):
        assert words in comment, f"{name}: {comment!r} does not say {words!r}"


def test_what_protects_the_server_is_not_promised() -> None:
    """The list of unspoken bounds names bounds, and none of them is spoken of."""
    assert set(BOUNDS) >= PROTECTION
    for name in PROTECTION:
        assert not any(words in comments()[name.split(" ")[0]] for words in stated(BOUNDS[name]) if words[0] != '"')


def test_every_number_that_the_contract_bounds_is_bounded_here() -> None:
    """No comment promises a bound that nothing holds."""
    for name, comment in comments().items():
        if re.search(r"(at most|1 to|from) [-0-9,]+", comment) and not name.startswith("UnmatchedRow."):
            assert name in set(BOUNDS) | set(ELSEWHERE.values()) | JOB_TRACKERS, name


def test_every_string_and_list_of_a_request_is_bounded() -> None:
    """No field lets a caller send as much as it likes."""
    unbounded = []
    for module in (operations_pb2, sync_worker_service_pb2):
        for message in module.DESCRIPTOR.message_types_by_name.values():
            if message.name.endswith("Response"):
                continue
            for field in message.fields:
                texty = field.type in (field.TYPE_STRING, field.TYPE_BYTES) or field.is_repeated
                if texty and f"{message.name}.{field.name}" not in BOUNDS:
                    unbounded.append(f"{message.name}.{field.name}")
    assert unbounded == []


@pytest.mark.parametrize(
    ("bound", "good", "bad"),
    [
        (Text(3), ["", "abc", "đêm"], ["abcd"]),
        (Text(3, shortest=1), ["a"], ["", "abcd"]),
        (Text(3, pattern="[a-z]+", form="letters"), ["a"], ["", "A", "a\n"]),
        (Text(3, pattern="[a-z]+", form="letters", optional=True), ["", "a"], ["A"]),
        (Number(1, 2), [1, 2], [0, 3]),
        (Number(0, 2, unset=1), [0, 2], [-1, 3]),
        (Count(2, least=1), [[1], [1, 2]], [[], [1, 2, 3]]),
    ],
)
def test_bounds_hold(bound: Any, good: list[object], bad: list[object]) -> None:
    """A bound lets its whole range pass and nothing beyond it, and says what is wrong."""
    assert [bound.fault(value) for value in good] == [None] * len(good)
    assert all(bound.fault(value) for value in bad)
