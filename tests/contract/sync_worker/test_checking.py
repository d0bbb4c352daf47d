"""CheckStore: over gRPC, with what it refuses."""

import grpc
import pytest
from nhanhsync.client.refusals import refused
from nhanhsync.sync.v1 import store_check_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb

from tests.contract.sync_worker.conftest import Rig


async def test_vendors_that_are_nowhere_are_findings(rig: Rig) -> None:
    """The call itself succeeds: what is wrong with a vendor is its answer. What nobody told stays unset."""
    answer = await rig.sync.CheckStore(pb.CheckStoreRequest(store_id="hanoi"))
    assert answer.store_id == "hanoi"
    assert answer.check_time.seconds > 1_700_000_000
    for side in (answer.nhanh, answer.shopify):
        assert side.verdict == store_check_pb2.CHECK_VERDICT_FAILED
        assert [(one.verdict, one.code) for one in side.findings] == [(side.verdict, "CONNECTION_FAILED")]
        assert side.duration.ToMicroseconds() > 0
        assert not side.HasField("token_expire_time")
    assert not answer.nhanh.HasField("token_days_left")
    assert not answer.shopify.HasField("points_maximum")
    assert answer.shopify.token_kind == store_check_pb2.SHOPIFY_TOKEN_KIND_UNSPECIFIED
    assert await rig.all_jobs() == []


@pytest.mark.parametrize(
    ("store_id", "code", "reason"),
    [
        ("hue", grpc.StatusCode.NOT_FOUND, "ERROR_REASON_STORE_NOT_FOUND"),
        ("", grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_INVALID_FIELD"),
        ("Hanoi!", grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_INVALID_FIELD"),
    ],
)
async def test_a_store_that_is_none_is_refused(rig: Rig, store_id: str, code: grpc.StatusCode, reason: str) -> None:
    """Before any vendor is asked."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rig.sync.CheckStore(pb.CheckStoreRequest(store_id=store_id))
    told = refused(caught.value)
    assert (told.code, told.reason) == (code, reason)
