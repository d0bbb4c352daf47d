"""`nhanhsync stores check`: facts as a table, what is wrong in sentences, and an exit code for scripts."""

from google.protobuf.json_format import ParseDict
from nhanhsync.sync.v1 import store_check_pb2
from nhanhsync.sync.v1 import sync_worker_service_pb2 as pb
from sandbox.faults import FaultKind, Rule

from tests.contract.cli.conftest import Shop


async def test_a_store_that_is_well(shop: Shop) -> None:
    """Every fact has its row; nothing is said beside them, and no secret is shown."""
    ran = await shop.terminal.types("stores", "check", "hanoi")
    assert (ran.code, ran.err) == (0, "")
    said = {tuple(cell.strip() for cell in line.split("│")[1:3]): line for line in ran.out.splitlines() if "│" in line}
    assert ("Nhanh", "token expires") in said
    assert "7, 8, 9" in said["Nhanh", "depots granted"]
    assert "Sandbox hanoi (VND)" in said["Shopify", "shop"]
    assert "2026-07" in said["Shopify", "API version"]
    assert "a second" in said["Shopify", "points"]
    assert "static" in said["Shopify", "token"]
    assert "│ OK (" in said["Nhanh", "verdict"]
    assert "│ OK (" in said["Shopify", "verdict"]
    assert ("Shopify", "scopes missing") not in said
    business = shop.store.business
    assert not any(secret in ran.out for secret in (business.access_token, business.secret_key, "shpat_"))


async def test_a_warning_is_no_failure(shop: Shop) -> None:
    """It is said below the table, and scripts go on."""
    shop.store.shop.currency = "USD"
    ran = await shop.terminal.types("stores", "check", "hanoi")
    assert ran.code == 0
    assert "WARNING Shopify CURRENCY_DIFFERS: the shop's prices are in USD" in ran.out


async def test_a_failure_ends_with_3(shop: Shop) -> None:
    """With what to mend."""
    shop.store.business.granted_depots = {7, 9}
    shop.store.shop.scopes -= {"write_inventory"}
    ran = await shop.terminal.types("stores", "check", "hanoi")
    assert ran.code == 3
    assert "FAILED Nhanh DEPOTS_NOT_GRANTED: Nhanh's access token does not grant depots 8" in ran.out
    assert "FAILED Shopify SCOPES_MISSING: the app was not granted read_inventory, write_inventory" in ran.out


async def test_json_is_the_answer_itself(shop: Shop) -> None:
    """With the contract's names, and the same exit code."""
    shop.plan(Rule("nhanh", "*", FaultKind.INVALID_TOKEN, times=-1))
    ran = await shop.terminal.types("stores", "check", "hanoi", "--json")
    answer = ParseDict(ran.document, pb.CheckStoreResponse())
    assert ran.code == 3
    assert answer.nhanh.verdict == store_check_pb2.CHECK_VERDICT_FAILED
    assert answer.shopify.verdict == store_check_pb2.CHECK_VERDICT_OK
    assert answer.shopify.points_maximum > 0


async def test_a_store_that_nobody_knows_is_refused(shop: Shop) -> None:
    """As everywhere."""
    ran = await shop.terminal.types("stores", "check", "hue")
    assert ran.code == 1
    assert "ERROR_REASON_STORE_NOT_FOUND" in ran.err
