"""Shopify's bulk operations: found, started, looked at, cancelled and read."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from sync_worker.adapters.row_thread import in_row_thread
from sync_worker.adapters.shopify.answers import said
from sync_worker.adapters.shopify.attempts import Attempts
from sync_worker.adapters.shopify.bulk_documents import (
    CANCEL,
    FIND,
    LOOK,
    RECENT_OPERATIONS,
    START,
    is_named,
    name_of,
    query_of,
)
from sync_worker.adapters.shopify.bulk_download import Download
from sync_worker.adapters.shopify.bulk_lines import chunk_of
from sync_worker.adapters.shopify.documents import CUSTOMERS, PAGE_ROWS
from sync_worker.adapters.shopify.gid import gid, number_of
from sync_worker.adapters.shopify.search import customer_query
from sync_worker.adapters.shopify.transport import Request
from sync_worker.application.ports.shopify_bulk import (
    BulkChunk,
    BulkFilter,
    BulkList,
    BulkOperation,
    BulkPosition,
    BulkState,
    SlotsTaken,
    UnusableResult,
)
from sync_worker.domain.failures import MalformedAnswer, VendorRefusal
from sync_worker.domain.requests import ShopifyCustomerFilter

KIND = "BulkOperation"

_SLOTS_TAKEN = frozenset({"LIMIT_REACHED", "OPERATION_IN_PROGRESS"})


class BulkClient:
    """`ShopifyBulk` over HTTP."""

    def __init__(self, attempts: Attempts, download: Download) -> None:
        self._attempts = attempts
        self._download = download

    async def find(self, pull_id: str) -> BulkOperation | None:
        """Look among the latest operations for one whose query bears the pull's name."""
        connection = await self._attempts.read(Request(FIND, {"first": RECENT_OPERATIONS}))
        listed = connection.get("nodes") if isinstance(connection, Mapping) else None
        if not isinstance(listed, list):
            raise MalformedAnswer("shopify", "the list of bulk operations is no list")
        name = name_of(pull_id)
        for each in listed:
            if isinstance(each, Mapping) and is_named(each.get("query"), name):
                operation = _operation(each)
                if operation.state.promising:
                    return operation
        return None

    async def start(self, wanted: BulkList, pull_id: str) -> BulkOperation | SlotsTaken:
        """Start an operation whose query bears the pull's name."""
        await self._try_search(wanted.filter)
        payload = await self._attempts.start(Request(START, {"query": query_of(wanted, pull_id)}))
        errors = _user_errors(payload)
        for code, message in errors:
            if code in _SLOTS_TAKEN:
                return SlotsTaken(message)
        if errors:
            raise VendorRefusal("shopify", errors[0][0], f"Shopify does not start the bulk operation: {errors[0][1]}")
        return _operation(payload.get("bulkOperation") if isinstance(payload, Mapping) else None)

    async def look(self, operation_id: int) -> BulkOperation | None:
        """Look an operation up."""
        found = await self._attempts.read(Request(LOOK, {"id": gid(KIND, operation_id)}))
        if found is None:
            return None
        operation = _operation(found)
        if operation.operation_id != operation_id:
            raise MalformedAnswer("shopify", "one bulk operation was asked for, and another answered")
        return operation

    async def cancel(self, operation_id: int) -> None:
        """Have an operation cancelled; one that has ended meanwhile is refused by Shopify, which is as good."""
        _user_errors(await self._attempts.start(Request(CANCEL, {"id": gid(KIND, operation_id)})))

    async def read(
        self, operation: BulkOperation, wanted: BulkList, position: BulkPosition
    ) -> AsyncGenerator[BulkChunk, None]:
        """Stream the result; its lines are read in a thread, since a chunk of them takes milliseconds."""

        async def fresh() -> str:
            known = await self.look(operation.operation_id)
            if known is None or known.url is None:
                state = "unknown" if known is None else known.state.value
                raise UnusableResult("BULK_RESULT_GONE", f"the result of a bulk operation is gone: it is {state}")
            return known.url

        url = operation.url or await fresh()
        async with aclosing(self._download.lines(url, fresh, position.offset)) as parts:
            async for lines in parts:
                chunk = await in_row_thread(chunk_of, lines, wanted, position)
                position = chunk.behind
                yield chunk

    async def _try_search(self, wanted: BulkFilter) -> None:
        """Have a user's own search looked at first: a bulk operation passes over what Shopify does not understand of it."""
        if isinstance(wanted, ShopifyCustomerFilter) and wanted.search.strip():
            search = {"query": customer_query(wanted), "sortKey": "ID"}
            await self._attempts.read(Request(CUSTOMERS, {**search, "first": PAGE_ROWS, "after": None}))


def _operation(given: object) -> BulkOperation:
    if not isinstance(given, Mapping):
        raise MalformedAnswer("shopify", "a bulk operation is no JSON object")
    state, url, error_code = given.get("status"), given.get("url"), given.get("errorCode")
    if state not in list(BulkState):
        raise MalformedAnswer("shopify", f"a bulk operation is in a state that is not known: {said(state)}")
    return BulkOperation(
        number_of(given.get("id"), KIND),
        BulkState(state),
        objects=_count(given, "objectCount"),
        roots=_count(given, "rootObjectCount"),
        url=url if isinstance(url, str) and url else None,
        error_code=error_code if isinstance(error_code, str) else None,
        partial=given.get("partialDataUrl") is not None,
    )


def _count(given: Mapping[str, object], name: str) -> int:
    found = str(given.get(name))
    if not (found.isascii() and found.isdecimal()):
        raise MalformedAnswer("shopify", f"the {name} of a bulk operation cannot be read")
    return int(found)


def _user_errors(payload: object) -> list[tuple[str, str]]:
    errors = payload.get("userErrors") if isinstance(payload, Mapping) else None
    if not isinstance(errors, list):
        raise MalformedAnswer("shopify", "the answer to a bulk operation has no userErrors")
    found = []
    for error in errors:
        code, message = (error.get("code"), error.get("message")) if isinstance(error, Mapping) else (None, error)
        found.append((code if isinstance(code, str) and code else "USER_ERROR", said(message)))
    return found
