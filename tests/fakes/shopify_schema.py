"""Shopify's own Admin schema, as Shopify publishes it inside the npm package of its developer tools.

It is fetched once by `npm pack`, held against the hash below, and kept outside of git; nothing of the package is run. Where npm
cannot fetch it, tests that need it are skipped and say why, unless REQUIRE_SHOPIFY_SCHEMA is set, as in the checks that every
change must pass: there they fail.
"""

import fcntl
import functools
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import graphql
import pytest

PACKAGE = "@shopify/dev-mcp@1.16.0"
SHA256 = "4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474"

PINNED = "2026-07"
"""What a store speaks unless its `api_version` says otherwise."""

NEWEST = "2026-10"
"""The newest stable version; the package was made when it was still a release candidate."""

VERSIONS = (PINNED, NEWEST)

REQUIRED = "REQUIRE_SHOPIFY_SCHEMA"

KEPT = Path(__file__).resolve().parents[2] / ".make" / "shopify-schema" / SHA256
FETCH_SECONDS = 45.0


class SchemaNotFetchedError(Exception):
    """npm is not there, or could not fetch the package."""


@functools.cache
def shopify_schema(version: str) -> graphql.GraphQLSchema:
    """Build Shopify's schema of a version; the test is skipped or fails where it cannot be fetched."""
    kept = kept_schemas()
    if isinstance(kept, SchemaNotFetchedError):
        if os.environ.get(REQUIRED):
            pytest.fail(f"Shopify's own schema is required here: {kept}")
        pytest.skip(f"Shopify's own schema is not at hand: {kept}")
    introspected = json.loads(gzip.decompress((kept / _member(version)).read_bytes()))["data"]
    # graphql-core from 3.3 on refuses deprecated fields of types whose interface does not deprecate them
    return graphql.build_client_schema(introspected, assume_valid=True)


@functools.cache
def kept_schemas() -> Path | SchemaNotFetchedError:
    """Find the folder of schemas, after fetching it if need be; a run tries once, and its workers wait for each other."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with (KEPT.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if KEPT.is_dir():
            return KEPT
        with tempfile.TemporaryDirectory(dir=KEPT.parent) as folder:
            try:
                packed = _fetch(Path(folder))
            except SchemaNotFetchedError as error:
                return error
            extracted = Path(folder) / "extracted"
            _extract(packed, extracted)
            extracted.rename(KEPT)
    return KEPT


def _fetch(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise SchemaNotFetchedError("there is no npm")
    try:
        subprocess.run(
            [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder],
            check=True,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise SchemaNotFetchedError(f"npm did not fetch {PACKAGE} within {FETCH_SECONDS:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise SchemaNotFetchedError(f"npm could not fetch {PACKAGE}: {error.stderr.strip()[:300]}") from None
    (packed,) = folder.glob("*.tgz")
    return packed


def _extract(packed: Path, folder: Path) -> None:
    """Take the files of our versions out of the package, if it is the one that was looked at when its hash was written."""
    found = hashlib.sha256(packed.read_bytes()).hexdigest()
    if found != SHA256:
        raise AssertionError(f"{PACKAGE} has the SHA-256 {found}, not {SHA256}: it is not trusted")
    folder.mkdir()
    with tarfile.open(packed) as package:
        for version in VERSIONS:
            inside = package.extractfile(f"package/dist/data/{_member(version)}")
            assert inside is not None
            (folder / _member(version)).write_bytes(inside.read())


def _member(version: str) -> str:
    return f"admin_{version}.json.gz"
