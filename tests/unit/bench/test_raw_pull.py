"""The raw loop finds the vendor's objects in every kind of answer."""

import pytest

from bench.raw_pull import objects


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
