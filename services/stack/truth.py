"""Compares what the services made of a store with what the sandbox knows to be true.

The truth comes from the sandbox's generator, which decided who is who before it wrote either vendor's rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from nhanhsync.client import Client
from nhanhsync.sync.v1 import catalog_pb2, operations_pb2, sync_worker_service_pb2

Json = Mapping[str, Any]
"""A document of the sandbox's control interface."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """One sentence that must be true, how many cases it was held against, and the cases that break it."""

    store: str
    sentence: str
    cases: int
    broken: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no case breaks it."""
        return not self.broken


class Sandbox:
    """The sandbox's control interface over HTTP."""

    def __init__(self, url: str) -> None:
        self._http = aiohttp.ClientSession(
            f"{url}/_sandbox/", timeout=aiohttp.ClientTimeout(total=60), raise_for_status=True
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def truth(self, store: str) -> Json:
        """Ask what is true of a store."""
        return await self._get("truth", store)

    async def state(self, store: str) -> Json:
        """Ask what Shopify holds now."""
        return await self._get("state", store)

    async def plan_faults(self, rules: list[dict[str, object]]) -> None:
        """Replace the fault plan."""
        async with self._http.put("faults", json={"rules": rules}):
            pass

    async def clear_faults(self) -> None:
        """End all faults."""
        async with self._http.delete("faults"):
            pass

    async def _get(self, document: str, store: str) -> Json:
        async with self._http.get(document, params={"store": store}) as answer:
            found: Json = await answer.json()
        return found


async def all_mappings(
    client: Client, store: str, entity: operations_pb2.Entity.ValueType
) -> list[catalog_pb2.Mapping]:
    """Read every mapping of a store and entity, page by page."""
    found: list[catalog_pb2.Mapping] = []
    token = ""
    while True:
        page = await client.sync.ListMappings(
            sync_worker_service_pb2.ListMappingsRequest(store_id=store, entity=entity, page_size=500, page_token=token)
        )
        found.extend(page.mappings)
        token = page.next_page_token
        if not token:
            return found


def check_links(store: str, what: str, truth: Json, mappings: Iterable[catalog_pb2.Mapping]) -> list[Check]:
    """Hold links against the truth: every pair that must be linked is linked or in review, and no other pair is."""
    links = {(mapping.nhanh_id, mapping.shopify_id): mapping.status for mapping in mappings}
    waiting = catalog_pb2.Mapping(status=operations_pb2.MAPPING_STATUS_PENDING_APPROVAL).status
    must = _pairs(truth["must_link"])
    review = _pairs(truth.get("link_or_review", ()))
    allowed = must | review
    return [
        Check(
            store,
            f"{what}: every pair that must be linked is linked or in review",
            len(allowed),
            _named(allowed - links.keys()),
        ),
        Check(
            store,
            f"{what}: pairs beyond doubt do not wait for review",
            len(must),
            _named(pair for pair in must if links.get(pair) == waiting),
        ),
        Check(store, f"{what}: no other pair is linked", len(links), _named(links.keys() - allowed)),
    ]


def check_stock(store: str, truth: Json, before: Json, after: Json) -> list[Check]:
    """Hold every location's stock against the truth, and everything else against what it was before."""
    expected = {(str(item), str(location)): int(quantity) for _, item, location, quantity in truth["stock"]}
    was, now = _quantities(before), _quantities(after)
    wrong = [
        f"{item} at {location}: {now.get((item, location))}, should be {quantity}"
        for (item, location), quantity in expected.items()
        if now.get((item, location)) != quantity
    ]
    touched = [
        f"{item} at {location}: {was[item, location]} became {now.get((item, location))}"
        for item, location in was.keys() - expected.keys()
        if now.get((item, location)) != was[item, location]
    ]
    return [
        Check(store, "stock: every location ends with what its depots can sell", len(expected), tuple(wrong)),
        Check(store, "stock: nothing else was touched", len(was.keys() - expected.keys()), tuple(touched)),
    ]


def check_spend(store: str, truth: Json, mappings: Iterable[catalog_pb2.Mapping], after: Json) -> list[Check]:
    """Hold every pushed spend against the truth; links in review and unknown spends are not pushed."""
    waiting = operations_pb2.MAPPING_STATUS_PENDING_APPROVAL
    linked = {(mapping.nhanh_id, mapping.shopify_id) for mapping in mappings if mapping.status != waiting}
    expected = {
        str(customer): int(spend) for nhanh, customer, spend in truth["spend"] if (str(nhanh), str(customer)) in linked
    }
    pushed = {str(customer): int(value) for customer, value in after["spends"].items() if value is not None}
    missing = [
        f"{customer}: {pushed.get(customer)}, should be {spend}"
        for customer, spend in expected.items()
        if pushed.get(customer) != spend
    ]
    return [
        Check(store, "spend: every linked customer has the spend that Nhanh knows", len(expected), tuple(missing)),
        Check(
            store,
            "spend: nobody else was given one",
            len(pushed),
            _named((c,) for c in pushed.keys() - expected.keys()),
        ),
    ]


def _pairs(rows: Iterable[Iterable[object]]) -> set[Pair]:
    pairs = set()
    for nhanh, shopify, *_ in rows:
        pairs.add((str(nhanh), str(shopify)))
    return pairs


def _quantities(state: Json) -> dict[Pair, int]:
    return {
        (item, location): int(quantity)
        for item, levels in state["quantities"].items()
        for location, quantity in levels.items()
    }


def _named(cases: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(" – ".join(case) for case in sorted(map(tuple, cases)))
