"""Kept connections that are looked at before they are used again."""

import select

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class QuietConnector(aiohttp.TCPConnector):
    """Takes no kept connection on which something came meanwhile, its end or a word: it would be the next call's answer.

    aiohttp has no hook for that; `_get` is its own, and the tests of `Http` fail where it is no longer called.
    """

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if _is_quiet(connection):
                return connection
            connection.close()
        return None


def _is_quiet(connection: Connection) -> bool:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return False
    poll = select.poll()
    poll.register(transport.get_extra_info("socket"), select.POLLIN)
    return not poll.poll(0)
