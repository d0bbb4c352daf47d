"""What a call is taken to cost before it is sent is what it costs."""

from collections.abc import Mapping

import pytest
from sandbox.shopify.cost import Costing
from sandbox.shopify.schema import checked, schema
from sync_worker.adapters.shopify import documents
from sync_worker.adapters.shopify.documents import Document
from sync_worker.adapters.shopify.gid import gid


def requested(document: Document, variables: Mapping[str, object]) -> int:
    """What the sandbox asks for a call, by Shopify's formula."""
    found = checked(document.text)
    assert found.operation is not None
    return Costing(schema(), found.fragments, found.operation, dict(variables)).cost()


def ids(kind: str, number: int) -> list[str]:
    """Global ids."""
    return [gid(kind, one) for one in range(1, number + 1)]


PAGE = {"first": documents.PAGE_ROWS, "sortKey": "ID"}
SPENDS = {"namespace": "custom", "key": "total_spent"}
PLACES = {f"location{place}": gid("Location", place + 1) for place in range(3)}
METAFIELDS = [{"ownerId": owner, "key": "k", "value": "1"} for owner in ids("Customer", 25)]


@pytest.mark.parametrize(
    ("document", "variables", "entries"),
    [
        (documents.VARIANTS, PAGE, 1),
        (documents.CUSTOMERS, PAGE, 1),
        (documents.LOCATIONS, PAGE, 1),
        (documents.SHOP, {}, 1),
        (documents.SCOPES, {}, 1),
        (documents.SET_QUANTITIES, {"input": {"quantities": []}, "key": "k"}, 250),
        (documents.SET_SPENDS, {"metafields": METAFIELDS}, 25),
    ],
    ids=lambda value: value.root if isinstance(value, Document) else "",
)
def test_a_cost_is_known_to_the_point(document: Document, variables: Mapping[str, object], entries: int) -> None:
    """So that the bucket holds it when the first call of its kind is sent."""
    assert document.estimate(entries) == requested(document, variables)


@pytest.mark.parametrize(
    ("document", "variables", "entries"),
    [
        (documents.SPENDS, {"ids": ids("Customer", 250), **SPENDS}, 250),
        (documents.PRICES, {"ids": ids("ProductVariant", 250)}, 250),
        (documents.quantities_document(3), {"ids": ids("InventoryItem", 100), **PLACES}, 100),
        (
            documents.SET_PRICES,
            {"productId": gid("Product", 1), "variants": [{"id": one} for one in ids("ProductVariant", 7)]},
            7,
        ),
    ],
    ids=lambda value: value.root if isinstance(value, Document) else "",
)
def test_a_cost_is_never_taken_for_less(document: Document, variables: Mapping[str, object], entries: int) -> None:
    """Where Shopify's rounding, or how it counts objects by id, is not known to the point, the estimate is on the safe side."""
    assert requested(document, variables) <= document.estimate(entries) <= documents.MAX_REQUEST_POINTS
