"""What requests cost: examples whose cost Shopify's documentation or answers show."""

from typing import Any

import pytest
from sandbox.shopify.cost import Costing, growth
from sandbox.shopify.schema import checked, schema


def cost(document: str, data: dict[str, Any] | None = None, **variables: Any) -> int:
    """Cost a document."""
    found = checked(document)
    assert found.errors == []
    assert found.operation is not None
    return Costing(schema(), found.fragments, found.operation, variables).cost(data)


VARIANTS = """
query ($first: Int = 250) {
  productVariants(first: $first) {
    nodes { id sku barcode price compareAtPrice inventoryQuantity product { id } inventoryItem { id } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CUSTOMERS = """{
  customers(first: 250) {
    nodes {
      id firstName lastName note numberOfOrders amountSpent { amount currencyCode }
      defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } defaultAddress { phone } %s
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
METAFIELDS = """
mutation ($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { userErrors { field message code elementIndex } }
}
"""
PRICES = """
mutation ($variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: "gid://shopify/Product/1", variants: $variants) {
    userErrors { field message code }
  }
}
"""
QUANTITIES = """
mutation ($input: InventorySetQuantitiesInput!) {
  inventorySetQuantities(input: $input) @idempotent(key: "k") {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}
"""


def owners(count: int) -> list[dict[str, str]]:
    """List metafields of so many customers."""
    return [{"ownerId": f"gid://shopify/Customer/{one}", "key": "k", "value": "1"} for one in range(count)]


@pytest.mark.parametrize(
    ("rows", "factor"),
    [(-1, 0), (0, 0), (1, 1), (2, 1), (3, 2), (5, 3), (10, 4), (25, 6), (50, 7), (100, 9), (200, 10), (250, 11)],
)
def test_growth(rows: int, factor: int) -> None:
    """A connection's node counts floor(2 ln n) times, once at least, and not at all where there is none."""
    assert growth(rows) == factor


def test_a_page_of_variants() -> None:
    """250 variants with product and inventory item cost 35, without product 24, with one location's level 57."""
    assert cost(VARIANTS) == 35
    assert cost(VARIANTS.replace("product { id }", "")) == 24
    stock = 'inventoryLevel(locationId: "gid://shopify/Location/1") { quantities(names: ["available"]) { quantity } }'
    level = f"inventoryItem {{ id {stock} }}"
    assert cost(VARIANTS.replace("inventoryItem { id }", level)) == 57


def test_a_page_of_customers() -> None:
    """250 customers cost 35, with one metafield 46: money and addresses cost nothing."""
    assert cost(CUSTOMERS % "") == 35
    assert cost(CUSTOMERS % 'metafield(key: "k") { value }') == 46


def test_a_connection_in_an_object() -> None:
    """`product{variants(first:250){nodes{inventoryItem{id}}}}` costs 1 + 2 + 11 × 2 = 25."""
    assert cost('{ product(id: "p") { variants(first: 250) { nodes { inventoryItem { id } } } } }') == 25


def test_a_connection_in_a_connection() -> None:
    """Products with at most 10 variants cost 123 a page of 250."""
    node = "id variants(first: 10) { nodes { id product { id } inventoryItem { id } } }"
    inner = 2 + growth(10) * 3
    assert cost(f"{{ products(first: 250) {{ nodes {{ {node} }} }} }}") == 2 + growth(250) * (1 + inner)


@pytest.mark.parametrize(("variants", "points"), [(10, 123), (100, 233), (250, 277)])
def test_a_page_of_products_with_their_variants(variants: int, points: int) -> None:
    """250 products with at most 10, 100 or 250 variants, each with its inventory item."""
    below = f"variants(first: {variants}) {{ nodes {{ id sku inventoryItem {{ id }} }} }}"
    assert cost(f"{{ products(first: 250) {{ nodes {{ id title {below} }} }} }}") == points


def test_bulk_operations_cost_little_however_long_they_are() -> None:
    """10 to start or to cancel one, 1 to ask for it, 11 to stage a file."""
    start = "bulkOperation { id status } userErrors { field message code }"
    assert cost(f'mutation {{ bulkOperationRunQuery(query: "q") {{ {start} }} }}') == 10
    assert cost(f'mutation {{ bulkOperationRunMutation(mutation: "m", stagedUploadPath: "p") {{ {start} }} }}') == 10
    assert cost('mutation { bulkOperationCancel(id: "i") { bulkOperation { id } } }') == 10
    assert cost('{ bulkOperation(id: "i") { id status objectCount url } }') == 1
    stage = '[{resource: BULK_MUTATION_VARIABLES, filename: "f", mimeType: "text/jsonl", httpMethod: POST}]'
    targets = "stagedTargets { url resourceUrl parameters { name value } } userErrors { message }"
    assert cost(f"mutation {{ stagedUploadsCreate(input: {stage}) {{ {targets} }} }}") == 11


def test_nodes_and_edges_add_up() -> None:
    """Asked for both ways, a page costs its nodes twice; cursors and pageInfo cost nothing."""
    nodes, edges = "nodes { id }", "edges { cursor node { id } }"
    alone = cost(f"{{ customers(first: 50) {{ {nodes} }} }}")
    assert alone == cost(f"{{ customers(first: 50) {{ {edges} pageInfo {{ endCursor }} }} }}") == 2 + 7
    assert cost(f"{{ customers(first: 50) {{ {nodes} {edges} }} }}") == 2 + 14


def test_a_count_costs_ten() -> None:
    """A root Count; two of them twenty."""
    assert cost("{ customersCount { count } }") == 10
    assert cost("{ a: customersCount { count } b: productsCount { count precision } }") == 20


def test_aliases_add_up_and_fragments_count_where_they_are_spread() -> None:
    """There is no discount for packing."""
    document = "fragment F on Customer { id defaultEmailAddress { emailAddress } } "
    one = 'customer(id: "c") { ...F }'
    assert cost(document + f"{{ {one} }}") == 2
    assert cost(document + f"{{ {one} b: {one} }}") == 4


def test_an_abstract_type_costs_its_dearest_selection() -> None:
    """`nodes` is a list: 1 once, whatever its length, and the dearest of its fragments."""
    both = "id ... on Customer { id } ... on ProductVariant { product { id } inventoryItem { id } }"
    document = f'{{ nodes(ids: ["a", "b"]) {{ {both} }} }}'
    assert cost(document) == 1 + 2


def test_mutations_cost_ten_and_what_hangs_below_the_payload() -> None:
    """The payload's own objects and its userErrors are free."""
    entry = {"inventoryItemId": "i", "locationId": "l", "quantity": 1, "changeFromQuantity": None}
    given = {"name": "available", "reason": "correction", "quantities": [entry] * 250}
    assert cost(QUANTITIES, input=given) == 10


@pytest.mark.parametrize(("count", "points"), [(1, 11), (25, 35)])
def test_metafields_cost_one_for_each_customer(count: int, points: int) -> None:
    """25 customers cost 35; a customer's second metafield costs nothing."""
    assert cost(METAFIELDS, metafields=owners(count)) == points
    assert cost(METAFIELDS, metafields=[*owners(count), *owners(1)]) == points


@pytest.mark.parametrize(
    ("kind", "points"),
    [("Order", 20), ("Product", 14), ("Collection", 11), ("Customer", 11), ("Shop", 11), ("Page", 10)],
)
def test_metafields_cost_by_the_kind_of_their_owners(kind: str, points: int) -> None:
    """Each owner once, whatever it is given; aliases are costed each for itself."""
    entry = {"ownerId": f"gid://shopify/{kind}/1", "key": "k", "value": "1"}
    assert cost(METAFIELDS, metafields=[entry, {**entry, "key": "l"}]) == points
    two = METAFIELDS.replace("metafieldsSet", "a: metafieldsSet", 1).rstrip().removesuffix("}")
    again = "b: metafieldsSet(metafields: $metafields) { userErrors { code } } }"
    assert cost(two + again, metafields=[entry]) == 2 * points


@pytest.mark.parametrize(("count", "points"), [(1, 10), (3, 11), (4, 11), (10, 12), (1_000, 210), (1_499, 310)])
def test_prices_cost_a_fifth_for_each_variant(count: int, points: int) -> None:
    """1,000 variants of one product cost 210; parts of a point are rounded."""
    assert cost(PRICES, variants=[{"id": str(one), "price": "1"} for one in range(count)]) == points


def test_what_a_page_did_cost_depends_on_its_rows() -> None:
    """Three rows of 250 that were allowed for, by whatever name they were asked."""
    three = [{"id": "a"}] * 3
    assert cost(VARIANTS, {"productVariants": {"nodes": three, "pageInfo": {}}}) == 2 + 2 * 3
    assert cost(VARIANTS, {"productVariants": {"nodes": [], "pageInfo": {}}}) == 2
    document = "{ mine: customers(first: 100) { rows: nodes { id } } }"
    assert cost(document) == 2 + 9
    assert cost(document, {"mine": {"rows": three}}) == 2 + 2


def test_a_default_counts_like_a_given_value() -> None:
    """A page size that stands in the document's head."""
    assert cost(VARIANTS) == cost(VARIANTS, first=250)
    assert cost(VARIANTS, first=1) == 2 + 3


@pytest.mark.parametrize("given", ["text", 5, ["text"], [None], {"ownerId": "a"}, None])
def test_input_of_the_wrong_form_has_a_cost_too(given: object) -> None:
    """It is refused later, by its type."""
    assert cost(METAFIELDS, metafields=given) in (10, 11)
    assert cost(PRICES, variants=given) == 10
