"""What a call's body may say."""

from typing import Any

import orjson
import pytest
from sandbox.nhanh.envelope import NhanhError
from sandbox.nhanh.questions import MAX_IDS, Question, read_question


def read(document: object, sort_key: str | None = "id") -> Question:
    """Read a document."""
    return read_question(orjson.dumps(document), sort_key)


def refusal(document: object, sort_key: str | None = "id") -> NhanhError:
    """Read what must be refused."""
    with pytest.raises(NhanhError) as refused:
        read(document, sort_key)
    return refused.value


def test_an_empty_body_asks_for_the_first_page() -> None:
    """Filters, paginator and even the body may be left out; `next` may be empty text."""
    assert read_question(b"", "id") == Question({}, 20, False, None, 0, None)
    assert read({}) == read({"filters": {}, "paginator": {"next": ""}})


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'"text"', b"null"])
def test_what_is_no_object_is_invalid_data(body: bytes) -> None:
    """ERR_INVALID_DATA."""
    with pytest.raises(NhanhError) as refused:
        read_question(body, "id")
    assert refused.value.code == "ERR_INVALID_DATA"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"filters": []}, "filters"),
        ({"filters": {"ids": 5}}, "filters.ids"),
        ({"filters": {"ids": ["x"]}}, "filters.ids"),
        ({"filters": {"ids": list(range(MAX_IDS + 1))}}, "filters.ids"),
        ({"filters": {"updatedAtFrom": "yesterday"}}, "filters.updatedAtFrom"),
        ({"filters": {"gpid": None}}, "filters.gpid"),
        ({"filters": {"status": 2}}, "filters.status"),
        ({"paginator": []}, "paginator"),
        ({"paginator": {"size": 0}}, "paginator.size"),
        ({"paginator": {"size": 101}}, "paginator.size"),
        ({"paginator": {"size": "50"}}, "paginator.size"),
        ({"paginator": {"sort": {"name": "asc"}}}, "paginator.sort"),
        ({"paginator": {"sort": "id"}}, "paginator.sort"),
        ({"paginator": {"next": "500"}}, "paginator.next"),
        ({"paginator": {"next": {"page": 2}}}, "paginator.next"),
        ({"paginator": {"next": [1, 2]}}, "paginator.next"),
    ],
)
def test_a_bad_field_is_named(document: object, field: str) -> None:
    """ERR_INVALID_FORM_FIELDS has a message for the field, and for it alone."""
    error = refusal(document)
    assert error.code == "ERR_INVALID_FORM_FIELDS"
    assert isinstance(error.messages, dict)
    assert list(error.messages) == [field]


def test_every_bad_field_is_named_at_once() -> None:
    """Filters, size, sort and cursor."""
    error = refusal({"filters": 1, "paginator": {"size": 1_000, "sort": 5, "next": 3}})
    assert isinstance(error.messages, dict)
    assert list(error.messages) == ["filters", "paginator.size", "paginator.sort", "paginator.next"]


def test_a_list_without_sort_refuses_one() -> None:
    """customer/list documents no order."""
    error = refusal({"paginator": {"sort": {"id": "asc"}}}, None)
    assert error.messages == {"paginator.sort": "is not supported"}


@pytest.mark.parametrize(
    ("given", "after", "again"),
    [({"id": 5}, 5, 0), ({"id": "5"}, 5, 0), ({"id": "5", "again": 2}, 5, 2), ({"id": "", "again": 1}, None, 1)],
)
def test_a_cursor_comes_as_number_or_text(given: dict[str, Any], after: int | None, again: int) -> None:
    """It is read in every form in which it is given."""
    question = read({"paginator": {"next": given}})
    assert (question.after, question.again, question.given_next) == (after, again, given)


def test_the_largest_page_and_the_order() -> None:
    """100 rows; `desc` in any case."""
    question = read({"paginator": {"size": 100, "sort": {"id": "DESC"}}})
    assert (question.size, question.descending) == (100, True)
    assert not read({"paginator": {"sort": {"id": "asc"}}}).descending
