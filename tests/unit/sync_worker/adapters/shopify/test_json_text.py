"""JSON with half surrogate pairs in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_worker.adapters.shopify.answers import json_of
from sync_worker.adapters.shopify.json_text import parsed


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (rb'{"a": "T\ud83d"}', {"a": "T\ufffd"}),
        (rb'{"a": "\ud83dX", "b": "\udc00\ud83d"}', {"a": "\ufffdX", "b": "\ufffd\ufffd"}),
        (rb'{"a": ["\ud83d\ud83d\ude00"]}', {"a": ["\ufffd\U0001f600"]}),
        (rb'{"\ud83d": "\\ud83d \n \u0000"}', {"\ufffd": "\\ud83d \n \x00"}),
        (rb'{"a": "\ud83d", "b": 199000.5, "c": -2, "d": null}', {"a": "\ufffd", "b": 199000.5, "c": -2, "d": None}),
        (rb'"\ud83d"', "\ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_replaced(content: bytes, read: object) -> None:
    """And nothing else."""
    assert parsed(content) == read


@given(st.lists(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=())), max_size=5))
def test_whatever_is_escaped_is_read_as_text(texts: list[str]) -> None:
    """Text that can be written down, of one character for each half that was alone."""
    assert parsed(json.dumps(texts).encode()) == [
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"\xed\xa0\xbd",
        rb'{"a": "\ud83d',
        rb'{"a": "\ud83d"',
        rb'{"a": "\ud83d"}{}',
        rb'{"a": "\ud83d", "b": NaN}',
        '{"a": 1}'.encode("utf-16"),
        b"1" * 5_000,
        b'{"a": ' * 100_000,
    ],
    ids=["nothing", "no UTF-8", "half a pair raw", "cut text", "cut", "two", "NaN", "UTF-16", "long number", "deep"],
)
def test_what_is_no_json_is_none(content: bytes) -> None:
    """However it is looked at."""
    assert json_of(content) is None
