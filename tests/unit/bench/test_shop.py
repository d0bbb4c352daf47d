"""The stores files that pulls are measured with."""

import tomllib
from pathlib import Path

from bench.pulling.lists import SHOPIFY_VARIANTS, Way
from bench.pulling.shop import sandbox


async def test_only_a_pull_of_stock_levels_maps_locations(tmp_path: Path) -> None:
    """Else nothing differs, and the other lines stay what they have been."""
    arguments = ("--no-limits", "--products", "3", "--customers", "3")
    async with sandbox(tmp_path, *arguments, stores=("hanoi", "danang")) as vendors:
        plain = vendors.stores_file_for(SHOPIFY_VARIANTS.read(Way.BULK)).read_text()
        mapped = vendors.stores_file_for(SHOPIFY_VARIANTS.read(Way.BULK, with_levels=True)).read_text()
    for one, other in zip(tomllib.loads(plain)["stores"], tomllib.loads(mapped)["stores"], strict=True):
        assert other.pop("locations")
        assert one == other
