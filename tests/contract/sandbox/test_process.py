"""The sandbox as a process: its ready line, its files, its refusals to start, its stop."""

import asyncio
import json
import signal
import socket
import sys
import tomllib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from sandbox import SandboxOptions
from sandbox.__main__ import command
from sandbox.serving import PortTakenError, running
from typer.testing import CliRunner

SERVICES = Path(__file__).resolve().parents[3] / "services"
SMALL = ("--products", "5", "--customers", "5", "--stores", "hanoi,danang")


async def start(*flags: str) -> Process:
    """Start a sandbox."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", *flags, cwd=SERVICES, stdout=PIPE, stderr=PIPE
    )


async def ended(*flags: str) -> tuple[int | None, str, str]:
    """Run a sandbox that must end by itself: how, and what it said."""
    process = await start(*flags)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def ready(*flags: str) -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    """Run a sandbox that is ready; it is gone afterwards."""
    process = await start(*SMALL, *flags)
    try:
        assert process.stdout is not None
        yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_says_when_it_is_ready_writes_its_files_and_stops(tmp_path: Path) -> None:
    """One JSON line; the stores file leads to both vendors; SIGTERM ends it with 0, a held call or not."""
    stores, truth, plan = tmp_path / "stores.toml", tmp_path / "truth.json", tmp_path / "plan.json"
    plan.write_text('{"rules": [{"vendor": "nhanh", "operation": "customer/list", "kind": "hold"}]}')
    flags = ("--stores-file", str(stores), "--truth", str(truth), "--fault-plan", str(plan), "--no-limits")
    async with ready(*flags) as (process, line), httpx.AsyncClient(trust_env=False) as http:
        assert line == {"service": "sandbox", "url": line["url"], "stores": ["hanoi", "danang"]}
        assert stores.stat().st_mode & 0o777 == 0o600
        hanoi, danang = tomllib.loads(stores.read_text())["stores"]
        assert danang["shopify"]["base_url"] == f"{line['url']}/shopify/danang"
        nhanh = hanoi["nhanh"]
        token = (tmp_path / nhanh["access_token_file"]).read_text()
        params = {"appId": nhanh["app_id"], "businessId": nhanh["business_id"]}
        url, headers = f"{nhanh['base_url']}/v3.0", {"Authorization": token}
        answer = await http.post(f"{url}/business/depot", params=params, headers=headers, json={})
        assert [row["id"] for row in answer.json()["data"]] == [7, 8, 9]
        shown = (await http.get(f"{line['url']}/_sandbox/truth")).json()
        assert json.loads(truth.read_text()) == shown
        held = asyncio.create_task(http.post(f"{url}/customer/list", params=params, headers=headers, json={}))
        calls: dict[str, Any] = {"held": {}}
        while not calls["held"]:
            calls = (await http.get(f"{line['url']}/_sandbox/calls", params={"store": "hanoi"})).json()
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stderr is not None
        assert await process.stdout.read() == b""
        assert b"Traceback" not in await process.stderr.read()
        assert await process.wait() == 0
        with pytest.raises(httpx.HTTPError):
            (await held).raise_for_status()


async def test_a_busy_port_is_said_in_one_sentence() -> None:
    """Exit 1, nothing on the standard output."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = await ended(*SMALL, "--port", str(port))
        with pytest.raises(PortTakenError, match=f"cannot listen on 127.0.0.1:{port}: "):
            async with running(SandboxOptions(products=1, customers=1, port=port)):
                pytest.fail("it listens where another does")
    assert (code, out) == (1, "")
    assert err == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"


async def test_a_file_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Exit 1, and no ready line."""
    code, out, err = await ended(*SMALL, "--truth", str(tmp_path / "nowhere" / "truth.json"))
    assert (code, out) == (1, "")
    assert err == f"cannot write {tmp_path / 'nowhere' / 'truth.json'}: No such file or directory\n"


async def test_a_bad_flag_ends_it_with_2() -> None:
    """Nothing on the standard output."""
    code, out, err = await ended("--products", "many")
    assert (code, out) == (2, "")
    assert "--products" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--customers", "-1"), "--customers"),
        (("--port", "65536"), "--port"),
        (("--limits-scale", "0"), "--limits-scale"),
        (("--nhanh-window-scale", "0"), "--nhanh-window-scale"),
        (("--nhanh-oddities", "1"), "--nhanh-oddities"),
        (("--stores", "hanoi,hanoi"), "--stores"),
        (("--stores", "Hà Nội"), "--stores"),
        (("--fault-plan", "plan.json"), "earthquake"),
        (("--fault-plan", "none.json"), "--fault-plan"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, str], named: str
) -> None:
    """The flag, or the rule of the plan; exit 2 before anything listens."""
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text('{"rules": [{"vendor": "nhanh", "operation": "*", "kind": "earthquake"}]}')
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, flags, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert result.stdout == ""
    assert named in result.stderr
