"""Every call of Shopify's port is passed on, and every write is marked as one."""

import inspect
from typing import Any

import pytest
from sync_worker.application.ports.shopify import Shopify
from sync_worker.application.ports.shopify_bulk import ShopifyBulk
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.runner.shielded_vendors import ShieldedShopify
from sync_worker.application.runner.stopping import Stopping

CALLS = sorted(name for name, _ in inspect.getmembers(Shopify, inspect.isfunction) if not name.startswith("_"))
BULK_CALLS = sorted(
    name for name, _ in inspect.getmembers(ShopifyBulk, inspect.iscoroutinefunction) if not name.startswith("_")
)


class GatePassingShopify:
    """Passes the gate with every call, and tells which call came with what, and whether it is held then."""

    def __init__(self, stopping: Stopping) -> None:
        self.metrics = VendorMetrics()
        self._stopping = stopping

    def __getattr__(self, name: str) -> Any:
        async def call(*given: object) -> tuple[str, tuple[object, ...], bool]:
            self._stopping.gate_passed()
            return name, given, self._stopping.held

        return call


@pytest.mark.parametrize("name", CALLS)
async def test_calls_are_passed_on_and_writes_are_held(name: str) -> None:
    """A call that sets something cannot be cut once it has passed the gate; one that reads can."""
    stopping = Stopping()
    shopify = GatePassingShopify(stopping)
    shielded = ShieldedShopify(shopify, stopping)  # type: ignore[arg-type]  # it answers every call
    given = [object() for _ in list(inspect.signature(getattr(Shopify, name)).parameters)[1:]]
    answer: Any = await getattr(shielded, name)(*given)
    assert answer == (name, tuple(given), name.startswith("set_"))
    assert shielded.metrics is shopify.metrics
    assert stopping.held == name.startswith("set_")
    stopping.safe_place()
    assert not stopping.held


@pytest.mark.parametrize("name", BULK_CALLS)
async def test_what_starts_a_bulk_operation_is_held(name: str) -> None:
    """Its answer has the operation's id, without which it could not be cancelled; all else can be cut."""
    stopping = Stopping()
    calls = GatePassingShopify(stopping)
    calls.__dict__["bulk"] = calls
    shielded = ShieldedShopify(calls, stopping).bulk  # type: ignore[arg-type]  # it answers every call
    given = [object() for _ in list(inspect.signature(getattr(ShopifyBulk, name)).parameters)[1:]]
    answer: Any = await getattr(shielded, name)(*given)
    assert answer == (None if name == "cancel" else (name, tuple(given), name == "start"))


def test_a_result_is_read_unheld() -> None:
    """What is read is what was asked for."""
    stopping = Stopping()
    calls = GatePassingShopify(stopping)
    calls.__dict__["bulk"] = calls
    calls.__dict__["read"] = lambda *given: given
    shielded = ShieldedShopify(calls, stopping).bulk  # type: ignore[arg-type]  # it answers every call
    assert shielded.read(*"abc") == tuple("abc")  # type: ignore[arg-type, comparison-overlap]  # passed on, whatever it is
    assert not stopping.held
