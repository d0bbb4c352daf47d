"""Nhanh's customers in hanoi: those that the catalog has, and those that the shop has."""

import sqlite3
from pathlib import Path

from tests.fakes.whole_stack import WholeStack


def pulled(folder: Path) -> list[int]:
    """Read which customers the catalog has, each as often as it is there, but for those that are gone."""
    with sqlite3.connect(folder / "catalog.db") as connection:
        rows = connection.execute("SELECT nhanh_id FROM nhanh_customers WHERE gone_time IS NULL ORDER BY 1").fetchall()
    connection.close()
    return [row[0] for row in rows]


def of_the_shop(stack: WholeStack) -> list[int]:
    """List the customers that the sandbox has."""
    return sorted(stack.sandbox.world.stores["hanoi"].business.customers)
