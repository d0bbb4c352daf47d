"""Words for enums: complete, and refused with every choice named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nhanhsync.cli.choices import OptionError, choice, choices, words_of
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import catalog_pb2, operations_pb2

ENUMS = [
    (job_pb2.JobState, "JOB_STATE_"),
    (job_pb2.ConflictPolicy, "CONFLICT_POLICY_"),
    (catalog_pb2.Side, "SIDE_"),
    (catalog_pb2.UnmatchedReason, "UNMATCHED_REASON_"),
    (operations_pb2.PullMode, "PULL_MODE_"),
    (operations_pb2.PullMethod, "PULL_METHOD_"),
    (operations_pb2.NhanhProductStatus, "NHANH_PRODUCT_STATUS_"),
    (operations_pb2.MappingStatus, "MAPPING_STATUS_"),
]


@pytest.mark.parametrize(("enum", "prefix"), ENUMS, ids=lambda each: each if isinstance(each, str) else "")
def test_every_value_but_unspecified_has_one_word(enum: object, prefix: str) -> None:
    """The word is the value's name without the prefix, in small letters, with hyphens; it means that value."""
    known = words_of(enum, prefix)
    assert {prefix + word.upper().replace("-", "_"): number for word, number in known.items()} == {
        name: number
        for name, number in enum.items()  # type: ignore[attr-defined]  # an enum's wrapper
        if number
    }
    assert [choice(word, known, "--it") for word in known] == list(known.values())


def test_a_word_of_several_parts_has_hyphens() -> None:
    """People type no underscores."""
    assert words_of(operations_pb2.NhanhProductStatus, "NHANH_PRODUCT_STATUS_")["out-of-stock"] == 4


def test_what_was_not_given_is_unspecified() -> None:
    """The service decides, not the command."""
    assert choice(None, {"full": 1}, "--mode") == 0
    assert choices([], {"full": 1}, "--mode") == []


@given(st.text().filter(lambda word: word not in ("full", "incremental")))
def test_an_unknown_word_is_refused_with_every_choice(word: str) -> None:
    """The error names the option, the word and all that would do."""
    with pytest.raises(OptionError) as caught:
        choices(["full", word], {"full": 1, "incremental": 2}, "--mode")
    assert caught.value.option == "--mode"
    assert str(caught.value) == f"{word!r} is not one of full, incremental"
