"""A stores file for SyncWorker, so that it can use the sandbox as its vendors."""

import json
from pathlib import Path

from sandbox.world import DEPOT_TO_LOCATION, StoreWorld, World

SAFE_QUOTA = 145
"""Of Nhanh's 150 calls a window and path."""
WINDOW_SECONDS = 30.0
API_VERSION = "2026-07"


def write_stores_file(path: Path, world: World, url: str) -> None:
    """Write the file, and the secrets that it names into a folder beside it; only this user can read them."""
    secrets = path.parent / "secrets"
    secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    tables = [_store(store, world, url, secrets) for store in world.stores.values()]
    _write_private(path, "\n".join(tables))


def _store(store: StoreWorld, world: World, url: str, secrets: Path) -> str:
    business, scale = store.business, world.limits_scale
    quota = 0 if scale is None else max(int(SAFE_QUOTA * scale), 1)

    def secret(name: str, value: str) -> str:
        file = secrets / f"{store.store_id}-{name}"
        _write_private(file, value)
        return _text(f"{secrets.name}/{file.name}")

    lines = [
        "[[stores]]",
        f"store_id = {_text(store.store_id)}",
        f"name = {_text(f'Sandbox {store.store_id.capitalize()}')}",
        "[stores.nhanh]",
        f"base_url = {_text(f'{url}/nhanh')}",
        f"app_id = {business.app_id}",
        f"business_id = {business.business_id}",
        f"access_token_file = {secret('nhanh-access-token', business.access_token)}",
        f"secret_key_file = {secret('nhanh-secret-key', business.secret_key)}",
        f"quota_calls = {quota}",
        f"quota_window_seconds = {WINDOW_SECONDS * world.nhanh.window_scale}",
        "[stores.shopify]",
        f"base_url = {_text(f'{url}/shopify/{store.store_id}')}",
        f"shop = {_text(store.shop.shop)}",
        f"api_version = {_text(API_VERSION)}",
        f"access_token_file = {secret('shopify-access-token', store.shop.access_token)}",
    ]
    for depot_id, location_id in DEPOT_TO_LOCATION.items():
        lines += ["[[stores.locations]]", f"depot_id = {depot_id}", f"location_id = {location_id}"]
    return "\n".join(lines) + "\n"


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _text(value: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's."""
    return json.dumps(value)
