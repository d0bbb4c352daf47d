"""Phones of pulled customers: read of those that are written, and of everybody once when their rules have changed."""

from dataclasses import replace
from typing import Any

import pytest
from chassis.database import Database
from sqlalchemy import select
from sync_worker.adapters.catalog import mirrors
from sync_worker.adapters.catalog.pulls import SqlPullCatalog
from sync_worker.adapters.catalog.tables import phone_keys
from sync_worker.application.ports.job import Fence
from sync_worker.application.ports.pull_catalog import PullScope
from sync_worker.domain.keys import PHONE_RULES_VERSION, customer_phone_keys
from sync_worker.domain.operations import Operation
from sync_worker.domain.pulls import PullCounts
from sync_worker.domain.requests import PullMode

from tests.fakes.clock import ManualClock
from tests.fakes.mirrored import a_shopify_customer

SCOPE = PullScope("hanoi", Operation.PULL_SHOPIFY_CUSTOMERS, "open", True, "job-1", Fence(1, ()))
LAN = a_shopify_customer(1, phone="0912345678", address_phone="0987654321")
AN = a_shopify_customer(2, note="zalo 0901234567")
LONG = a_shopify_customer(3, address_phone="0981111111 hoặc số của chị Hoa bên cạnh nhà, gọi vào buổi tối: 0982222222")
PHONES = [(1, 84912345678), (1, 84987654321), (2, 84901234567), (3, 84981111111), (3, 84982222222)]


class Customers:
    """A catalog of customers, and of whom the phones were read."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.clock = ManualClock()
        self.catalog = SqlPullCatalog(database, self.clock)
        self.read: list[int] = []

        def counted(customer: Any) -> Any:
            self.read.append(customer[0])
            return customer_phone_keys(customer)

        monkeypatch.setattr(mirrors, "customer_phone_keys", counted)

    async def pull(self, *customers: Any) -> PullCounts:
        """Pull these from beginning to end."""
        self.clock.advance(1)
        self.read.clear()
        scope = replace(SCOPE, job_id=f"job-{self.clock.now_micros()}")
        place = await self.catalog.open(scope, PullMode.FULL)
        ready = await self.catalog.prepare(scope, customers)
        place = await self.catalog.store_step(scope, place, ready, None, read_time=self.clock.now_micros())
        return (await self.catalog.finish(scope, place, max_gone_percent=100)).counts

    async def phones(self) -> list[tuple[int, int]]:
        """All that are kept, by whose they are."""
        statement = select(phone_keys.c.owner_id, phone_keys.c.phone_key)
        return sorted(
            (owner, key)
            for owner, key in await self.database.read(lambda connection: connection.execute(statement).all())
        )


@pytest.fixture
def customers(database: Database, monkeypatch: pytest.MonkeyPatch) -> Customers:
    """An empty catalog."""
    return Customers(database, monkeypatch)


async def test_every_source_is_read(customers: Customers) -> None:
    """Those that take microseconds when the row is written, notes and long texts beforehand, out of the transaction."""
    await customers.pull(LAN, AN, LONG)
    assert await customers.phones() == PHONES
    assert customers.read == [2, 3, 1]


async def test_of_unchanged_rows_only_what_is_slow_is_read(customers: Customers) -> None:
    """Before anybody knows that they have not changed."""
    await customers.pull(LAN, AN, LONG)
    assert (await customers.pull(LAN, AN, LONG)).unchanged == 3
    assert customers.read == [2, 3]
    assert await customers.phones() == PHONES


async def test_other_rules_update_every_customer_once(customers: Customers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unasked: nothing else would ever read their phones again."""
    await customers.pull(LAN, AN)
    monkeypatch.setattr(mirrors, "PHONE_RULES_VERSION", PHONE_RULES_VERSION + 1)
    assert (await customers.pull(LAN, AN)).updated == 2
    assert sorted(customers.read) == [1, 2]
    assert (await customers.pull(LAN, AN)).unchanged == 2
