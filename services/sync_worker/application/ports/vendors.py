"""Where an operation gets its vendors from."""

from typing import Protocol

from sync_worker.application.ports.call_gate import CallGate
from sync_worker.application.ports.nhanh import Nhanh
from sync_worker.application.ports.shopify import Shopify
from sync_worker.domain.stores import Store


class Vendors(Protocol):
    """Opens vendor clients for a job; limiters are shared by all workers of an account."""

    def nhanh(self, store: Store, gate: CallGate) -> Nhanh:
        """Open the store's Nhanh business."""
        ...

    def shopify(self, store: Store, gate: CallGate) -> Shopify:
        """Open the store's Shopify shop."""
        ...
