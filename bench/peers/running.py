"""Installs other programs, each pinned with hashes and in an environment of its own, and runs them against the sandbox."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path

from bench.pulling.lists import SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, VendorList
from bench.pulling.shop import Sandbox

HERE = Path(__file__).parent
ENVIRONMENTS = Path(".bench")
LISTS = {SHOPIFY_VARIANTS.name: "variants", SHOPIFY_CUSTOMERS.name: "customers"}
PEER_SECONDS = 300.0


class PeerFailedError(Exception):
    """A peer could not be installed, or ended badly; says how."""


@dataclass(frozen=True, slots=True)
class PeerRun:
    """How a peer did: rows counted back from what it wrote, and the seconds of its own run, without its start."""

    name: str
    rows: int
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    note: str

    @property
    def per_second(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, its script in this folder, and what its run is worth knowing for."""

    name: str
    key: str
    sink: str
    note: str
    address: str

    async def run(self, folder: Path, vendors: Sandbox, wanted: VendorList) -> PeerRun:
        """Pull a list once.

        Raises:
            PeerFailedError: It could not be installed, or did not come to its end.
        """
        python = await self._python()
        place = folder / self.key
        place.mkdir(parents=True)
        token = (vendors.stores_file.parent / "secrets" / "hanoi-shopify-access-token").read_text()
        script = HERE / f"{self.key}_pull.py"
        asked = [LISTS[wanted.name], f"{vendors.url}/shopify/hanoi{self.address}", token, str(place)]
        said = await _run(str(python), str(script), *asked)
        spent = json.loads(said.splitlines()[-1])
        return PeerRun(f"{self.name} into {self.sink}", note=self.note, **spent)

    async def _python(self) -> Path:
        """Find the environment's Python, and make the environment if its lock has changed."""
        environment, lock = ENVIRONMENTS / self.key, HERE / f"{self.key}.lock"
        stamp = environment / "installed.lock"
        python = environment / "bin" / "python"
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            await _run(sys.executable, "-m", "venv", "--clear", str(environment))
            await _run(
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
                str(lock),
            )
            stamp.write_bytes(lock.read_bytes())
        return python


DLT = Peer(
    "dlt 1.31.0",
    "dlt",
    "SQLite",
    "dlt: its run alone, without its imports; one flat table, merged by id",
    "/admin/api/2026-07/graphql.json",
)
TAP = Peer(
    "tap-shopify 3.13.0",
    "tap",
    "JSON lines",
    "tap-shopify: its run alone, without its imports; fewer fields than SyncWorker reads, no database",
    "",
)


def peers_of(wanted: VendorList) -> tuple[Peer, ...]:
    """Give those that can read a list. Both read pages, whatever way SyncWorker reads it in; for Nhanh there are none."""
    return (DLT, TAP) if wanted.name in LISTS else ()


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=_environment(),
    )
    try:
        said, complaint = await asyncio.wait_for(process.communicate(), PEER_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise PeerFailedError(f"{command[1]} took more than {PEER_SECONDS:.0f} s") from None
    if process.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise PeerFailedError(f"{command[1]} ended with {process.returncode}: {' '.join(last)}")
    return said.decode()


def _environment() -> dict[str, str]:
    """Give a peer this program's environment, but none of its code, and let it report to nobody."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"RUNTIME__DLTHUB_TELEMETRY": "false"}
