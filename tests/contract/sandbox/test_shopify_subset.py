"""The sandbox's schema held against Shopify's own: whoever is right here is right there."""

import graphql
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    is_required_argument,
    is_required_input_field,
)
from graphql.type import GraphQLArgument
from sandbox.shopify.schema import SDL, schema

from tests.fakes.shopify_schema import NEWEST, shopify_schema

OURS = {name: kind for name, kind in schema().type_map.items() if not name.startswith("__")}
DIRECTIVES = [each for each in schema().directives if not graphql.is_specified_directive(each)]
VERSION = "2026-07"
VERSIONS = (VERSION, NEWEST)
COUNTED = ("products", "productVariants", "customers")
GONE = {NEWEST: {"InventorySetQuantitiesUserErrorCode.ITEM_NOT_STOCKED_AT_LOCATION"}, VERSION: set()}
"""What a version does not have any more: the sandbox speaks the older one."""


def differing_arguments(where: str, ours: dict[str, GraphQLArgument], theirs: dict[str, GraphQLArgument]) -> list[str]:
    """List arguments that differ from Shopify's, or that Shopify asks for and the sandbox does not have."""
    found = [f"{where}({name})" for name in ours if name not in theirs]
    found += [f"{where}({name})" for name in theirs if is_required_argument(theirs[name]) and name not in ours]
    found += [
        f"{where}({name}): {given.type} = {given.default_value!r}, not {theirs[name].type} = {theirs[name].default_value!r}"
        for name, given in ours.items()
        if name in theirs
        and (str(given.type), given.default_value) != (str(theirs[name].type), theirs[name].default_value)
    ]
    return found


def differences(ours: GraphQLNamedType, theirs: GraphQLNamedType | None) -> list[str]:
    """List what a type has that Shopify's has not, or has in another way."""
    name = ours.name
    match ours, theirs:
        case GraphQLScalarType(), GraphQLScalarType():
            return []
        case GraphQLEnumType(), GraphQLEnumType():
            return [f"{name}.{value}" for value in ours.values if value not in theirs.values]
        case GraphQLInputObjectType(), GraphQLInputObjectType():
            found = [
                f"{name}.{field}: {given.type}"
                for field, given in ours.fields.items()
                if field not in theirs.fields
                or (str(given.type), given.default_value)
                != (str(theirs.fields[field].type), theirs.fields[field].default_value)
            ]
            needed = [field for field, given in theirs.fields.items() if is_required_input_field(given)]
            return found + [f"{name}.{field} is required" for field in needed if field not in ours.fields]
        case GraphQLObjectType() | GraphQLInterfaceType(), GraphQLObjectType() | GraphQLInterfaceType() if type(
            ours
        ) is type(theirs):
            known = {each.name for each in theirs.interfaces}
            found = [f"{name} implements {each.name}" for each in ours.interfaces if each.name not in known]
            for field, given in ours.fields.items():
                at_shopify = theirs.fields.get(field)
                if at_shopify is None or str(given.type) != str(at_shopify.type):
                    found.append(f"{name}.{field}: {given.type}")
                    continue
                found += differing_arguments(f"{name}.{field}", given.args, at_shopify.args)
                if (given.deprecation_reason is None) != (at_shopify.deprecation_reason is None):
                    found.append(f"{name}.{field} is deprecated in one only")
            return found
    return [f"{name} is another kind of type"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OURS)
def test_a_type_has_nothing_that_shopifys_has_not(name: str, version: str) -> None:
    """Fields, arguments with their defaults, values, nullability and what is deprecated are as Shopify has them."""
    found = differences(OURS[name], shopify_schema(version).type_map.get(name))
    assert [each for each in found if each not in GONE[version]] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_roots_and_directives_are_shopifys(version: str) -> None:
    """Their names too, and what a directive is asked with."""
    theirs = shopify_schema(version)
    for ours, there in ((schema().query_type, theirs.query_type), (schema().mutation_type, theirs.mutation_type)):
        assert ours is not None
        assert there is not None
        assert ours.name == there.name
    for directive in DIRECTIVES:
        at_shopify = theirs.get_directive(directive.name)
        assert at_shopify is not None
        assert differing_arguments(f"@{directive.name}", directive.args, at_shopify.args) == []
        assert set(directive.locations) <= set(at_shopify.locations)


def test_what_differs_is_found() -> None:
    """Nullability, arguments and defaults, values and fields: each is named."""
    text = SDL.read_text(encoding="utf-8")
    for right, wrong in (
        ("price: Money!", "price: Money"),
        ("location(id: ID): Location", "location(id: ID!): Location"),
        ("limit: Int = 10000", "limit: Int = 10"),
        ("  DRAFT\n", "  DRAFT\n  SOLD\n"),
        ("  note: String\n", "  note: String\n  shoeSize: Int\n"),
        ("  quantity: Int!\n  changeFromQuantity: Int\n", "  quantity: Int\n  changeFromQuantity: Int\n"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    altered = graphql.build_schema(text).type_map
    found = [each for name, kind in OURS.items() for each in differences(altered[name], kind)]
    counts = [f"QueryRoot.{name}Count(limit): Int = 10, not Int = 10000" for name in COUNTED]
    assert sorted(found) == sorted(
        [
            "ProductVariant.price: Money",
            "QueryRoot.location(id): ID! = Undefined, not ID = Undefined",
            *counts,
            "ProductStatus.SOLD",
            "Customer.shoeSize: Int",
            "InventoryQuantityInput.quantity: Int",
        ]
    )
