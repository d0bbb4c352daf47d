"""The short way of execution gives what the library's own way gives."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import ExecutionResult, execute
from sandbox.faults import FaultPlan
from sandbox.shopify.context import Call
from sandbox.shopify.execution import carry_out
from sandbox.shopify.gids import gid
from sandbox.shopify.idempotency import IdempotencyKeys
from sandbox.shopify.schema import checked, schema
from sandbox.shopify.shop import Metafield
from sandbox.world import StoreWorld

from tests.fakes.clock import SandboxClock

VARIANT = """
  __typename code: sku id legacyResourceId title displayName sku barcode price compareAtPrice inventoryQuantity updatedAt
  product { id title status hasOnlyDefaultVariant updatedAt variants(first: 3) { nodes { id } edges { cursor node { id } } } }
  inventoryItem {
    id sku tracked variant { id }
    inventoryLevel(locationId: "gid://shopify/Location/64000000007") {
      id isActive quantities(names: ["available"]) { name quantity }
    }
    inventoryLevels(first: 9) { nodes { item { id } location { id name isActive } } pageInfo { hasNextPage } }
  }
"""
CUSTOMER = """
  id legacyResourceId firstName lastName displayName note numberOfOrders amountSpent { amount currencyCode }
  defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } defaultAddress { id phone } updatedAt
  metafield(key: "total_spent") { id namespace key type value }
"""
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Customer { note } ... on Location { name } } }"


def call_of(store: StoreWorld) -> Call:
    """Make a call to a store's shop."""
    return Call(store.shop, FaultPlan(), store.history, IdempotencyKeys(), SandboxClock())


def both(store: StoreWorld, document: str, **variables: Any) -> tuple[ExecutionResult, ExecutionResult]:
    """Execute a document both ways."""
    found = checked(document)
    assert found.errors == []
    assert found.document is not None
    slow = execute(schema(), found.document, context_value=call_of(store), variable_values=variables)
    assert isinstance(slow, ExecutionResult)
    return carry_out(found.document, variables, call_of(store)), slow


@pytest.mark.parametrize(
    "document",
    [
        f"{{ productVariants(first: 250) {{ nodes {{ {VARIANT} }} {PAGE} }} }}",
        f"{{ customers(first: 250) {{ edges {{ cursor node {{ {CUSTOMER} }} }} {PAGE} }} }}",
        "{ __typename shop { name currencyCode } customersCount { count precision } __schema { queryType { name } } }",
    ],
)
def test_every_field_has_the_same_value_either_way(store: StoreWorld, document: str) -> None:
    """Texts, numbers, nulls, lists, and whatever has a resolver; in the same order."""
    customer = next(iter(store.shop.customers.values()))
    customer.metafields["custom", "total_spent"] = Metafield("number_integer", "1500")
    quick, slow = both(store, document)
    assert quick.errors is slow.errors is None
    assert str(quick.data) == str(slow.data)


def test_things_of_several_kinds_are_the_same_either_way(store: StoreWorld) -> None:
    """Nulls among them."""
    ids = [gid("Customer", store.shop.customers.ids[0]), gid("Customer", 1), gid("Location", 64_000_000_007), "x"]
    quick, slow = both(store, NODES, ids=ids)
    assert quick.data == slow.data
    assert quick.data is not None
    assert [each is None for each in quick.data["nodes"]] == [False, True, False, True]


def test_a_null_that_may_not_be_is_an_error_either_way(store: StoreWorld) -> None:
    """The short way hands it to the library, which says where it is."""
    variant = store.shop.variants.ids[0]
    store.shop.variants[variant] = replace(store.shop.variants[variant], title=None)  # type: ignore[arg-type]
    quick, slow = both(store, "{ productVariants(first: 1) { nodes { id title } } }")
    assert quick.data is slow.data is None
    assert quick.errors is not None
    assert slow.errors is not None
    assert [error.formatted for error in quick.errors] == [error.formatted for error in slow.errors]
    assert quick.errors[0].path == ["productVariants", "nodes", 0, "title"]
