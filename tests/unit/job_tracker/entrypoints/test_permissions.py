"""The table of permissions is complete."""

from typing import Any, cast

from job_tracker.entrypoints.permissions import permissions
from nhanhsync.jobs.v1 import job_tracker_service_pb2

METHODS = job_tracker_service_pb2.DESCRIPTOR.services_by_name["JobTracker"].methods_by_name
TABLE = permissions(cast(Any, None))


def test_every_call_has_a_row() -> None:
    """A call that is added to the contract has no permissions, and is missed here, until somebody decides."""
    assert set(TABLE) == set(METHODS)


def test_every_request_that_says_who_asks_is_filled_in() -> None:
    """A field for who asks is in its row, and no row names a field that is not there."""
    for name, method in METHODS.items():
        fields = {"created_by", "requested_by"} & set(method.input_type.fields_by_name)
        assert {TABLE[name].who} - {""} == fields
