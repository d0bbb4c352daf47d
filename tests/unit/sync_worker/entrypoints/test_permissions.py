"""The table of permissions is complete."""

from nhanhsync.sync.v1 import sync_worker_service_pb2
from sync_worker.entrypoints.permissions import PERMISSIONS

METHODS = sync_worker_service_pb2.DESCRIPTOR.services_by_name["SyncWorker"].methods_by_name


def test_every_call_has_a_row() -> None:
    """A call that is added to the contract has no permissions, and is missed here, until somebody decides."""
    assert set(PERMISSIONS) == set(METHODS)


def test_every_start_says_who_asks() -> None:
    """Each request with options is filled in, and no other."""
    for name, method in METHODS.items():
        expected = "options.created_by" if "options" in method.input_type.fields_by_name else ""
        assert PERMISSIONS[name].who == expected
