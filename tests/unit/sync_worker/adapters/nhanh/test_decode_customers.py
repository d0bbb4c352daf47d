"""Facts about customers, access and paginators in Nhanh's answers."""

from decimal import Decimal
from typing import Any

import pytest
from sync_worker.adapters.nhanh import decode
from sync_worker.application.ports.nhanh import NhanhAccess
from sync_worker.domain.customers import NhanhCustomer
from sync_worker.domain.failures import MalformedAnswer

VND = 10_000


def test_a_documented_customer_is_read() -> None:
    """Amounts exactly, text as it came."""
    row: dict[str, Any] = {
        "id": 7,
        "type": 1,
        "name": "Khách lẻ 7",
        "mobile": " 0901 234 567",
        "code": None,
        "gender": 1,
        "address": "12 Lê Lợi",
        "email": None,
        "birthday": "1990-01-31",
        "points": 120,
        "level": {"id": 2, "name": "VIP"},
        "group": [],
        "totalAmount": Decimal("69735300.25"),
        "updatedAt": 1760000000,
    }
    expected = [
        NhanhCustomer(
            nhanh_id=7,
            type=1,
            name="Khách lẻ 7",
            phone=" 0901 234 567",
            email=None,
            address="12 Lê Lợi",
            code=None,
            note=None,
            gender=1,
            birthday="1990-01-31",
            points=120,
            level_name="VIP",
            group_name=None,
            total_spent=697_353_002_500,
            updated_at=1760000000,
        )
    ]
    assert decode.customers([row]) == (expected, [])


@pytest.mark.parametrize(("written", "spent"), [(0, 0), ("0", 0), ("1500", 1500 * VND), (None, None), ("", None)])
def test_an_unknown_spend_is_not_zero(written: Any, spent: int | None) -> None:
    """Null is unknown; 0 is nothing bought."""
    (found,), refused = decode.customers([{"id": 7, "totalAmount": written}])
    assert (found.total_spent, refused) == (spent, [])


@pytest.mark.parametrize("spend", ["không rõ", True])
def test_a_customer_that_cannot_be_trusted_is_refused(spend: object) -> None:
    """A spend that is there and cannot be read is not unknown: something is wrong. Customers beside it are read."""
    rows, refused = decode.customers([{"id": 7, "totalAmount": spend}, {"id": 8}])
    assert [row.nhanh_id for row in rows] == [8]
    assert [row.vendor_id for row in refused] == [7]
    assert repr(spend) in refused[0].message


def test_a_customer_without_an_id_spoils_its_page() -> None:
    """Nobody can say who it was."""
    with pytest.raises(MalformedAnswer):
        decode.customers([{"id": None}, {"id": 8}])


@pytest.mark.parametrize(
    ("depots", "granted"),
    [
        ([], None),
        ("", None),
        (None, None),
        ("All", None),
        ("all", None),
        (["All"], None),
        ([7, "8"], frozenset({7, 8})),
        ({"0": 7, "2": 9}, frozenset({7, 9})),
        ("7, 8", frozenset({7, 8})),
        (7, frozenset({7})),
    ],
)
def test_granted_depots_are_read(depots: Any, granted: frozenset[int] | None) -> None:
    """Nothing, or "All", grants every depot."""
    assert decode.access({"expiredAt": "1800000000", "depotIds": depots}) == NhanhAccess(1_800_000_000, granted)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, ()),
        ([], ()),
        ("", ()),
        (7, ()),
        (True, ()),
        (["product", None, ["x"], " customer "], ("product", "customer")),
        ({"0": "product", "4": "order"}, ("product", "order")),
        ("product, order", ("product", "order")),
    ],
)
def test_permissions_are_shown_as_far_as_they_are_understood(given: Any, read: tuple[str, ...]) -> None:
    """Nothing depends on them, so that nothing fails for them."""
    assert decode.access({"expiredAt": 1, "depotIds": [], "permissions": given}).permissions == read


@pytest.mark.parametrize("data", [[], {}, {"expiredAt": 1}, {"depotIds": ["some"]}, {"depotIds": "some"}, "All"])
def test_depots_of_which_nothing_is_said_are_not_all_granted(data: Any) -> None:
    """Stock of a depot that is not granted would look like none."""
    with pytest.raises(MalformedAnswer):
        decode.access(data)


@pytest.mark.parametrize(
    "paginator", [None, [], {}, "", {"next": None}, {"next": ""}, {"next": []}, {"next": {}}, {"size": 100}]
)
def test_a_list_ends_where_no_next_page_is_named(paginator: Any) -> None:
    """In every form of PHP's nothing."""
    assert decode.next_cursor(paginator) is None


@pytest.mark.parametrize("paginator", ["next", 7, [{"id": 1}]])
def test_a_paginator_that_is_none_is_refused(paginator: Any) -> None:
    """It is not the end of the list."""
    with pytest.raises(MalformedAnswer):
        decode.next_cursor(paginator)
