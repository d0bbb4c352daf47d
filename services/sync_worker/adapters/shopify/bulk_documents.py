"""The GraphQL documents of bulk operations: those that are sent, and the queries that Shopify runs by itself.

A bulk query (Shopify's guide "Perform bulk operations with the GraphQL Admin API") takes no variables, so what is searched for
stands in its text. It names no page size, since all is read, and no order: with one Shopify has left rows out. Its lists have
`edges` and not `nodes`. Rows are asked for at the root with all that belongs to them, so that every line is a whole row, but for
stock levels: a row may have many, and each of them has a line.
"""

import orjson

from sync_worker.adapters.shopify.documents import (
    CUSTOMER_FIELDS,
    CUSTOMERS,
    VARIANTS,
    Document,
    connection_points,
    variant_fields,
)
from sync_worker.adapters.shopify.search import customer_query, variant_query
from sync_worker.application.ports.shopify_bulk import BulkList
from sync_worker.domain.requests import ShopifyProductFilter

NAME_PREFIX = "NhanhsyncPull_"

RECENT_OPERATIONS = 100
"""Among so many of the latest operations an operation of ours is looked for."""

_LEVELS = """
        inventoryLevels { edges { node {
          item { id } location { id } quantities(names: ["available"]) { name quantity }
        } } }"""

_OPERATION = "id status errorCode objectCount rootObjectCount url partialDataUrl"

LOOK = Document(
    "bulkOperation",
    f"""
query LookAtBulkOperation($id: ID!) {{
  bulkOperation(id: $id) {{ {_OPERATION} }}
}}
""",
    points=1.0,
    nullable=True,
)

FIND = Document(
    "bulkOperations",
    f"""
query FindBulkOperations($first: Int!) {{
  bulkOperations(first: $first, query: "operation_type:query", sortKey: CREATED_AT, reverse: true) {{
    nodes {{ {_OPERATION} query }}
  }}
}}
""",
    points=connection_points(RECENT_OPERATIONS, 1),
)

START = Document(
    "bulkOperationRunQuery",
    f"""
mutation StartBulkQuery($query: String!) {{
  bulkOperationRunQuery(query: $query, groupObjects: false) {{
    bulkOperation {{ {_OPERATION} }}
    userErrors {{ code field message }}
  }}
}}
""",
    points=10.0,
    writes=True,
    changes_shop=False,
)

CANCEL = Document(
    "bulkOperationCancel",
    """
mutation CancelBulkOperation($id: ID!) {
  bulkOperationCancel(id: $id) {
    bulkOperation { id status }
    userErrors { field message }
  }
}
""",
    points=10.0,
    writes=True,
    changes_shop=False,
)

BULK_DOCUMENTS = (LOOK, FIND, START, CANCEL)


def name_of(pull_id: str) -> str:
    """Name the query of a pull: Shopify keeps the text of a query, so that it tells whose it is."""
    name = NAME_PREFIX + pull_id.replace("-", "")
    if not (name.isascii() and name.isidentifier()):
        raise ValueError(f"{pull_id!r} cannot be part of a query's name")
    return name


def is_named(query: object, name: str) -> bool:
    """Whether a query's text bears a name."""
    return isinstance(query, str) and query.split("{")[0].split() == ["query", name]


def query_of(wanted: BulkList, pull_id: str) -> str:
    """Write the query that gathers a list. A JSON string is a GraphQL string, too."""
    if isinstance(wanted.filter, ShopifyProductFilter):
        root, search = VARIANTS.root, variant_query(wanted.filter)
        fields = variant_fields(_LEVELS if wanted.with_levels else "")
    else:
        root, fields, search = CUSTOMERS.root, CUSTOMER_FIELDS, customer_query(wanted.filter)
    searched = "" if search is None else f"(query: {orjson.dumps(search).decode()})"
    return f"query {name_of(pull_id)} {{\n  {root}{searched} {{ edges {{ node {{\n      {fields}\n  }} }} }}\n}}\n"
