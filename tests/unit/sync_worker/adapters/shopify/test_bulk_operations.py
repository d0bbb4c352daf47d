"""Bulk operations as the client finds, starts, looks at and cancels them."""

import httpx
import pytest
from graphql import FieldNode, OperationDefinitionNode, StringValueNode, parse, specified_rules, validate, visit
from graphql.language import Visitor
from graphql.validation import NoDeprecatedCustomRule
from sync_worker.adapters.shopify.bulk_documents import BULK_DOCUMENTS, query_of
from sync_worker.adapters.shopify.documents import Document
from sync_worker.application.ports.shopify_bulk import BulkList, BulkState, SlotsTaken
from sync_worker.domain.failures import AccessRefused, MalformedAnswer, VendorRefusal, VendorUnavailable
from sync_worker.domain.requests import ShopifyCustomerFilter, ShopifyProductFilter

from tests.fakes.shopify_http import ScriptedShop, answer, errors, throttled
from tests.fakes.shopify_schema import VERSIONS, shopify_schema

PULL = "0190aaaa-bbbb-7ccc-dddd-eeeeffff0000"
NAME = "NhanhsyncPull_0190aaaabbbb7cccddddeeeeffff0000"
SEARCHED = ShopifyCustomerFilter('note:"a \\ b" OR tag:"Việt\n}"', 1_780_000_000)
LISTS = [
    BulkList(ShopifyProductFilter()),
    BulkList(ShopifyProductFilter(), with_levels=True),
    BulkList(ShopifyProductFilter(("active",), 1_780_000_000)),
    BulkList(ShopifyCustomerFilter()),
    BulkList(SEARCHED),
]


def an_operation(**given: object) -> dict[str, object]:
    """An operation as Shopify tells of it."""
    return {
        "id": "gid://shopify/BulkOperation/7",
        "status": "RUNNING",
        "errorCode": None,
        "objectCount": "12",
        "rootObjectCount": "11",
        "url": None,
        "partialDataUrl": None,
        "query": f"query {NAME} {{ customers {{ edges {{ node {{ id }} }} }} }}",
    } | given


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", BULK_DOCUMENTS, ids=lambda document: document.root)
def test_what_is_sent_is_one_of_shopifys_own_schema(document: Document, version: str) -> None:
    """In the version that stores speak and in the newest one, with nothing that is deprecated."""
    rules = [*specified_rules, NoDeprecatedCustomRule]
    assert validate(shopify_schema(version), parse(document.text), rules) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wanted", LISTS)
def test_what_shopify_runs_is_one_of_its_own_schema(wanted: BulkList, version: str) -> None:
    """Its text is sent as a value, and validated by itself."""
    rules = [*specified_rules, NoDeprecatedCustomRule]
    assert validate(shopify_schema(version), parse(query_of(wanted, PULL)), rules) == []


