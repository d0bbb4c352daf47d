"""Stands between a SyncWorker and the sandbox and keeps every answer, so that a raw loop can be given the very same bytes."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.pulling.lists import VendorList
from bench.pulling.shop import Sandbox, made

PASSED_ON = ("authorization", "content-type", "x-shopify-access-token")
"""No range is: a download comes whole, so that no line of it is kept in two parts."""
ANSWER_SECONDS = 600.0


MUTATION = b"mutation"
"""What a call that starts something says; it is not sent twice."""


class Recorder:
    """Passes calls on; an address of the sandbox in an answer is replaced by its own, so that downloads come by as well."""

    def __init__(self, vendors: str, folder: Path) -> None:
        self.url = ""
        self._vendors = vendors
        self._folder = folder
        self._http = httpx.AsyncClient(base_url=vendors, timeout=ANSWER_SECONDS)
        self._asked: list[httpx.Request] = []

    async def pass_on(self, request: Request) -> Response:
        """Pass a call on, and keep the answer."""
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        asked = self._http.build_request(request.method, path, content=await request.body(), headers=headers)
        answer = await self._http.send(asked)
        body = answer.content.replace(self._vendors.encode(), self.url.encode())
        self._asked.append(asked)
        (self._folder / f"{len(self._asked):07}").write_bytes(body)
        kept = {
            name: answer.headers[name]
            for name in answer.headers
            if name.startswith(("x-", "content-type", "retry-after"))
        }
        return Response(body, answer.status_code, headers=kept)

    async def close(self) -> None:
        """Close the connections to the sandbox."""
        await self._http.aclose()

    async def fetch_again(self) -> float:
        """Ask for everything once more, one call after another, and look at nothing: the sandbox's own pace; seconds."""
        again = [each for each in self._asked if MUTATION not in each.content]
        began = time.perf_counter()
        for each in again:
            await self._http.send(each)
        return time.perf_counter() - began


@contextlib.asynccontextmanager
async def recording(vendors: Sandbox, wanted: VendorList, folder: Path) -> AsyncIterator[tuple[Recorder, Path]]:
    """Keep every answer of a sandbox as a file in `folder`, in their order; gives a stores file that leads here as well."""
    recorder = Recorder(vendors.url, made(folder))
    app = Starlette(routes=[Route("/{path:path}", recorder.pass_on, methods=["GET", "POST", "HEAD"])])
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)  # whoever calls before it serves, waits
    recorder.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        original = vendors.stores_file_for(wanted)
        stores_file = original.with_name(f"recorded-{folder.name}.toml")
        stores_file.write_text(original.read_text().replace(vendors.url, recorder.url))
        yield recorder, stores_file
    finally:
        server.should_exit = True
        await serving
        listening.close()
        await recorder.close()
