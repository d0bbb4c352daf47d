"""The history of writes, and the counts of calls."""

from sandbox.calls import CallCounts
from sandbox.history import WriteHistory


def test_writes_are_numbered_and_listed_behind_a_number() -> None:
    """From one, in the order in which they were applied."""
    history = WriteHistory()
    for number in range(1, 4):
        history.add(float(number), "metafieldsSet", f"gid {number}", old=None, new=str(number))
    history.add(9.0, "inventorySetQuantities", "gid", old="1", new="2", key="k")
    assert [write["number"] for write in history.after(0)] == [1, 2, 3, 4]
    assert history.after(3) == [
        {
            "number": 4,
            "time": 9.0,
            "mutation": "inventorySetQuantities",
            "target": "gid",
            "old": "1",
            "new": "2",
            "idempotency_key": "k",
        }
    ]
    assert history.after(4) == history.after(100) == []


def test_only_who_waits_now_is_shown_as_held() -> None:
    """A count that has gone back to nought is left out."""
    calls = CallCounts()
    calls.held["nhanh customer/list"] += 1
    assert calls.as_json()["held"] == {"nhanh customer/list": 1}
    calls.held["nhanh customer/list"] -= 1
    assert calls.as_json() == {"answered": {}, "refused": {}, "faulted": {}, "held": {}, "points": 0.0}
