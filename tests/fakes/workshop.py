"""A worker's workshop in which a test decides what an operation does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, OperationResult
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.shopify import BatchOutcome, Shopify, SpendChange
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.ports.vendors import Vendors
from sync_worker.application.ports.work_queue import ClaimedJob, WorkQueue
from sync_worker.application.runner.attempt import Workshop
from sync_worker.domain.failures import CatalogUnavailable, OperationFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import NhanhProductFilter, OperationRequest, PullMode, PullRequest
from sync_worker.domain.stores import Store

from tests.fakes.stores import a_store

REQUEST = PullRequest(PullMode.FULL, NhanhProductFilter())

Work = Callable[[JobContext, Vendors], Awaitable[OperationResult]]


class NoVendors:
    """Vendors that no operation may open."""

    def nhanh(self, store: Store, gate: CallGate) -> Nhanh:
        """Refuse."""
        raise AssertionError("this test has no vendors")

    def shopify(self, store: Store, gate: CallGate) -> Shopify:
        """Refuse."""
        raise AssertionError("this test has no vendors")


@dataclass
class SlowShopify:
    """A Shopify that answers a write when the test says so. `turn` is waited for before the gate, as a limiter does."""

    gate: CallGate
    turn: Callable[[], Awaitable[object]]
    answer: Callable[[], Awaitable[object]]
    metrics: VendorMetrics = field(default_factory=VendorMetrics)
    applied: list[SpendChange] = field(default_factory=list)

    async def set_spends(self, changes: list[SpendChange]) -> BatchOutcome:
        """Wait for the turn, pass the gate, wait for the answer, apply."""
        await self.turn()
        await self.gate.pass_through(15.0)
        await self.answer()
        self.applied.extend(changes)
        return BatchOutcome(applied=True, refusals={})


@dataclass
class OneShopify:
    """Vendors with one Shopify, made for the gate that it is opened with."""

    make: Callable[[CallGate], SlowShopify]
    opened: list[SlowShopify] = field(default_factory=list)

    def nhanh(self, store: Store, gate: CallGate) -> Nhanh:
        """Refuse."""
        raise AssertionError("this test has no Nhanh")

    def shopify(self, store: Store, gate: CallGate) -> Shopify:
        """Open it."""
        self.opened.append(self.make(gate))
        return self.opened[-1]  # type: ignore[return-value]  # it answers the one call that the test makes


class CatalogAwayError(Exception):
    """Stands for a fault of the database."""


def a_workshop(
    queue: WorkQueue,
    clock: Clock,
    work: Work,
    *,
    vendors: Vendors | None = None,
    read: Callable[[], Awaitable[object]] | None = None,
) -> Workshop:
    """A workshop whose every operation is `work`; it knows the store hanoi and the type PULL_NHANH_PRODUCTS.

    What a job asks for takes as long to read as `read` does.
    """

    async def operate(
        job: JobContext, operation: Operation, request: OperationRequest, vendors: Vendors
    ) -> OperationResult:
        assert (operation, request) == (Operation.PULL_NHANH_PRODUCTS, REQUEST)
        return await work(job, vendors)

    async def read_request(job: ClaimedJob) -> tuple[Operation, OperationRequest]:
        if read is not None:
            await read()
        if job.params:
            raise OperationFailure("INVALID_PARAMS", "params are not understood", retryable=False)
        return Operation(job.type), REQUEST

    def translate(error: Exception) -> OperationFailure | None:
        if isinstance(error, CatalogAwayError):
            return CatalogUnavailable(str(error))
        return None

    return Workshop(
        queue=queue,
        stores={"hanoi": a_store()},
        vendors=lambda _traffic: vendors or NoVendors(),
        operate=operate,
        read_request=read_request,
        translate=translate,
        clock=clock,
        uniform=lambda _low, high: high,
    )
