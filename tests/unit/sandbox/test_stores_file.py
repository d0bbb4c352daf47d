"""The stores file that SyncWorker reads."""

import tomllib
from pathlib import Path

import pytest
from sandbox.options import SandboxOptions
from sandbox.stores_file import write_stores_file
from sandbox.world import DEPOT_TO_LOCATION, make_world

from tests.fakes.clock import SandboxClock

URL = "http://127.0.0.1:4321"


def written(folder: Path, scale: float | None = 1.0) -> list[dict[str, object]]:
    """Write a file of two stores, and read it."""
    options = SandboxOptions(products=1, customers=1, stores=("hanoi", "danang"), limits_scale=scale)
    path = folder / "new" / "stores.toml"
    write_stores_file(path, make_world(options, SandboxClock()), URL)
    found: list[dict[str, object]] = tomllib.loads(path.read_text())["stores"]
    return found


def test_only_this_user_can_read_it(tmp_path: Path) -> None:
    """The file and every secret have mode 0600, a file that was there before too."""
    written(tmp_path)
    folder = tmp_path / "new"
    (folder / "stores.toml").chmod(0o644)
    written(tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 1 + 2 * 3
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700


def test_it_says_where_and_how_to_call(tmp_path: Path) -> None:
    """Addresses, accounts, secrets' files beside it, and which depots feed which location."""
    hanoi, danang = written(tmp_path)
    assert (hanoi["store_id"], danang["store_id"]) == ("hanoi", "danang")
    assert hanoi["nhanh"] == {
        "base_url": f"{URL}/nhanh",
        "app_id": 101,
        "business_id": 1001,
        "access_token_file": "secrets/hanoi-nhanh-access-token",
        "secret_key_file": "secrets/hanoi-nhanh-secret-key",
        "quota_calls": 145,
        "quota_window_seconds": 30,
    }
    assert hanoi["shopify"] == {
        "base_url": f"{URL}/shopify/hanoi",
        "shop": "hanoi",
        "api_version": "2026-07",
        "access_token_file": "secrets/hanoi-shopify-access-token",
    }
    assert hanoi["locations"] == [
        {"depot_id": depot, "location_id": location} for depot, location in DEPOT_TO_LOCATION.items()
    ]
    token = (tmp_path / "new" / "secrets" / "danang-shopify-access-token").read_text()
    assert token == "shpat_sandbox_danang"


@pytest.mark.parametrize(("scale", "quota"), [(None, 0), (20.0, 2_900), (0.02, 2), (0.001, 1)])
def test_the_quota_follows_the_limits(tmp_path: Path, scale: float | None, quota: int) -> None:
    """Nought, which turns the limiter off, is written only where limits are off."""
    nhanh = written(tmp_path, scale)[0]["nhanh"]
    assert isinstance(nhanh, dict)
    assert nhanh["quota_calls"] == quota
