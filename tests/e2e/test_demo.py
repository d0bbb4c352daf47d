"""The demo, as a stranger runs it but smaller: all eleven operations, held against the sandbox's truth."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("nhanhsync"))


async def test_eleven_of_eleven(tmp_path: Path) -> None:
    """Every operation completes, every check holds, the last line says so, and the exit code is 0."""
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "demo", "--products", "60", "--customers", "250", "--keep", str(tmp_path)),
        stdout=PIPE,
        stderr=STDOUT,
    )
    said = (await asyncio.wait_for(process.communicate(), 100))[0].decode()
    assert process.returncode == 0, said
    assert said.rstrip().splitlines()[-1] == "11/11 operations completed"
    assert "broken" not in said
    for label in ("Auto Match SQL", "Auto Match Batch", "Retry Failed Sync", "PARTIALLY_COMPLETED"):
        assert label in said
    assert (tmp_path / "catalog.db").exists()


async def test_the_stack_in_the_foreground(tmp_path: Path) -> None:
    """`nhanhsync up` says where everything listens, and Ctrl-C stops all of it with 0."""
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "up", "--data-dir", str(tmp_path), "--products", "5", "--customers", "5"),
        *("--job-tracker-listen", "127.0.0.1:0", "--sync-worker-listen", "127.0.0.1:0"),
        stdout=PIPE,
        stderr=STDOUT,
    )
    assert process.stdout is not None
    said = []
    while not said or "Ctrl-C" not in said[-1]:
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line, said
        said.append(line.decode())
    assert [line.split()[0] for line in said[:3]] == ["JobTracker", "SyncWorker", "Sandbox"]
    process.send_signal(signal.SIGINT)
    rest = (await asyncio.wait_for(process.communicate(), 30))[0].decode()
    assert process.returncode == 0, rest
    assert "Traceback" not in rest
