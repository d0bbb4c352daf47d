"""Documents are read and checked once, and named by the field that they begin with."""

import pytest
from sandbox.shopify.schema import checked


@pytest.mark.parametrize(
    "document",
    [
        "{ customers(first: 1) { nodes { id } } shop { name } }",
        "query Named { mine: customers(first: 1) { nodes { id } } }",
        "{ ... on QueryRoot { customers(first: 1) { nodes { id } } } shop { name } }",
        "{ ...Outer } fragment Outer on QueryRoot { ...Inner } "
        "fragment Inner on QueryRoot { customers(first: 1) { nodes { id } } }",
    ],
)
def test_a_document_is_named_by_its_first_field(document: str) -> None:
    """Not by its alias, its operation, or a fragment: rules of the fault plan are about fields."""
    found = checked(document)
    assert found.errors == []
    assert found.root == "customers"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "Syntax Error"),
        ("{ customers(first: 1) { nodes { colour } } }", "Cannot query field 'colour' on type 'Customer'"),
        ("query A { shop { name } } query B { shop { name } }", "exactly one operation"),
        ("fragment F on Shop { name }", "exactly one operation"),
        ("{ shop { name @idempotent } }", "argument 'key' of type 'String!' is required"),
    ],
)
def test_what_is_wrong_is_said(document: str, message: str) -> None:
    """And there is nothing to carry out."""
    found = checked(document)
    assert any(message in error.message for error in found.errors)
    assert found.operation is None


def test_a_document_is_read_once() -> None:
    """The same text is the same object."""
    text = "{ shop { name currencyCode } }"
    assert checked(text) is checked("".join(text))
