"""Singer's tap-shopify, into a file of JSON lines. Runs in an environment that has tap-shopify.

`python tap_pull.py LIST SHOP_URL TOKEN FOLDER`; prints the records counted back from the file, and the seconds of the sync.
The tap has no setting for another address, asks for the shop by REST, and for the app's scopes: these three are answered here.
Of its fields only those are selected that the sandbox has, which are fewer than SyncWorker reads: that is in its favour. It
cannot select within `inventoryItem` and `defaultAddress`, and the sandbox has not all that it asks for there.
"""

import contextlib
import json
import logging
import resource
import sys
import time
from pathlib import Path
from typing import Any

import shopify
import singer
import tap_shopify
from tap_shopify.context import Context

STREAMS = {"variants": "product_variants", "customers": "customers"}
FIELDS = {
    "product_variants": [
        *("id", "barcode", "compareAtPrice", "displayName", "inventoryQuantity", "price", "sku", "title", "updatedAt"),
        "product",
    ],
    "customers": ["id", "firstName", "lastName", "note", "numberOfOrders", "updatedAt", "amountSpent", "displayName"],
}
SHOP = {"id": 1, "name": "shop", "myshopify_domain": "shop.myshopify.com"}


def main(wanted: str, url: str, token: str, folder: Path) -> None:
    """Sync one stream in one window of time, since each empty window would cost the tap a request."""
    stream = STREAMS[wanted]
    Context.config = {"shop": "shop", "start_date": "2020-01-01T00:00:00Z", "date_window_size": "3650"}
    shopify.Session.site = property(lambda _session: f"{url}/admin/api/2025-07")
    shopify.ShopifyResource.activate_session(shopify.Session("shop", "2025-07", token))
    tap_shopify.initialize_shopify_client = lambda: SHOP
    tap_shopify.fetch_app_scopes = lambda: {"read_users"}
    Context.catalog = {
        "streams": [selected(each) for each in tap_shopify.discover()["streams"] if each["stream"] == stream]
    }
    singer.get_logger().setLevel(logging.WARNING)
    began = time.perf_counter()
    with (folder / "records.jsonl").open("w") as sink, contextlib.redirect_stdout(sink):
        tap_shopify.sync()
    seconds = time.perf_counter() - began
    with (folder / "records.jsonl").open() as lines:
        rows = sum(json.loads(line)["type"] == "RECORD" for line in lines)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = {"rows": rows, "seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime}
    print(json.dumps(spent | {"peak_rss_mb": used.ru_maxrss / 1_000}))  # noqa: T201 - this line is the interface


def selected(entry: dict[str, Any]) -> dict[str, Any]:
    """Select a stream and some of its fields in a catalog's entry, as its user would."""
    for each in entry["metadata"]:
        place = each["breadcrumb"]
        each["metadata"]["selected"] = not place or place[-1] in FIELDS[entry["stream"]]
    return entry


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
