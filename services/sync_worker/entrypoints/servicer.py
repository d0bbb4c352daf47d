"""SyncWorker's calls: convert, call, convert. What is raised is refused by the interceptor's error table."""

from typing import Any

from chassis.auth import current_caller
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb
from nhanhsync.sync.v1 import sync_worker_service_pb2_grpc as pb_grpc

from sync_worker.application.ports.listings import (
    Listings,
    MappingPlace,
    MappingQuestion,
    PullPlaces,
    UnmatchedPlace,
    UnmatchedQuestion,
)
from sync_worker.application.refusals import StoreNotFound
from sync_worker.application.reset_pulls import reset_pulls
from sync_worker.application.start_operation import Starter
from sync_worker.application.store_check.check_store import Checker, check_store
from sync_worker.domain.mappings import Entity, Side
from sync_worker.entrypoints import choices
from sync_worker.entrypoints.check_messages import check_message
from sync_worker.entrypoints.messages import mapping_message, store_message, unmatched_message
from sync_worker.entrypoints.page_tokens import page_place, page_token
from sync_worker.entrypoints.reading import Reader
from sync_worker.entrypoints.starts import Context, StartCalls


class SyncWorkerServicer(StartCalls, pb_grpc.SyncWorkerServicer):
    """Answers the contract's calls."""

    def __init__(self, starter: Starter, listings: Listings, places: PullPlaces, checker: Checker) -> None:
        super().__init__(starter)
        self._stores = starter.stores
        self._tracker = starter.tracker
        self._listings = listings
        self._places = places
        self._checker = checker

    async def ListStores(self, _request: pb.ListStoresRequest, _context: Context) -> pb.ListStoresResponse:  # noqa: N802
        """List the caller's stores."""
        caller = current_caller()
        stores = [store for store_id, store in sorted(self._stores.items()) if caller.owns(store_id)]
        return pb.ListStoresResponse(stores=[store_message(store) for store in stores])

    async def CheckStore(self, request: pb.CheckStoreRequest, _context: Context) -> pb.CheckStoreResponse:  # noqa: N802
        """Test a store's connections."""
        read = Reader(request)
        store_id = read.text("store_id")
        read.refuse_faults()
        return check_message(await check_store(self._checker, store_id))

    async def ListMappings(self, request: pb.ListMappingsRequest, _context: Context) -> pb.ListMappingsResponse:  # noqa: N802
        """List mappings."""
        read = Reader(request)
        question = MappingQuestion(
            store_id=read.text("store_id"),
            entity=read.choice("entity", {0: None, **choices.ENTITIES}),
            statuses=read.choices("statuses", choices.STATUSES),
        )
        size, token = read.number("page_size"), read.text("page_token")
        read.refuse_faults()
        place: Any = page_place(request, token, (int, Entity))
        self._must_be_known(question.store_id)
        after = None if place is None else MappingPlace(*place)
        found = await self._listings.mappings(question, after=after, limit=size + 1)
        following = ""
        if len(found) > size:
            last = found[size - 1]
            following = page_token(request, MappingPlace(last.nhanh_id, last.entity))
        return pb.ListMappingsResponse(
            mappings=[mapping_message(mapping) for mapping in found[:size]], next_page_token=following
        )

    async def ListUnmatched(self, request: pb.ListUnmatchedRequest, _context: Context) -> pb.ListUnmatchedResponse:  # noqa: N802
        """List what the last match left alone."""
        read = Reader(request)
        entity = read.choice("entity", choices.ENTITIES)
        question = UnmatchedQuestion(
            store_id=read.text("store_id"),
            entity=entity or Entity.PRODUCTS,
            side=read.choice("side", {0: None, **choices.SIDES}),
            reason=read.choice("reason", {0: None, **choices.REASONS}),
        )
        size, token = read.number("page_size"), read.text("page_token")
        read.refuse_faults()
        place: Any = page_place(request, token, (Side, int))
        self._must_be_known(question.store_id)
        after = None if place is None else UnmatchedPlace(*place)
        found = await self._listings.unmatched(question, after=after, limit=size + 1)
        following = ""
        if len(found) > size:
            last = found[size - 1]
            following = page_token(request, UnmatchedPlace(last.side, last.vendor_id))
        rows = [unmatched_message(row, question.entity) for row in found[:size]]
        return pb.ListUnmatchedResponse(rows=rows, next_page_token=following)

    async def ResetPullCheckpoint(  # noqa: N802
        self, request: pb.ResetPullCheckpointRequest, _context: Context
    ) -> pb.ResetPullCheckpointResponse:
        """Forget how far unfinished pulls had come."""
        read = Reader(request)
        store_id = read.text("store_id")
        operations = read.choice("operation", choices.PULL_OPERATIONS) or ()
        read.refuse_faults()
        self._must_be_known(store_id)
        cleared = await reset_pulls(store_id, operations, tracker=self._tracker, places=self._places)
        return pb.ResetPullCheckpointResponse(cleared=cleared)

    def _must_be_known(self, store_id: str) -> None:
        if store_id not in self._stores:
            raise StoreNotFound(store_id)
