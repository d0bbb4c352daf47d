"""Page and resume tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_tracker.domain.errors import PageTokenInvalidError, ResumeTokenInvalidError
from job_tracker.entrypoints.tokens import page_place, page_token, resume_position, resume_token
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

whole = st.integers(-(2**63) + 1, 2**63 - 1)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)


@given(whole, words, st.integers(0, 500))
def test_a_place_comes_back_from_its_token(time: int, job_id: str, page_size: int) -> None:
    """Any place survives, whatever page size is asked for next."""
    request = pb.ListJobsRequest(filter=pb.JobFilter(types=["A"]))
    token = page_token(request, (time, job_id))
    following = pb.ListJobsRequest(filter=pb.JobFilter(types=["A"]), page_token=token, page_size=page_size)
    assert page_place(following, token, (int, str)) == (time, job_id)


@given(whole)
def test_a_position_comes_back_from_its_token(position: int) -> None:
    """Any position survives."""
    assert resume_position(resume_token(position)) == position


@given(st.text(min_size=1, max_size=100))
def test_made_up_tokens_are_refused(token: str) -> None:
    """No string that nobody made is taken for a token, and none breaks the reader."""
    with pytest.raises(ResumeTokenInvalidError):
        resume_position(token)
    with pytest.raises(PageTokenInvalidError):
        page_place(pb.ListJobsRequest(), token, (int, str))


def test_no_token_is_the_beginning() -> None:
    """An empty token begins."""
    assert page_place(pb.ListJobsRequest(), "", (int, str)) is None
    assert resume_position("") is None


def test_a_token_of_another_kind_is_refused() -> None:
    """A resume token is no page token, nor the reverse; parts of other types are refused."""
    request = pb.ListJobsRequest()
    with pytest.raises(PageTokenInvalidError):
        page_place(request, resume_token(1), (int, str))
    with pytest.raises(ResumeTokenInvalidError):
        resume_position(page_token(request, (1, "x")))
    for place in ((1, 2), ("x", "x"), (True, "x"), (2**63, "x"), (1,), (1, "x", "x")):
        with pytest.raises(PageTokenInvalidError):
            page_place(request, page_token(request, place), (int, str))
    with pytest.raises(PageTokenInvalidError):
        page_place(request, page_token(request, (1, "a\0")), (int, str))
