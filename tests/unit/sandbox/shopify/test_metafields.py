"""metafieldsSet: what a metafield's value may be."""

from typing import Any

import pytest
from sandbox.shopify.gids import gid

from tests.unit.sandbox.shopify.conftest import ShopCaller

SET = """
mutation ($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { metafields { id } userErrors { code field elementIndex } }
}
"""
LARGEST = "9007199254740991"


async def set_one(caller: ShopCaller, **more: Any) -> list[tuple[str, str]]:
    """Set a metafield of the first customer; the codes with the fields that they are about."""
    owner = gid("Customer", caller.shop.customers.ids[0])
    given = {"ownerId": owner, "key": "k", "type": "number_integer", "value": "1", **more}
    payload = (await caller.data(SET, metafields=[given]))["metafieldsSet"]
    return [(error["code"], error["field"][-1]) for error in payload["userErrors"]]


@pytest.mark.parametrize("value", ["0", "-0", "007", LARGEST, f"-{LARGEST}"])
async def test_an_integer_has_a_range(caller: ShopCaller, value: str) -> None:
    """What JSON's numbers hold exactly; it is kept as it was written."""
    assert await set_one(caller, value=value) == []
    assert [write.new for write in caller.store.history.writes] == [value]


@pytest.mark.parametrize(
    "value", ["9007199254740992", "-9007199254740992", "1.0", "1e3", "+1", " 1", "１２", "9" * 5_000]
)
async def test_another_integer_is_refused(caller: ShopCaller, value: str) -> None:
    """Beyond the range, with a fraction, or in other digits."""
    assert await set_one(caller, value=value) == [("INVALID_VALUE", "value")]
    assert caller.store.history.writes == []


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("1", True),
        ("-1.5", True),
        ("9999999999999.999999999", True),
        ("10000000000000", False),
        ("1.", False),
        ("a", False),
    ],
)
async def test_a_decimal_has_a_range(caller: ShopCaller, value: str, right: bool) -> None:
    """Thirteen digits and nine behind the point."""
    assert await set_one(caller, type="number_decimal", value=value) == ([] if right else [("INVALID_VALUE", "value")])


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"type": "number_int"}, ("INVALID_TYPE", "type")),
        ({"type": ""}, ("INVALID_TYPE", "type")),
        ({"key": " "}, ("BLANK", "key")),
        ({"type": "multi_line_text_field", "value": "x" * 16_385}, ("TOO_LONG", "value")),
        ({"type": "multi_line_text_field", "value": "ế" * 5_462}, ("TOO_LONG", "value")),
    ],
)
async def test_what_is_no_metafield_is_refused(caller: ShopCaller, more: dict[str, str], refusal: object) -> None:
    """A type that there is not, no key, more than 16 KiB."""
    assert await set_one(caller, **more) == [refusal]
    assert caller.store.history.writes == []


async def test_each_metafield_has_an_id_of_its_own(caller: ShopCaller) -> None:
    """Which it keeps when it is set anew."""
    owners = [gid("Customer", one) for one in caller.shop.customers.ids[:2]]
    given = [
        {"ownerId": owner, "key": key, "type": "number_integer", "value": "1"} for owner in owners for key in ("a", "b")
    ]
    first = (await caller.data(SET, metafields=given))["metafieldsSet"]["metafields"]
    assert len({row["id"] for row in first}) == 4
    again = (await caller.data(SET, metafields=given[::-1]))["metafieldsSet"]["metafields"]
    assert again == first[::-1]
