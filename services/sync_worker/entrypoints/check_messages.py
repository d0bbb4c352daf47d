"""How a test of connections went, as the contract's messages."""

from collections.abc import Sequence

from google.protobuf import duration_pb2, timestamp_pb2
from nhanhsync.sync.v1 import store_check_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb

from sync_worker.application.store_check.check_store import StoreCheck
from sync_worker.application.store_check.findings import Finding, Verdict, verdict_of
from sync_worker.application.store_check.nhanh import NhanhCheck
from sync_worker.application.store_check.shopify import ShopifyCheck
from sync_worker.entrypoints.messages import gid

VERDICTS = {
    Verdict.OK: store_check_pb2.CHECK_VERDICT_OK,
    Verdict.WARNING: store_check_pb2.CHECK_VERDICT_WARNING,
    Verdict.FAILED: store_check_pb2.CHECK_VERDICT_FAILED,
}


def check_message(check: StoreCheck) -> pb.CheckStoreResponse:
    """Write a test of a store."""
    return pb.CheckStoreResponse(
        store_id=check.store_id,
        check_time=_time(check.time),
        nhanh=_nhanh(check.nhanh),
        shopify=_shopify(check.shopify),
    )


def _nhanh(check: NhanhCheck) -> store_check_pb2.NhanhCheck:
    message = store_check_pb2.NhanhCheck(
        verdict=VERDICTS[verdict_of(check.findings)],
        findings=_findings(check.findings),
        duration=_span(check.seconds),
        token_days_left=check.token_days_left,
        missing_depot_ids=[str(depot) for depot in check.missing_depot_ids],
    )
    access = check.access
    if access is not None:
        message.all_depots_granted = access.depot_ids is None
        message.granted_depot_ids.extend(str(depot) for depot in sorted(access.depot_ids or ()))
        message.permissions.extend(access.permissions)
        if access.expires_at is not None:
            message.token_expire_time.FromSeconds(access.expires_at)
    return message


def _shopify(check: ShopifyCheck) -> store_check_pb2.ShopifyCheck:
    message = store_check_pb2.ShopifyCheck(
        verdict=VERDICTS[verdict_of(check.findings)],
        findings=_findings(check.findings),
        duration=_span(check.seconds),
        missing_scopes=check.missing_scopes,
        unknown_location_ids=[gid("Location", location) for location in check.unknown_location_ids],
        inactive_location_ids=[gid("Location", location) for location in check.inactive_location_ids],
    )
    access = check.access
    if access is not None:
        message.shop_name, message.currency_code = access.shop_name, access.currency
        message.api_version_asked, message.api_version_served = access.version_asked, access.version_served or ""
        message.granted_scopes.extend(sorted(access.scopes))
        message.token_kind = (
            store_check_pb2.SHOPIFY_TOKEN_KIND_CLIENT_CREDENTIALS
            if access.token_granted
            else store_check_pb2.SHOPIFY_TOKEN_KIND_STATIC
        )
        if access.points is not None:
            message.points_maximum = access.points.maximum
            message.points_available = access.points.available
            message.points_restored_per_second = access.points.restored_per_second
        if access.token_expires_at is not None:
            message.token_expire_time.CopyFrom(_time(access.token_expires_at))
    return message


def _findings(findings: Sequence[Finding]) -> list[store_check_pb2.CheckFinding]:
    return [
        store_check_pb2.CheckFinding(verdict=VERDICTS[each.verdict], code=each.code, message=each.message)
        for each in findings
    ]


def _span(seconds: float) -> duration_pb2.Duration:
    span = duration_pb2.Duration()
    span.FromMicroseconds(round(seconds * 1_000_000))
    return span


def _time(micros: int) -> timestamp_pb2.Timestamp:
    time = timestamp_pb2.Timestamp()
    time.FromMicroseconds(micros)
    return time
