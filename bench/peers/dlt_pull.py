"""A dlt pipeline as its users write one: GraphQL pages merged into SQLite. Runs in an environment that has dlt.

`python dlt_pull.py LIST GRAPHQL_URL TOKEN FOLDER`; prints the rows counted back from SQLite, and the seconds of `pipeline.run`.
"""

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.helpers import requests

QUERIES = {
    "variants": """query Variants($after: String) { found: productVariants(first: 250, after: $after, sortKey: ID) {
      nodes { id title sku barcode price compareAtPrice inventoryQuantity updatedAt
              product { id title status } inventoryItem { id } }
      pageInfo { hasNextPage endCursor } } }""",
    "customers": """query Customers($after: String) { found: customers(first: 250, after: $after) {
      nodes { id firstName lastName note numberOfOrders updatedAt amountSpent { amount currencyCode }
              defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } defaultAddress { phone } }
      pageInfo { hasNextPage endCursor } } }""",
}


def pages(url: str, token: str, query: str) -> Iterator[list[dict[str, Any]]]:
    """Read page after page."""
    after = None
    while True:
        body = {"query": query, "variables": {"after": after}}
        answer = requests.post(url, json=body, headers={"X-Shopify-Access-Token": token})
        found = answer.json()["data"]["found"]
        yield found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def main(wanted: str, url: str, token: str, folder: Path) -> None:
    """Run the pipeline once, into a new database."""
    resource_of = dlt.resource(
        pages(url, token, QUERIES[wanted]), name=wanted, primary_key="id", write_disposition="merge"
    )
    database = folder / "dlt.db"
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.sqlalchemy(f"sqlite:///{database}"),
        dataset_name="shop",
    )
    began = time.perf_counter()
    pipeline.run(resource_of)
    seconds = time.perf_counter() - began
    rows = sqlite3.connect(folder / "dlt__shop.db").execute(f"SELECT count(*) FROM {wanted}").fetchone()[0]  # noqa: S608
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = {"rows": rows, "seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime}
    print(json.dumps(spent | {"peak_rss_mb": used.ru_maxrss / 1_000}))  # noqa: T201 - this line is the interface


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
