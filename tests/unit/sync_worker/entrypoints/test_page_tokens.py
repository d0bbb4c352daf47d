"""Page tokens are bound to their question, and nothing else is taken for one."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb
from sync_worker.application.refusals import PageTokenInvalid
from sync_worker.domain.mappings import Entity, Side
from sync_worker.entrypoints.page_tokens import page_place, page_token

REQUEST = pb.ListMappingsRequest(store_id="hanoi", page_size=10)
KINDS = (int, Entity)


def packed(parts: object) -> str:
    """A token with this content."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


@given(number=st.integers(0, 2**63 - 1), entity=st.sampled_from(Entity))
def test_a_token_leads_to_its_place(number: int, entity: Entity) -> None:
    """Whatever the page before it ended with, whatever the size of the next."""
    token = page_token(REQUEST, (number, entity))
    again = pb.ListMappingsRequest(store_id="hanoi", page_size=500, page_token=token)
    assert page_place(again, token, KINDS) == (number, entity)


def test_no_token_is_the_first_page() -> None:
    """The empty text begins."""
    assert page_place(REQUEST, "", KINDS) is None


def test_a_token_of_another_filter_is_refused() -> None:
    """Its place means nothing there."""
    token = page_token(REQUEST, (1, Entity.PRODUCTS))
    with pytest.raises(PageTokenInvalid, match="another filter"):
        page_place(pb.ListMappingsRequest(store_id="hue"), token, KINDS)


def test_a_token_of_another_call_is_refused() -> None:
    """Even where both calls are asked about the same store."""
    token = page_token(REQUEST, (Side.NHANH, 1))
    with pytest.raises(PageTokenInvalid):
        page_place(pb.ListUnmatchedRequest(store_id="hanoi"), token, (Side, int))


@given(token=st.text(min_size=1, max_size=60))
def test_what_is_no_token_is_refused(token: str) -> None:
    """Never an internal fault, whatever is sent."""
    with pytest.raises(PageTokenInvalid):
        page_place(REQUEST, token, KINDS)


@pytest.mark.parametrize(
    "place",
    [[], [1], ["products", 1], [1, "products", 2], [True, "products"], [2**63, "products"], [1, "stores"], [1.5, 1]],
)
def test_a_token_whose_place_is_none_is_refused(place: list[object]) -> None:
    """The parts must be those of a place of this call."""
    question = orjson.loads(base64.urlsafe_b64decode(page_token(REQUEST, (1, "x")) + "=="))[0]
    for parts in ([question, *place], {"question": question}, question):
        with pytest.raises(PageTokenInvalid):
            page_place(REQUEST, packed(parts), KINDS)
