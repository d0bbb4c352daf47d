"""Every bad field of a start is named at once."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb
from sync_worker.adapters.job_tracker_messages import POLICIES
from sync_worker.application.ports.job_tracker import ConflictPolicy
from sync_worker.application.refusals import InvalidFields
from sync_worker.application.start_operation import StartOptions
from sync_worker.entrypoints import requests
from sync_worker.entrypoints.params import KINDS
from sync_worker.entrypoints.reading import Reader

READERS = {kind.message: kind.read for kind in KINDS.values()}
OPTIONS = pb.StartOptions(store_id="hanoi")
ID = "0190a5d0-ac96-774b-bcce-b302099a8057"


def faults(message: Any) -> dict[str, str]:
    """What is wrong with a start."""
    read = Reader(message)
    requests.start_options(read)
    READERS[type(message)](read)
    return dict(read.faults)


def ids(*named: str) -> pb.MappingSelection:
    """A selection by id."""
    return pb.MappingSelection(ids=pb.MappingIds(mapping_ids=named))


def states(*numbers: Any) -> pb.MappingSelection:
    """A selection by state."""
    return pb.MappingSelection(statuses=pb.MappingStatuses(statuses=numbers))


def test_options_are_read() -> None:
    """What is not said is left to JobTracker; a job never starts before the time that is asked for."""
    message = pb.AutoMatchProductsRequest(
        options=pb.StartOptions(
            store_id="hanoi",
            request_id="r",
            conflict_policy=2,
            priority=-100,
            created_by="me",
            not_before_time=Timestamp(seconds=1_800_000_000, nanos=1),
        )
    )
    expected = StartOptions("hanoi", "r", ConflictPolicy.QUEUE, -100, "me", 1_800_000_000_000_001)
    assert requests.start_options(Reader(message)) == expected
    plain = requests.start_options(Reader(pb.AutoMatchProductsRequest(options=OPTIONS)))
    assert plain == StartOptions("hanoi", "", None, 0, "", None)


@pytest.mark.parametrize("policy", list(ConflictPolicy))
def test_every_policy_is_read(policy: ConflictPolicy) -> None:
    """And written to JobTracker under the same name."""
    number = job_pb2.ConflictPolicy.Value(f"CONFLICT_POLICY_{policy}")
    message = pb.AutoMatchProductsRequest(options=pb.StartOptions(store_id="hanoi", conflict_policy=number))
    assert requests.start_options(Reader(message)).conflict_policy is policy
    assert POLICIES[policy] == number


def test_all_bad_fields_are_named_at_once() -> None:
    """A caller corrects a request once."""
    message = pb.SyncProductsRequest(
        options=pb.StartOptions(
            store_id="Hanoi!",
            request_id="r" * 129,
            conflict_policy=9,  # type: ignore[arg-type]  # no such policy
            priority=101,
            created_by="c" * 129,
        ),
        selection=ids("1", ID, "x" * 37),
        aspects=[0, 1, 8],  # type: ignore[list-item]  # no such aspects
        max_drop_percent=101,
    )
    assert faults(message) == {
        "options.store_id": "must be a store's id: small letters, digits, _ and -",
        "options.request_id": "must have at most 128 characters, has 129",
        "options.conflict_policy": "has no value 9",
        "options.priority": "must be from -100 to 100, is 101",
        "options.created_by": "must have at most 128 characters, has 129",
        "selection.ids.mapping_ids[0]": "must be a mapping's id, a UUID in small letters",
        "selection.ids.mapping_ids[2]": "must have at most 36 characters, has 37",
        "aspects[0]": "is missing",
        "aspects[2]": "has no value 8",
        "max_drop_percent": "must be from 0 to 100, is 101",
    }


def test_a_fault_is_an_exception_with_all_of_them() -> None:
    """What is refused says why, in one sentence a field."""
    read = Reader(pb.AutoMatchProductsRequest())
    requests.start_options(read)
    with pytest.raises(InvalidFields, match=r"options\.store_id is missing"):
        read.refuse_faults()


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (pb.PullShopifyProductsRequest(options=OPTIONS, method=4), {"method": "has no value 4"}),  # type: ignore[arg-type]
        (pb.PullShopifyCustomersRequest(options=OPTIONS, method=9), {"method": "has no value 9"}),  # type: ignore[arg-type]
        (pb.PullNhanhProductsRequest(options=OPTIONS, mode=7), {"mode": "has no value 7"}),  # type: ignore[arg-type]
        (
            pb.PullNhanhProductsRequest(options=OPTIONS, filter=pb.NhanhProductFilter(name="n" * 201)),
            {"filter.name": "must have at most 200 characters, has 201"},
        ),
        (
            pb.PullNhanhProductsRequest(options=OPTIONS, filter=pb.NhanhProductFilter(category_ids=[1, 0, -1])),
            {
                "filter.category_ids[1]": f"must be from 1 to {2**63 - 1}, is 0",
                "filter.category_ids[2]": f"must be from 1 to {2**63 - 1}, is -1",
            },
        ),
        (
            pb.PullNhanhProductsRequest(options=OPTIONS, filter=pb.NhanhProductFilter(brand_ids=range(101))),
            {"filter.brand_ids": "must hold at most 100, holds 101"},
        ),
        (
            pb.PullNhanhProductsRequest(options=OPTIONS, filter=pb.NhanhProductFilter(statuses=[0])),
            {"filter.statuses[0]": "is missing"},
        ),
        (
            pb.PullNhanhProductsRequest(
                options=OPTIONS, filter=pb.NhanhProductFilter(updated_since=Timestamp(seconds=-1))
            ),
            {"filter.updated_since": "must be a time from 1970 to 9999"},
        ),
        (
            pb.PullShopifyProductsRequest(options=OPTIONS, filter=pb.ShopifyProductFilter(statuses=[0, 4])),  # type: ignore[list-item]
            {"filter.statuses[0]": "is missing", "filter.statuses[1]": "has no value 4"},
        ),
        (
            pb.PullShopifyProductsRequest(
                options=OPTIONS, filter=pb.ShopifyProductFilter(updated_since=Timestamp(nanos=2_000_000_000))
            ),
            {"filter.updated_since": "must be a time from 1970 to 9999"},
        ),
        (
            pb.PullNhanhCustomersRequest(options=OPTIONS, filter=pb.NhanhCustomerFilter(type=4)),  # type: ignore[arg-type]
            {"filter.type": "has no value 4"},
        ),
        (
            pb.PullNhanhCustomersRequest(
                options=OPTIONS, filter=pb.NhanhCustomerFilter(last_bought_from="1/2/2026", last_bought_to="2026-02-30")
            ),
            {
                "filter.last_bought_from": 'must be a day, "YYYY-MM-DD"',
                "filter.last_bought_to": "is no day of the calendar: 2026-02-30",
            },
        ),
        (
            pb.PullNhanhCustomersRequest(
                options=OPTIONS,
                filter=pb.NhanhCustomerFilter(last_bought_from="2026-03-02", last_bought_to="2026-03-01"),
            ),
            {"filter.last_bought_to": "is before last_bought_from, 2026-03-02"},
        ),
        (
            pb.PullShopifyCustomersRequest(options=OPTIONS, filter=pb.ShopifyCustomerFilter(search="s" * 501)),
            {"filter.search": "must have at most 500 characters, has 501"},
        ),
        (pb.SyncProductsRequest(options=OPTIONS), {"selection": "is missing: give ids or statuses"}),
        (pb.SyncCustomersRequest(options=OPTIONS, selection=ids()), {"selection.ids.mapping_ids": "is missing"}),
        (
            pb.SyncCustomersRequest(options=OPTIONS, selection=ids(*["x"] * 10_001)),
            {"selection.ids.mapping_ids": "must hold at most 10,000, holds 10,001"},
        ),
        (
            pb.SyncCustomersRequest(options=OPTIONS, selection=states(0, 9)),
            {
                "selection.statuses.statuses[0]": "is missing",
                "selection.statuses.statuses[1]": "has no value 9",
            },
        ),
        (
            pb.SyncCustomersRequest(options=OPTIONS, selection=states(pb.MAPPING_STATUS_PENDING_APPROVAL)),
            {"selection.statuses.statuses": "PENDING_APPROVAL is never pushed; choose among PENDING, SYNCED, FAILED"},
        ),
        (
            pb.AutoMatchCustomersRequest(options=OPTIONS, strategy=9, batch_size=100_001),  # type: ignore[arg-type]
            {"strategy": "has no value 9", "batch_size": "must be from 0 to 100000, is 100001"},
        ),
        (
            pb.AutoMatchCustomersRequest(options=OPTIONS, batch_size=10),
            {"batch_size": "is only for the strategy BATCH, not for SQL"},
        ),
        (pb.RetryFailedRequest(options=OPTIONS, limit=-1), {"limit": "must be from 0 to 10000, is -1"}),
        (pb.RetryFailedRequest(options=OPTIONS, entity=3), {"entity": "has no value 3"}),  # type: ignore[arg-type]
    ],
)
def test_bad_fields_are_named(message: Any, named: dict[str, str]) -> None:
    """Each with its path and what is wrong with it."""
    assert faults(message) == named
