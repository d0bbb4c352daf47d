"""Tells the other replicas by NOTIFY and hears them by LISTEN, on one connection that does nothing else.

It is outside every transaction that writes: PostgreSQL commits those that NOTIFY one after the other. What comes first is
sent at once, what follows within a round goes together. When the connection breaks, the poller looks often; when it
stands again, it looks once more, and what could not be told is made good by asking the others to look.
"""

import asyncio
import contextlib
import secrets

import asyncpg
import structlog

from job_tracker.adapters.wakeups import lines
from job_tracker.adapters.wakeups.outbox import Outbox
from job_tracker.adapters.wakeups.payloads import packed, unpacked
from job_tracker.adapters.wakeups.poller import Poller
from job_tracker.application.changes import Changes

CHANNEL = "job_tracker_changes"
ROUND_SECONDS = 0.01
SIGN_OF_LIFE_SECONDS = 10.0
"""A connection that was silent for so long is asked whether it still stands."""
ANSWER_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0

log = structlog.get_logger()


class Link:
    """A `Relay` between the replicas that share a PostgreSQL."""

    def __init__(self, url: str, changes: Changes, poller: Poller) -> None:
        self._url = url
        self._changes = changes
        self._poller = poller
        self._me = secrets.token_hex(8)
        self._outbox = Outbox()
        self._woken = asyncio.Event()

    def hear(self, topic: str, key: str, value: object, *, urgent: bool) -> None:
        """Take along what was published here."""
        if self._outbox.put(topic, key, value, urgent=urgent):
            self._woken.set()

    async def run(self) -> None:
        """Keep a connection, tell and hear, until cancelled."""
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(
                    self._url,
                    timeout=ANSWER_SECONDS,
                    command_timeout=ANSWER_SECONDS,
                    server_settings={"application_name": "nhanhsync-wakeups"},
                )
                try:
                    connection.add_termination_listener(lambda _: self._woken.set())
                    await connection.add_listener(CHANNEL, self._heard)
                    delay = FIRST_DELAY_SECONDS
                    self._poller.look_soon(told=True)  # what was told before the connection stood was not heard
                    await self._tell_forever(connection)
                finally:
                    self._poller.look_soon(told=False)
                    await self._take_leave(connection)
            except Exception as error:  # whatever it is, the poller goes on, and so do we
                log.warning("replicas do not hear each other", reason=str(error) or repr(error), again_in=delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)

    async def _tell_forever(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while True:
            await self._tell(connection)
            await asyncio.sleep(ROUND_SECONDS)
            try:
                async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                await connection.execute("SELECT 1")
            if connection.is_closed():
                raise ConnectionResetError("the connection was closed")

    async def _tell(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._woken.clear()
        payloads = packed(self._me, self._outbox.take())
        if not payloads:
            return
        try:
            await connection.execute("SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload", CHANNEL, payloads)
        except BaseException:  # also when we are cancelled: nobody knows whether it was told
            self._outbox.lose()
            raise

    async def _take_leave(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Tell what is left to tell, if the connection still stands, and close it."""
        with contextlib.suppress(Exception):
            if not connection.is_closed():
                await self._tell(connection)
                await connection.close(timeout=ANSWER_SECONDS)
        connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        sender, told = unpacked(str(payload))
        if sender == self._me:
            return
        for line in told:
            if not lines.deliver(line, self._changes):
                self._poller.look_soon()