@pytest.mark.parametrize("wanted", LISTS)
def test_what_shopify_runs_keeps_to_its_rules_for_bulk_queries(wanted: BulkList) -> None:
    """One root field; lists by edges; no page size, no order, no page info, no variables; the pull's name."""
    document = parse(query_of(wanted, PULL))
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == NAME
    assert len(operation.selection_set.selections) == 1
    assert not operation.variable_definitions
    arguments: set[str] = set()
    fields: set[str] = set()

    class Looking(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            fields.add(node.name.value)
            arguments.update(argument.name.value for argument in node.arguments)

    visit(document, Looking())
    assert arguments <= ({"query", "names"} if wanted.with_levels else {"query"})
    assert {"edges", "node"} <= fields
    assert not fields & {"nodes", "pageInfo", "cursor"}


def test_a_search_stands_in_the_text_as_it_is() -> None:
    """Quotes, backslashes and line feeds do not end it."""
    found: list[str] = []

    class Looking(Visitor):
        def enter_string_value(self, node: StringValueNode, *_: object) -> None:
            found.append(node.value)

    visit(parse(query_of(BulkList(SEARCHED), PULL)), Looking())
    assert found == [f"updated_at:>='2026-05-28T20:26:40Z' AND ({SEARCHED.search})"]


def test_a_name_is_a_name() -> None:
    """Whatever the id of a pull is, nothing of it becomes part of the query."""
    with pytest.raises(ValueError, match="cannot be part"):
        query_of(BulkList(ShopifyProductFilter()), "1 { shop { id } } query x")


async def test_an_operation_is_looked_at() -> None:
    """Its counts are strings."""
    shop = ScriptedShop(
        [answer({"bulkOperation": an_operation(partialDataUrl="https://files.test/1", errorCode="TIMEOUT")})]
    )
    operation = await shop.client.bulk.look(7)
    assert operation is not None
    assert (operation.operation_id, operation.state, operation.objects, operation.roots) == (
        7,
        BulkState.RUNNING,
        12,
        11,
    )
    assert (operation.url, operation.error_code, operation.partial) == (None, "TIMEOUT", True)
    assert shop.variables == {"id": "gid://shopify/BulkOperation/7"}


async def test_an_unknown_operation_is_none() -> None:
    """Null is an answer; its absence is none."""
    shop = ScriptedShop([answer({"bulkOperation": None}), answer({})])
    assert await shop.client.bulk.look(7) is None
    with pytest.raises(MalformedAnswer):
        await shop.client.bulk.look(7)


@pytest.mark.parametrize(
    "given",
    [
        {"id": "gid://shopify/BulkOperation/8"},
        {"id": None},
        {"status": "DONE"},
        {"objectCount": None},
        {"rootObjectCount": "-1"},
    ],
)
async def test_an_operation_that_cannot_be_read_is_not_made_up(given: dict[str, object]) -> None:
    """Another one than was asked for included."""
    shop = ScriptedShop([answer({"bulkOperation": an_operation(**given)})])
    with pytest.raises(MalformedAnswer):
        await shop.client.bulk.look(7)


@pytest.mark.parametrize("state", ["CREATED", "RUNNING", "COMPLETED"])
async def test_ours_is_found_by_its_name(state: str) -> None:
    """The latest that may have a result; others, and those of other pulls, are passed over."""
    nodes = [
        an_operation(id="gid://shopify/BulkOperation/9", query="query Other { customers { edges { node { id } } } }"),
        an_operation(
            id="gid://shopify/BulkOperation/8", query=f"query {NAME}1 {{ customers {{ edges {{ node {{ id }} }} }} }}"
        ),
        an_operation(id="gid://shopify/BulkOperation/7", status="CANCELED"),
        an_operation(id="gid://shopify/BulkOperation/6", query=f"# {NAME}\nquery Other {{ customers {{ id }} }}"),
        an_operation(id="gid://shopify/BulkOperation/5", status=state),
        an_operation(id="gid://shopify/BulkOperation/4", status="COMPLETED"),
    ]
    shop = ScriptedShop([answer({"bulkOperations": {"nodes": nodes}})])
    found = await shop.client.bulk.find(PULL)
    assert found is not None
    assert (found.operation_id, found.state) == (5, state)


async def test_none_of_ours_is_none() -> None:
    """And a list that is none is no empty list."""
    shop = ScriptedShop([answer({"bulkOperations": {"nodes": []}}), answer({"bulkOperations": {}})])
    assert await shop.client.bulk.find(PULL) is None
    with pytest.raises(MalformedAnswer):
        await shop.client.bulk.find(PULL)


def a_start(operation: object = None, *refused: tuple[str | None, str]) -> httpx.Response:
    """An answer to a start."""
    user_errors = [{"code": code, "field": None, "message": message} for code, message in refused]
    return answer({"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": user_errors}})


