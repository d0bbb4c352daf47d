"""What the door makes of peers and requests."""

import pytest
from chassis.auth import Caller, Role
from chassis.door import all_stores, host_of, store_in, stores_in
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

LIMITED = Caller("clerk", frozenset({Role.VIEWER}), ("danang", "hanoi"))
EVERYWHERE = Caller("admin", frozenset({Role.VIEWER}))


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:127.0.0.1:50123", "127.0.0.1"),
        ("ipv6:%5B::1%5D:50123", "[::1]"),
        ("ipv6:[2001:db8::7]:1", "[2001:db8::7]"),
        ("unix:/run/some.sock", "unix:/run/some.sock"),
    ],
)
def test_a_peer_is_its_host(peer: str, host: str) -> None:
    """Each connection has a port of its own; limits are for whoever opens them."""
    assert host_of(peer) == host


async def test_an_empty_list_is_narrowed_and_a_foreign_name_is_refused() -> None:
    """Who is not limited keeps what was asked."""
    scope = stores_in("filter.store_ids")
    for caller, given, may, left in (
        (LIMITED, [], True, ["danang", "hanoi"]),
        (LIMITED, ["hanoi"], True, ["hanoi"]),
        (LIMITED, ["hanoi", "hue"], False, ["hanoi", "hue"]),
        (LIMITED, [""], False, [""]),
        (EVERYWHERE, [], True, []),
        (EVERYWHERE, ["hue"], True, ["hue"]),
    ):
        request = pb.ListJobsRequest(filter=pb.JobFilter(store_ids=given))
        assert (await scope(caller, request), list(request.filter.store_ids)) == (may, left)


async def test_a_store_is_ones_own_or_it_is_not() -> None:
    """An empty field is nobody's store, and a call on everything is for those who have everything."""
    scope = store_in("store_id")
    answers = [await scope(LIMITED, pb.CreateJobRequest(store_id=store)) for store in ("hanoi", "hue", "")]
    assert answers == [True, False, False]
    assert await scope(EVERYWHERE, pb.CreateJobRequest())
    assert [await all_stores(caller, None) for caller in (LIMITED, EVERYWHERE)] == [False, True]
