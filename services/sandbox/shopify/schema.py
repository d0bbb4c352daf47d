"""The schema with its resolvers, and documents parsed and checked against it, each once."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import cast

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)

from sandbox.shopify import reads
from sandbox.shopify.bulk import importing, showing, starting
from sandbox.shopify.inventory import set_quantities
from sandbox.shopify.metafields import set_metafields
from sandbox.shopify.pricing import update_variants
from sandbox.shopify.selections import fields_of

SDL = Path(__file__).with_name("schema.graphql")
RESOLVERS = {
    ("QueryRoot", "shop"): reads.shop,
    ("QueryRoot", "currentAppInstallation"): reads.installation,
    ("QueryRoot", "node"): reads.node,
    ("QueryRoot", "nodes"): reads.nodes,
    ("QueryRoot", "product"): reads.one("Product"),
    ("QueryRoot", "productVariant"): reads.one("ProductVariant"),
    ("QueryRoot", "customer"): reads.one("Customer"),
    ("QueryRoot", "inventoryItem"): reads.one("InventoryItem"),
    ("QueryRoot", "location"): reads.one("Location"),
    ("QueryRoot", "products"): reads.products,
    ("QueryRoot", "productVariants"): reads.variants,
    ("QueryRoot", "customers"): reads.customers,
    ("QueryRoot", "locations"): reads.locations,
    ("QueryRoot", "productsCount"): reads.count_of("products"),
    ("QueryRoot", "productVariantsCount"): reads.count_of("variants"),
    ("QueryRoot", "customersCount"): reads.count_of("customers"),
    ("QueryRoot", "bulkOperation"): showing.one,
    ("QueryRoot", "bulkOperations"): showing.many,
    ("QueryRoot", "currentBulkOperation"): showing.current,
    ("Product", "variants"): reads.product_variants,
    ("InventoryItem", "inventoryLevels"): reads.item_levels,
    ("Mutation", "inventorySetQuantities"): set_quantities,
    ("Mutation", "metafieldsSet"): set_metafields,
    ("Mutation", "productVariantsBulkUpdate"): update_variants,
    ("Mutation", "bulkOperationRunQuery"): starting.run_query,
    ("Mutation", "bulkOperationRunMutation"): importing.run_mutation,
    ("Mutation", "bulkOperationCancel"): starting.cancel,
    ("Mutation", "stagedUploadsCreate"): importing.stage_uploads,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that was read: its operation and fragments, or what is wrong with it. `root` is its first field."""

    text: str
    document: DocumentNode | None
    operation: OperationDefinitionNode | None
    fragments: dict[str, FragmentDefinitionNode]
    errors: list[GraphQLError]
    root: str


@cache
def schema() -> GraphQLSchema:
    """Build the schema."""
    built = build_schema(SDL.read_text(encoding="utf-8"))
    for (kind, field), resolve in RESOLVERS.items():
        owner = cast("GraphQLObjectType", built.type_map[kind])
        owner.fields[field].resolve = resolve
    return built


@lru_cache(maxsize=200)
def checked(text: str) -> Checked:
    """Read and check a document."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return Checked(text, None, None, {}, [error], "")
    errors = validate(schema(), document)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1:
        errors = [*errors, GraphQLError("exactly one operation must be given")]
    if errors:
        return Checked(text, document, None, {}, errors, "")
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    root = next(fields_of(operations[0].selection_set, fragments)).name.value
    return Checked(text, document, operations[0], fragments, [], root)
