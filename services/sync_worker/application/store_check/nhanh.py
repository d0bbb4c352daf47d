"""The test of a store's Nhanh business."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_worker.application.ports.nhanh import NhanhAccess
from sync_worker.application.ports.store_check import CheckedNhanh
from sync_worker.application.store_check.findings import Finding, fault, fault_of, warning
from sync_worker.domain.failures import VendorFailure
from sync_worker.domain.requests import NhanhProductFilter
from sync_worker.domain.stores import Store
from sync_worker.domain.token_life import days_left, expiry_warning


@dataclass(frozen=True, slots=True)
class NhanhCheck:
    """What Nhanh answered. `access` is None where it did not say what the token grants."""

    findings: Sequence[Finding]
    seconds: float
    access: NhanhAccess | None = None
    token_days_left: int | None = None
    missing_depot_ids: Sequence[int] = ()


async def check_nhanh(store: Store, nhanh: CheckedNhanh, now_micros: int) -> NhanhCheck:
    """Ask what the token grants; without the app's secret key, which that takes, whether it is taken at all."""
    try:
        if store.nhanh.secret_key is None:
            await nhanh.product_page(NhanhProductFilter(), None)
            return NhanhCheck([_without_the_key(store)], 0.0)
        access = await nhanh.check_access()
    except VendorFailure as failure:
        return NhanhCheck([fault_of(failure)], 0.0)
    mapped = {location.depot_id for location in store.locations}
    missing = sorted(mapped - access.depot_ids) if access.depot_ids is not None else []
    findings = []
    if missing:
        listed = ", ".join(map(str, missing))
        findings.append(
            fault(
                "DEPOTS_NOT_GRANTED",
                f"Nhanh's access token does not grant depots {listed}, which are mapped to Shopify locations, so no stock can be "
                "pushed: log in at Nhanh anew and grant them to the app, or unmap them in the stores file",
            )
        )
    expiry = expiry_warning(access.expires_at, now_micros)
    if expiry is not None:
        findings.append(warning("TOKEN_EXPIRES_SOON", expiry))
    left = None if access.expires_at is None else days_left(access.expires_at, now_micros)
    return NhanhCheck(findings, 0.0, access, left, missing)


def _without_the_key(store: Store) -> Finding:
    words = (
        "Nhanh takes the access token, and says when it expires and which depots it grants only to those who know the app's "
        "secret key: name it by secret_key_env or secret_key_file in the stores file"
    )
    if store.locations:
        return fault("SECRET_KEY_MISSING", f"{words}. Without it no stock of mapped depots can be pushed")
    return warning("SECRET_KEY_MISSING", words)