async def test_an_operation_is_started() -> None:
    """By a query that bears the pull's name, ungrouped; a rate limit is waited out."""
    shop = ScriptedShop([throttled(10, 0), a_start(an_operation(status="CREATED"))])
    operation = await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL)
    assert not isinstance(operation, SlotsTaken)
    assert (operation.operation_id, operation.state) == (7, BulkState.CREATED)
    assert shop.variables["query"].startswith(f"query {NAME} {{")
    assert "groupObjects: false" in shop.asked[-1]["query"]


@pytest.mark.parametrize("code", ["LIMIT_REACHED", "OPERATION_IN_PROGRESS"])
async def test_taken_slots_are_no_failure(code: str) -> None:
    """Whoever waits for one decides how long."""
    shop = ScriptedShop([a_start(None, (code, "5 are running"))])
    assert await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL) == SlotsTaken("5 are running")


async def test_a_query_that_shopify_does_not_run_is_refused() -> None:
    """Trying again cannot help."""
    shop = ScriptedShop([a_start(None, ("INVALID", "Invalid bulk query"))])
    with pytest.raises(VendorRefusal, match="Invalid bulk query"):
        await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL)


async def test_a_start_that_says_nothing_is_not_taken_for_one() -> None:
    """Neither an operation nor an error."""
    shop = ScriptedShop([a_start(None)])
    with pytest.raises(MalformedAnswer):
        await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL)


async def test_a_start_that_is_denied_is_for_a_person() -> None:
    """The app lacks a scope."""
    shop = ScriptedShop([errors("ACCESS_DENIED", data=None)])
    with pytest.raises(AccessRefused):
        await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL)


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("late"), httpx.Response(502), httpx.Response(200, content=b"<html>")]
)
async def test_a_start_without_an_answer_is_not_made_again(lost: httpx.Response | Exception) -> None:
    """It may have started something, which has to be looked for first."""
    shop = ScriptedShop([lost, a_start(an_operation())])
    with pytest.raises(VendorUnavailable) as failed:
        await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL)
    assert failed.value.outcome_unknown
    assert len(shop.asked) == 1


async def test_a_start_that_never_left_is_made_again() -> None:
    """Nothing can have been started."""
    shop = ScriptedShop([httpx.ConnectError("no"), a_start(an_operation())])
    assert not isinstance(await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL), SlotsTaken)


async def test_a_search_of_ones_own_is_tried_first() -> None:
    """A bulk operation would pass over what Shopify does not understand of it, and gather everybody."""
    body = {"data": {"customers": {"nodes": [], "pageInfo": {"hasNextPage": False}}}}
    warning = {
        "search": [
            {"path": ["customers"], "query": "nmae:x", "warnings": [{"field": "nmae", "message": "Invalid field"}]}
        ]
    }
    shop = ScriptedShop([httpx.Response(200, json={**body, "extensions": warning})])
    with pytest.raises(VendorRefusal) as failed:
        await shop.client.bulk.start(BulkList(ShopifyCustomerFilter("nmae:x")), PULL)
    assert failed.value.code == "INVALID_SEARCH"
    assert len(shop.asked) == 1


async def test_starting_to_read_is_no_writing() -> None:
    """Under a version that nobody asked for nothing is written, and reading goes on."""
    shop = ScriptedShop([a_start(an_operation())])
    shop.session.versions.see({"x-shopify-api-version": "2099-01"})
    assert not isinstance(await shop.client.bulk.start(BulkList(ShopifyProductFilter()), PULL), SlotsTaken)


async def test_a_cancel_that_comes_too_late_is_none() -> None:
    """The operation has ended, which is as good."""
    refusal = {"bulkOperation": None, "userErrors": [{"field": ["id"], "message": "has already completed"}]}
    shop = ScriptedShop([answer({"bulkOperationCancel": refusal})])
    await shop.client.bulk.cancel(7)
    assert shop.variables == {"id": "gid://shopify/BulkOperation/7"}
