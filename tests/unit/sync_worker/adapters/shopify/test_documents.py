"""The documents and what they are taken to cost."""

from typing import cast

import pytest
from graphql import FieldNode, NoDeprecatedCustomRule, OperationDefinitionNode, parse, specified_rules, validate
from sync_worker.adapters.shopify.documents import (
    CUSTOMERS,
    MAX_REQUEST_POINTS,
    SET_QUANTITIES,
    VARIANTS,
    Document,
    all_documents,
    connection_points,
    items_at_once,
    quantities_document,
)
from sync_worker.adapters.stores_file import DEFAULT_API_VERSION

from tests.fakes.shopify_schema import PINNED, VERSIONS, shopify_schema


@pytest.mark.parametrize(
    ("rows", "factor"), [(1, 1), (2, 1), (3, 2), (5, 3), (10, 4), (25, 6), (50, 7), (100, 9), (200, 10), (250, 11)]
)
def test_a_connection_costs_by_the_logarithm_of_its_size(rows: int, factor: int) -> None:
    """Measured figures of Shopify's."""
    assert connection_points(rows, 3) == 2 + factor * 3


def test_pages_are_cheap() -> None:
    """250 variants or customers with what is nested in them cost 35 points."""
    assert (VARIANTS.estimate(1), CUSTOMERS.estimate(1)) == (35.0, 35.0)


@pytest.mark.parametrize("document", all_documents())
def test_every_document_is_graphql_about_its_root(document: Document) -> None:
    """It parses, has one root field, and only mutations write."""
    operation = parse(document.text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert [cast(FieldNode, field).name.value for field in operation.selection_set.selections] == [document.root]
    assert (operation.operation.value == "mutation") is document.writes


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", all_documents(), ids=lambda document: document.text.split("(")[0].split()[-1])
def test_every_document_is_one_of_shopifys_own_schema(document: Document, version: str) -> None:
    """In the version that stores speak and in the newest one, with no field or argument that is deprecated."""
    rules = [*specified_rules, NoDeprecatedCustomRule]
    assert validate(shopify_schema(version), parse(document.text), rules) == []


def test_the_version_that_is_checked_is_the_one_that_is_spoken() -> None:
    """A new default needs a schema to be held against."""
    assert PINNED == DEFAULT_API_VERSION


def test_the_key_stands_on_the_mutation() -> None:
    """The directive is the field's."""
    assert "inventorySetQuantities(input: $input) @idempotent(key: $key)" in SET_QUANTITIES.text


@pytest.mark.parametrize("locations", range(1, 21))
def test_read_backs_keep_below_what_a_request_may_cost(locations: int) -> None:
    """Shopify refuses a request of more than 1,000 points."""
    document, items = quantities_document(locations), items_at_once(locations)
    assert 1 <= items <= 250
    assert document.points + document.points_each * items < MAX_REQUEST_POINTS
