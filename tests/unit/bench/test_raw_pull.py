"""The raw loop finds the vendor's objects in every kind of answer."""

from pathlib import Path

import pytest
from chassis.database import open_database
from sqlalchemy import text

from bench.raw_pull import MIGRATIONS, objects, pull_into
from tests.fakes.postgres import KINDS, fresh_database


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"code":1,"data":[{"id":1},{"id":2}],"paginator":{"next":{"id":2}}}', [1, 2]),
        (b'{"code":1,"data":[]}', []),
        (
            b'{"data":{"customers":{"nodes":[{"id":"gid://shopify/Customer/1"}],"pageInfo":{}}}}',
            ["gid://shopify/Customer/1"],
        ),
        (b'{"data":{"bulkOperation":{"status":"RUNNING","url":null}}}', []),
        (b'{"data":{"bulkOperation":null}}', []),
        (b'{"id":"a"}\n{"id":"b","__parentId":"a"}\n', ["a", "b"]),
        (b'{"code":0,"errorCode":"ERR_429"}', []),
    ],
)
def test_objects(body: bytes, ids: list[object]) -> None:
    """Pages of either vendor, lines of a bulk result, and answers that hold no objects."""
    assert [each["id"] for each in objects(body)] == ids


@pytest.mark.parametrize("kind", KINDS)
async def test_writes_each_object_once(kind: str, tmp_path: Path) -> None:
    """What is told of twice is written once, numbers may be text, and what no pull stored is passed over."""
    answers = [b'{"code":1,"data":[{"id":1},{"id":"2"}]}', b'{"code":1,"data":[{"id":2},{"id":3}]}']
    columns = {"pull_seen": ["pull_id", "vendor_id"]}
    rows = {"1": {"pull_seen": [("p", 1)]}, "2": {"pull_seen": [("p", 2)]}}
    with fresh_database(kind, tmp_path, MIGRATIONS) as url:
        database = await open_database(url, migrations=MIGRATIONS)
        spent = await pull_into(url, answers, columns, rows)
        assert spent["objects"] == 2
        stored = await database.read(lambda connection: connection.execute(text("SELECT * FROM pull_seen")).all())
        assert sorted(map(tuple, stored)) == [("p", 1), ("p", 2)]
        await database.close()
