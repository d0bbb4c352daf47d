"""Facts about the vendors' clients of a process."""

import pytest
from sync_worker.adapters.nhanh.client import NhanhClient
from sync_worker.adapters.shopify.client import ShopifyClient
from sync_worker.adapters.vendors import VendorClients
from sync_worker.application.ports.vendors import Vendors
from sync_worker.domain.failures import VendorUnavailable

from tests.fakes.clock import ManualClock
from tests.fakes.open_gate import OpenGate
from tests.fakes.quota_ledger import MemoryLedger
from tests.fakes.stores import a_store


async def test_it_opens_both_vendors_of_a_store() -> None:
    """Each job gets clients of its own, with counts of its own."""
    async with VendorClients(ManualClock(), MemoryLedger(ManualClock())) as clients:
        vendors: Vendors = clients
        gate = OpenGate()
        nhanh, again = vendors.nhanh(a_store(), gate), vendors.nhanh(a_store(), gate)
        shopify = vendors.shopify(a_store(), gate)
        assert isinstance(nhanh, NhanhClient)
        assert isinstance(shopify, ShopifyClient)
        assert nhanh.metrics is not again.metrics


async def test_a_vendor_that_nobody_answers_for_is_unavailable() -> None:
    """A port at which nobody listens: the bounded retries, each at the gate, then a failure that time may heal."""
    async with VendorClients(ManualClock(), MemoryLedger(ManualClock()), lambda _low, high: high) as vendors:
        gate = OpenGate()
        nhanh = vendors.nhanh(a_store(), gate)
        with pytest.raises(VendorUnavailable) as raised:
            await nhanh.check_access()
        assert (raised.value.vendor, raised.value.code) == ("nhanh", "CONNECTION_FAILED")
        assert nhanh.metrics.api_calls == len(gate.passed) > 1
        with pytest.raises(VendorUnavailable) as raised:
            await vendors.shopify(a_store(), gate).locations()
        assert raised.value.vendor == "shopify"
