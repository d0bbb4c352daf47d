"""A job's params: the typed request as proto JSON, without its options, which are fields of the job itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf import json_format
from google.protobuf.message import Message
from nhanhsync.sync.v1 import operations_pb2 as pb

from sync_worker.application.large_selections import put_back
from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.selections import Selections
from sync_worker.application.ports.work_queue import ClaimedJob
from sync_worker.application.refusals import InvalidFields
from sync_worker.domain.failures import OperationFailure
from sync_worker.domain.operations import Operation
from sync_worker.domain.requests import MatchCustomersRequest, OperationRequest
from sync_worker.entrypoints import requests
from sync_worker.entrypoints.reading import Reader


@dataclass(frozen=True, slots=True)
class Kind:
    """The message that asks for an operation, and how it is read."""

    message: type[Message]
    read: requests.ReadRequest


KINDS: dict[Operation, Kind] = {
    Operation.PULL_NHANH_PRODUCTS: Kind(pb.PullNhanhProductsRequest, requests.pull_nhanh_products),
    Operation.PULL_SHOPIFY_PRODUCTS: Kind(pb.PullShopifyProductsRequest, requests.pull_shopify_products),
    Operation.PULL_NHANH_CUSTOMERS: Kind(pb.PullNhanhCustomersRequest, requests.pull_nhanh_customers),
    Operation.PULL_SHOPIFY_CUSTOMERS: Kind(pb.PullShopifyCustomersRequest, requests.pull_shopify_customers),
    Operation.PRODUCT_SYNC: Kind(pb.SyncProductsRequest, requests.sync_products),
    Operation.CUSTOMER_SYNC: Kind(pb.SyncCustomersRequest, requests.sync_customers),
    Operation.AUTO_MATCH_PRODUCTS: Kind(pb.AutoMatchProductsRequest, requests.match_products),
    Operation.AUTO_MATCH_CUSTOMERS: Kind(pb.AutoMatchCustomersRequest, requests.match_customers),
    Operation.RETRY_FAILED_SYNC: Kind(pb.RetryFailedRequest, requests.retry_failed),
}


def params_of(message: Message) -> Mapping[str, JsonValue]:
    """Write a typed request as params; 64-bit identifiers become strings, as proto JSON has them."""
    kept = type(message)()
    kept.CopyFrom(message)
    kept.ClearField("options")
    params: dict[str, JsonValue] = json_format.MessageToDict(kept, preserving_proto_field_name=True)
    return params


def request_of(operation: Operation, params: Mapping[str, JsonValue]) -> OperationRequest:
    """Read params back, as strictly as a caller's request.

    Raises:
        InvalidFields: They are not what this operation is asked with.
    """
    kind = KINDS[operation]
    message = kind.message()
    if "options" in params:
        raise InvalidFields([("params.options", "are fields of the job, not params")])
    try:
        json_format.ParseDict(dict(params), message)
    except json_format.ParseError as error:
        raise InvalidFields([("params", str(error))]) from error
    read = Reader(message, path="params.")
    request = kind.read(read)
    read.refuse_faults()
    return request


async def request_of_job(job: ClaimedJob, selections: Selections) -> tuple[Operation, OperationRequest]:
    """Read what a claimed job is asked with.

    Raises:
        OperationFailure: INVALID_PARAMS: no attempt of this job can ever succeed.
    """
    params = await put_back(job.params, job.labels, selections)
    try:
        operation = Operation(job.type)
        request = request_of(operation, params)
    except (InvalidFields, ValueError) as error:
        raise OperationFailure(
            "INVALID_PARAMS", f"the job's params cannot be read: {error}", retryable=False
        ) from error
    if isinstance(request, MatchCustomersRequest) and job.variant != request.strategy:
        raise OperationFailure(
            "INVALID_PARAMS",
            f"the job's variant {job.variant!r} is not the strategy of its params, {request.strategy}",
            retryable=False,
        )
    return operation, request
