"""What an operation is asked with, from the contract's messages. Faults are collected; what is returned beside them is void."""

from collections.abc import Callable
from datetime import date

from sync_worker.application.start_operation import StartOptions
from sync_worker.domain.mappings import PUSHABLE, MappingStatus
from sync_worker.domain.operations import Strategy
from sync_worker.domain.requests import (
    MatchCustomersRequest,
    MatchProductsRequest,
    NhanhCustomerFilter,
    NhanhProductFilter,
    OperationRequest,
    ProductAspect,
    PullMethod,
    PullMode,
    PullRequest,
    RetryFailedRequest,
    Selection,
    ShopifyCustomerFilter,
    ShopifyProductFilter,
    SyncCustomersRequest,
    SyncProductsRequest,
)
from sync_worker.entrypoints import choices
from sync_worker.entrypoints.reading import Reader

ReadRequest = Callable[[Reader], OperationRequest]

ALL_PUSHABLE = tuple(status for status in MappingStatus if status in PUSHABLE)


def start_options(read: Reader) -> StartOptions:
    """Read what every start says."""
    inner = read.inner("options")
    return StartOptions(
        store_id=inner.text("store_id"),
        request_id=inner.text("request_id"),
        conflict_policy=inner.choice("conflict_policy", choices.POLICIES),
        priority=inner.number("priority"),
        created_by=inner.text("created_by"),
        not_before=inner.unix_micros("not_before_time"),
    )


def pull_nhanh_products(read: Reader) -> PullRequest:
    """Read a PullNhanhProductsRequest."""
    inner = read.inner("filter")
    return PullRequest(
        _mode(read),
        NhanhProductFilter(
            name=inner.text("name"),
            category_ids=inner.values("category_ids"),
            brand_ids=inner.values("brand_ids"),
            statuses=inner.choices("statuses", choices.NHANH_PRODUCT_STATUSES),
            updated_since=inner.unix_seconds("updated_since"),
        ),
    )


def pull_shopify_products(read: Reader) -> PullRequest:
    """Read a PullShopifyProductsRequest."""
    inner = read.inner("filter")
    statuses = inner.choices("statuses", choices.SHOPIFY_PRODUCT_STATUSES)
    wanted = ShopifyProductFilter(statuses, inner.unix_seconds("updated_since"))
    return PullRequest(_mode(read), wanted, _method(read))


def pull_nhanh_customers(read: Reader) -> PullRequest:
    """Read a PullNhanhCustomersRequest."""
    inner = read.inner("filter")
    begin, end = _day(inner, "last_bought_from"), _day(inner, "last_bought_to")
    if begin and end and begin > end:
        inner.fault("last_bought_to", f"is before last_bought_from, {begin}")
    return PullRequest(
        _mode(read),
        NhanhCustomerFilter(
            type=inner.choice("type", choices.NHANH_CUSTOMER_TYPES) or None,
            last_bought_from=begin,
            last_bought_to=end,
            updated_since=inner.unix_seconds("updated_since"),
        ),
    )


def pull_shopify_customers(read: Reader) -> PullRequest:
    """Read a PullShopifyCustomersRequest."""
    inner = read.inner("filter")
    wanted = ShopifyCustomerFilter(inner.text("search"), inner.unix_seconds("updated_since"))
    return PullRequest(_mode(read), wanted, _method(read))


def sync_products(read: Reader) -> SyncProductsRequest:
    """Read a SyncProductsRequest."""
    return SyncProductsRequest(
        selection=_selection(read),
        aspects=read.choices("aspects", choices.ASPECTS) or (ProductAspect.INVENTORY,),
        repush=read.message.repush,
        allow_mass_zero=read.message.allow_mass_zero,
        dry_run=read.message.dry_run,
        max_drop_percent=read.number("max_drop_percent"),
    )


def sync_customers(read: Reader) -> SyncCustomersRequest:
    """Read a SyncCustomersRequest."""
    return SyncCustomersRequest(
        selection=_selection(read),
        repush=read.message.repush,
        allow_mass_zero=read.message.allow_mass_zero,
        dry_run=read.message.dry_run,
        max_drop_percent=read.number("max_drop_percent"),
    )


def match_products(read: Reader) -> MatchProductsRequest:
    """Read an AutoMatchProductsRequest."""
    return MatchProductsRequest(dry_run=read.message.dry_run)


def match_customers(read: Reader) -> MatchCustomersRequest:
    """Read an AutoMatchCustomersRequest."""
    strategy = read.choice("strategy", choices.STRATEGIES)
    if read.message.batch_size and strategy not in (Strategy.BATCH, None):
        read.fault("batch_size", f"is only for the strategy BATCH, not for {strategy}")
    batch_size = read.number("batch_size")
    return MatchCustomersRequest(strategy or Strategy.SQL, read.message.dry_run, batch_size)


def retry_failed(read: Reader) -> RetryFailedRequest:
    """Read a RetryFailedRequest."""
    return RetryFailedRequest(
        entities=read.choice("entity", choices.ENTITY_SETS) or (),
        limit=read.number("limit"),
        include_permanent=read.message.include_permanent,
        dry_run=read.message.dry_run,
    )


def _mode(read: Reader) -> PullMode:
    return read.choice("mode", choices.MODES) or PullMode.FULL


def _method(read: Reader) -> PullMethod:
    return read.choice("method", choices.METHODS) or PullMethod.AUTO


def _day(read: Reader, name: str) -> str:
    faults = len(read.faults)
    text = read.text(name)
    if text and len(read.faults) == faults:
        try:
            date.fromisoformat(text)
        except ValueError:
            read.fault(name, f"is no day of the calendar: {text}")
    return text


def _selection(read: Reader) -> Selection:
    inner = read.inner("selection")
    which = inner.message.WhichOneof("selection")
    if which == "ids":
        return Selection(mapping_ids=inner.inner("ids").values("mapping_ids"))
    if which == "statuses":
        listed = inner.inner("statuses")
        statuses = listed.choices("statuses", choices.STATUSES)
        for status in statuses:
            if status not in PUSHABLE:
                listed.fault("statuses", f"{status} is never pushed; choose among {', '.join(ALL_PUSHABLE)}")
        return Selection(statuses=statuses or ALL_PUSHABLE)
    read.fault("selection", "is missing: give ids or statuses")
    return Selection()
