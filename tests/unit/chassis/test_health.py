"""The probe that containers ask for health."""

from pathlib import Path

from chassis.health import probe
from job_tracker.__main__ import TrackerSettings, running


async def test_the_probe_tells_a_serving_server_from_a_stopped_one(tmp_path: Path) -> None:
    """True while it serves, False once it is gone."""
    settings = TrackerSettings(listen="127.0.0.1:0", database_url=f"sqlite:///{tmp_path / 'jobs.db'}")
    async with running(settings) as handle:
        assert await probe(handle.address)
    assert not await probe(handle.address, seconds=0.5)
