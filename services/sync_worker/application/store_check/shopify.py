"""The test of a store's Shopify shop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sync_worker.application.ports.store_check import CheckedShopify, ShopifyAccess
from sync_worker.application.store_check.findings import Finding, fault, fault_of, warning
from sync_worker.domain.failures import GuardTripped, VendorFailure
from sync_worker.domain.products import ShopifyLocation
from sync_worker.domain.stock import single_location_rule
from sync_worker.domain.stores import Store

NEEDED_SCOPES = (
    "read_customers",
    "read_inventory",
    "read_locations",
    "read_products",
    "write_customers",
    "write_inventory",
    "write_products",
)
"""What the eleven operations ask of a shop (Admin API reference: the scopes of each query and mutation)."""

CURRENCY = "VND"
"""Nhanh's prices are in it, and are pushed as they are."""


@dataclass(frozen=True, slots=True)
class ShopifyCheck:
    """What Shopify answered. `access` is None where it refused to say anything."""

    findings: Sequence[Finding]
    seconds: float
    access: ShopifyAccess | None = None
    missing_scopes: Sequence[str] = ()
    unknown_location_ids: Sequence[int] = ()
    inactive_location_ids: Sequence[int] = ()


async def check_shopify(store: Store, shopify: CheckedShopify) -> ShopifyCheck:
    """Ask what the shop is, what our app may do there, and where it keeps stock."""
    try:
        access = await shopify.check_access()
    except VendorFailure as failure:
        return ShopifyCheck([fault_of(failure)], 0.0)
    missing = [scope for scope in NEEDED_SCOPES if not _granted(scope, access.scopes)]
    check = ShopifyCheck(_of_access(access, missing), 0.0, access, missing)
    try:
        locations = await shopify.locations()
        if not store.locations:
            single_location_rule(locations)
    except (VendorFailure, GuardTripped) as failure:
        return replace(check, findings=[*check.findings, fault_of(failure)])
    return _with_locations(check, store, locations)


def _granted(scope: str, granted: frozenset[str]) -> bool:
    """Whether a scope was granted; who may write may read (Shopify's access scopes page)."""
    return scope in granted or (scope.startswith("read_") and scope.replace("read_", "write_", 1) in granted)


def _of_access(access: ShopifyAccess, missing: Sequence[str]) -> list[Finding]:
    findings = []
    if missing:
        listed = ", ".join(missing)
        findings.append(
            fault(
                "SCOPES_MISSING", f"the app was not granted {listed}: add them to the app and let the shop accept them"
            )
        )
    if access.version_fault is not None:
        findings.append(fault("API_VERSION_REPLACED", f"{access.version_fault}. Until then nothing is written"))
    elif access.version_warning is not None:
        findings.append(warning("API_VERSION_REPLACED", access.version_warning))
    if access.currency != CURRENCY:
        findings.append(
            warning(
                "CURRENCY_DIFFERS",
                f"the shop's prices are in {access.currency} and Nhanh's in {CURRENCY}: they are pushed as they are, so do "
                "not push prices to this shop",
            )
        )
    return findings


def _with_locations(check: ShopifyCheck, store: Store, locations: Sequence[ShopifyLocation]) -> ShopifyCheck:
    active = {location.location_id: location.active for location in locations}
    mapped = sorted({location.location_id for location in store.locations})
    unknown = [location for location in mapped if location not in active]
    inactive = [location for location in mapped if active.get(location) is False]
    findings = list(check.findings)
    if unknown:
        listed = ", ".join(map(str, unknown))
        findings.append(
            fault("LOCATIONS_UNKNOWN", f"the shop has no locations {listed}: correct their mapping in the stores file")
        )
    if inactive:
        listed = ", ".join(map(str, inactive))
        findings.append(
            fault(
                "LOCATIONS_INACTIVE",
                f"the shop has switched off the locations {listed}: switch them on at Shopify, or unmap them in the stores file",
            )
        )
    return replace(check, findings=findings, unknown_location_ids=unknown, inactive_location_ids=inactive)
