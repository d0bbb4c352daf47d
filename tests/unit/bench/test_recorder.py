"""Whoever calls the sandbox through the recorder sees no difference, and the answers are kept."""

import os
from pathlib import Path

import httpx
from sandbox.options import SandboxOptions
from sandbox.serving import running
from sandbox.stores_file import write_stores_file

from bench.pulling.lists import NHANH_PRODUCTS
from bench.pulling.recorder import recording
from bench.pulling.shop import Sandbox

QUERY = {"query": "{ customers(first: 3) { nodes { id } } }"}


def kept_in(folder: Path) -> list[bytes]:
    """The answers that were kept, in their order."""
    return [each.read_bytes() for each in sorted(folder.iterdir())]


async def test_answers_are_passed_on_and_kept(tmp_path: Path) -> None:
    """Status, body and the caller's token pass through; each answer is a file, in order; the calls can be repeated."""
    options = SandboxOptions(products=3, customers=30, stores=("hanoi",), limits_scale=None)
    async with running(options) as handle:
        write_stores_file(tmp_path / "stores.toml", handle.world, handle.url)
        vendors = Sandbox(handle.url, os.getpid(), tmp_path / "stores.toml", tmp_path / "mapped.toml")
        shop = handle.world.stores["hanoi"].shop
        path, token = "/shopify/hanoi/admin/api/2026-07/graphql.json", {"X-Shopify-Access-Token": shop.access_token}
        recorded = recording(vendors, NHANH_PRODUCTS, tmp_path / "answers")
        async with recorded as (recorder, stores_file), httpx.AsyncClient() as http:
            told = await http.post(recorder.url + path, json=QUERY, headers=token)
            stranger = await http.post(recorder.url + path, json=QUERY)
            seconds = await recorder.fetch_again()
            direct = await http.post(handle.url + path, json=QUERY, headers=token)
        counts = handle.world.stores["hanoi"].calls
        assert told.json()["data"] == direct.json()["data"]
        assert (told.status_code, stranger.status_code) == (200, 401)
        assert kept_in(tmp_path / "answers") == [told.content, stranger.content]
        assert recorder.url in stores_file.read_text()
        assert handle.url not in stores_file.read_text()
        assert counts.answered["shopify customers"] == 3
        assert seconds > 0
