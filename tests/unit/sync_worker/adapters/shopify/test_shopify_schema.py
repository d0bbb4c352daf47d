"""Where Shopify's own schema cannot be fetched, nobody takes its tests for passed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import shopify_schema as fake


@pytest.fixture
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine that has never fetched it, and has no npm."""
    monkeypatch.setattr(fake, "KEPT", tmp_path / "kept" / "schemas")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(fake.REQUIRED, raising=False)
    fake.kept_schemas.cache_clear()
    fake.shopify_schema.cache_clear()
    yield tmp_path
    fake.kept_schemas.cache_clear()


@pytest.mark.usefixtures("nothing_kept")
def test_without_npm_a_test_is_skipped_and_says_so() -> None:
    """On a developer's machine."""
    with pytest.raises(pytest.skip.Exception, match="there is no npm"):
        fake.shopify_schema(fake.PINNED)


@pytest.mark.usefixtures("nothing_kept")
def test_without_npm_a_test_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the checks that every change must pass."""
    monkeypatch.setenv(fake.REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="there is no npm"):
        fake.shopify_schema(fake.PINNED)


def test_another_package_is_not_trusted(nothing_kept: Path) -> None:
    """One byte more or less, and nothing of it is kept; the message tells both hashes."""
    npm = nothing_kept / "npm"
    npm.write_text('#!/bin/sh\necho forged > "$5/forged.tgz"\n')
    npm.chmod(0o755)
    with pytest.raises(AssertionError, match=f"not {fake.SHA256}: it is not trusted"):
        fake.shopify_schema(fake.PINNED)
    assert not fake.KEPT.exists()
