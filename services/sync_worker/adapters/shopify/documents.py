"""The GraphQL documents that are sent, for the Admin API. They never hold a value: values travel as variables.

Each says what it costs before Shopify has told us: Shopify's limits page gives 1 point an object and 10 a mutation,
and "sized by first" for a connection; measured, a connection costs 2 + max(1, floor(2 ln first)) times a node of it.
Objects named by `nodes(ids:)` are counted one by one, which is the dearest they could be.
"""

from dataclasses import dataclass
from functools import cache
from math import floor, log

PAGE_ROWS = 250
"""Shopify gives at most so many rows a page."""

MAX_REQUEST_POINTS = 1_000
"""Shopify refuses a request that would cost more (limits page, every plan)."""

MAX_LOCATIONS = 20
"""So many locations are asked about in one request."""

CHECKED_VERSIONS = ("2026-07", "2026-10")
"""The versions of the Admin API whose own schemas every document is held against."""

SPEND_NAMESPACE = "custom"
SPEND_KEY = "total_spent"
SPEND_TYPE = "number_integer"


@dataclass(frozen=True, slots=True)
class Document:
    """A document; `root` is its one field. It costs about `points` and `points_each` for every entry it is about.

    With `writes` it is a mutation; one that changes nothing in the shop (it starts or ends reading) has no `changes_shop`.
    A `nullable` root is null where there is no such thing.
    """

    root: str
    text: str
    points: float
    points_each: float = 0.0
    writes: bool = False
    changes_shop: bool = True
    nullable: bool = False

    def estimate(self, entries: int) -> float:
        """Estimate the requested cost, in points."""
        return min(float(MAX_REQUEST_POINTS), self.points + self.points_each * entries)


def connection_points(rows: int, node_points: int) -> float:
    """Estimate what a connection costs."""
    return 2.0 + max(1, floor(2 * log(rows))) * node_points


def variant_fields(more_of_item: str = "") -> str:
    """Select what is kept of a variant, and more of its inventory item."""
    return f"""\
id title sku barcode price compareAtPrice inventoryQuantity updatedAt
      product {{ id title status }}
      inventoryItem {{ id{more_of_item} }}"""


VARIANT_FIELDS = variant_fields()

CUSTOMER_FIELDS = """\
id firstName lastName note numberOfOrders updatedAt
      amountSpent { amount currencyCode }
      defaultEmailAddress { emailAddress }
      defaultPhoneNumber { phoneNumber }
      defaultAddress { phone }"""

VARIANTS = Document(
    "productVariants",
    f"""
query Variants($first: Int!, $after: String, $query: String) {{
  productVariants(first: $first, after: $after, query: $query, sortKey: ID) {{
    nodes {{
      {VARIANT_FIELDS}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
""",
    points=connection_points(PAGE_ROWS, 3),
)

CUSTOMERS = Document(
    "customers",
    f"""
query Customers($first: Int!, $after: String, $query: String, $sortKey: CustomerSortKeys!) {{
  customers(first: $first, after: $after, query: $query, sortKey: $sortKey) {{
    nodes {{
      {CUSTOMER_FIELDS}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
""",
    points=connection_points(PAGE_ROWS, 3),
)

LOCATIONS = Document(
    "locations",
    """
query Locations($first: Int!, $after: String) {
  locations(first: $first, after: $after, includeInactive: true) {
    nodes { id name isActive }
    pageInfo { hasNextPage endCursor }
  }
}
""",
    points=connection_points(PAGE_ROWS, 1),
)

SHOP = Document("shop", "query Shop {\n  shop { name currencyCode }\n}\n", points=1.0)

SCOPES = Document(
    "currentAppInstallation",
    "query Scopes {\n  currentAppInstallation { accessScopes { handle } }\n}\n",
    points=2.0,
)

SPENDS = Document(
    "nodes",
    """
query Spends($ids: [ID!]!, $namespace: String!, $key: String!) {
  nodes(ids: $ids) {
    ... on Customer { id metafield(namespace: $namespace, key: $key) { value } }
  }
}
""",
    points=1.0,
    points_each=2.0,
)

PRICES = Document(
    "nodes",
    """
query Prices($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on ProductVariant { id price compareAtPrice }
  }
}
""",
    points=1.0,
    points_each=1.0,
)

SET_QUANTITIES = Document(
    "inventorySetQuantities",
    """
mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    userErrors { code field message }
  }
}
""",
    points=10.0,
    writes=True,
)

SET_SPENDS = Document(
    "metafieldsSet",
    """
mutation SetSpends($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) {
    userErrors { code field message elementIndex }
  }
}
""",
    points=10.0,
    points_each=1.0,
    writes=True,
)

SET_PRICES = Document(
    "productVariantsBulkUpdate",
    """
mutation SetPrices($productId: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $productId, variants: $variants, allowPartialUpdates: false) {
    userErrors { code field message }
  }
}
""",
    points=11.0,
    points_each=0.2,
    writes=True,
)


@cache
def quantities_document(locations: int) -> Document:
    """Make the document that reads what is available of items at so many locations (`$location0` and on)."""
    places = range(locations)
    variables = "".join(f", $location{place}: ID!" for place in places)
    levels = "\n".join(
        f"      level{place}: inventoryLevel(locationId: $location{place}) {{\n"
        '        quantities(names: ["available"]) { name quantity }\n'
        "      }"
        for place in places
    )
    text = (
        f"query Quantities($ids: [ID!]!{variables}) {{\n  nodes(ids: $ids) {{\n    ... on InventoryItem {{\n      id\n"
        f"{levels}\n    }}\n  }}\n}}\n"
    )
    return Document("nodes", text, points=1.0, points_each=1.0 + 2.0 * locations)


def items_at_once(locations: int) -> int:
    """How many items can be asked about at so many locations within one request's cost."""
    document = quantities_document(locations)
    return min(PAGE_ROWS, int((MAX_REQUEST_POINTS - 1 - document.points) // document.points_each))


STATIC_DOCUMENTS = (
    VARIANTS,
    CUSTOMERS,
    LOCATIONS,
    SHOP,
    SCOPES,
    SPENDS,
    PRICES,
    SET_QUANTITIES,
    SET_SPENDS,
    SET_PRICES,
)


def all_documents() -> tuple[Document, ...]:
    """List every document that can be sent; those of many places stand for those of fewer."""
    return (*STATIC_DOCUMENTS, quantities_document(1), quantities_document(MAX_LOCATIONS))
