"""The benchmark asks for what the contract offers, and says so where it offers less."""

import pytest
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2

from bench.pulling.lists import NHANH_PRODUCTS, SHOPIFY_CUSTOMERS, SHOPIFY_VARIANTS, NotOfferedError, VendorList, Way


def test_a_full_pull_of_a_store() -> None:
    """Every request is for a full pull without a filter."""
    request = NHANH_PRODUCTS.request("hanoi")
    assert (request.options.store_id, request.mode) == ("hanoi", operations_pb2.PULL_MODE_FULL)
    assert not request.HasField("filter")


def test_a_queued_pull_waits_its_turn() -> None:
    """Two pulls of one list exclude each other: the second is refused unless it asks to wait."""
    policies = [NHANH_PRODUCTS.request("hanoi", queued=queued).options.conflict_policy for queued in (False, True)]
    assert policies == [job_pb2.CONFLICT_POLICY_UNSPECIFIED, job_pb2.CONFLICT_POLICY_QUEUE]


@pytest.mark.parametrize("wanted", [SHOPIFY_VARIANTS, SHOPIFY_CUSTOMERS])
@pytest.mark.parametrize("way", Way)
def test_a_way_is_asked_for_or_refused(wanted: VendorList, way: Way) -> None:
    """A way that the contract names is asked for by its name; pages need no name where there is nothing else."""
    field = getattr(operations_pb2, f"{wanted.rpc}Request").DESCRIPTOR.fields_by_name.get("method")
    if field is not None:
        asked = wanted.read(way).request("hanoi").method
        assert field.enum_type.values_by_number[asked].name.endswith(f"_{way}")
    elif way is Way.PAGES:
        assert wanted.read(way).request("hanoi").options.store_id == "hanoi"
    else:
        with pytest.raises(NotOfferedError):
            wanted.read(way).request("hanoi")
