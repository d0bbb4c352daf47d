"""The eleven operations as the command knows them: names, the call that starts each, and the options that each takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from nhanhsync.cli.choices import OptionError, choice, choices, moment_typed, words_of
from nhanhsync.sync.v1 import operations_pb2 as pb

Given = Mapping[str, Any]
"""Options by their parameter's name; what was not given is None, empty or False."""

Build = Callable[[pb.StartOptions, Given], Message]


@dataclass(frozen=True)
class Operation:
    """An operation: its name on the command line, its call on SyncWorker, and its own options (parameters' names)."""

    name: str
    label: str
    call: str
    options: frozenset[str]
    build: Build

    @property
    def typed_options(self) -> list[str]:
        """Its own options as people type them, in order."""
        return [f"--{name.replace('_', '-')}" for name in sorted(self.options)]


MODES = words_of(pb.PullMode, "PULL_MODE_")
METHODS = words_of(pb.PullMethod, "PULL_METHOD_")
NHANH_STATUSES = words_of(pb.NhanhProductStatus, "NHANH_PRODUCT_STATUS_")
SHOPIFY_STATUSES = words_of(pb.ShopifyProductStatus, "SHOPIFY_PRODUCT_STATUS_")
CUSTOMER_TYPES = words_of(pb.NhanhCustomerType, "NHANH_CUSTOMER_TYPE_")
MAPPING_STATUSES = words_of(pb.MappingStatus, "MAPPING_STATUS_")
ENTITIES = words_of(pb.Entity, "ENTITY_")
ASPECTS = {
    "inventory": [pb.PRODUCT_ASPECT_INVENTORY],
    "price": [pb.PRODUCT_ASPECT_PRICE],
    "both": [pb.PRODUCT_ASPECT_INVENTORY, pb.PRODUCT_ASPECT_PRICE],
}


def _mode(given: Given) -> Any:  # noqa: ANN401 - an enum's value
    return choice(given["mode"], MODES, "--mode")


def _method(given: Given) -> Any:  # noqa: ANN401 - an enum's value
    return choice(given["method"], METHODS, "--method")


def _since(given: Given) -> Any:  # noqa: ANN401 - a timestamp or None
    return moment_typed(given["updated_since"], "--updated-since")


def _pull_nhanh_products(options: pb.StartOptions, given: Given) -> Message:
    wanted = pb.NhanhProductFilter(
        name=given["name"] or "",
        category_ids=given["category_id"],
        brand_ids=given["brand_id"],
        statuses=choices(given["status"], NHANH_STATUSES, "--status"),  # type: ignore[arg-type]  # an enum's value
        updated_since=_since(given),
    )
    return pb.PullNhanhProductsRequest(options=options, mode=_mode(given), filter=wanted)


def _pull_shopify_products(options: pb.StartOptions, given: Given) -> Message:
    statuses: Any = choices(given["status"], SHOPIFY_STATUSES, "--status")
    wanted = pb.ShopifyProductFilter(statuses=statuses, updated_since=_since(given))
    return pb.PullShopifyProductsRequest(options=options, mode=_mode(given), filter=wanted, method=_method(given))


def _pull_nhanh_customers(options: pb.StartOptions, given: Given) -> Message:
    kind: Any = choice(given["type"], CUSTOMER_TYPES, "--type")
    wanted = pb.NhanhCustomerFilter(
        type=kind,
        last_bought_from=given["last_bought_from"] or "",
        last_bought_to=given["last_bought_to"] or "",
        updated_since=_since(given),
    )
    return pb.PullNhanhCustomersRequest(options=options, mode=_mode(given), filter=wanted)


def _pull_shopify_customers(options: pb.StartOptions, given: Given) -> Message:
    wanted = pb.ShopifyCustomerFilter(search=given["search"] or "", updated_since=_since(given))
    return pb.PullShopifyCustomersRequest(options=options, mode=_mode(given), filter=wanted, method=_method(given))


def _selection(given: Given) -> pb.MappingSelection:
    if given["mapping_id"] and given["status"]:
        raise OptionError("--mapping-id", "select mappings by --mapping-id or by --status, not both")
    if given["mapping_id"]:
        return pb.MappingSelection(ids=pb.MappingIds(mapping_ids=given["mapping_id"]))
    statuses: Any = choices(given["status"], MAPPING_STATUSES, "--status")
    return pb.MappingSelection(statuses=pb.MappingStatuses(statuses=statuses))


def _sync_products(options: pb.StartOptions, given: Given) -> Message:
    what = given["what"] or "inventory"
    if what not in ASPECTS:
        raise OptionError("--what", f"{what!r} is not one of {', '.join(ASPECTS)}")
    return pb.SyncProductsRequest(
        options=options,
        selection=_selection(given),
        aspects=ASPECTS[what],
        repush=given["repush"],
        allow_mass_zero=given["allow_mass_zero"],
        dry_run=given["dry_run"],
        max_drop_percent=given["max_drop_percent"] or 0,
    )


def _sync_customers(options: pb.StartOptions, given: Given) -> Message:
    return pb.SyncCustomersRequest(
        options=options,
        selection=_selection(given),
        repush=given["repush"],
        allow_mass_zero=given["allow_mass_zero"],
        dry_run=given["dry_run"],
        max_drop_percent=given["max_drop_percent"] or 0,
    )


def _match_products(options: pb.StartOptions, given: Given) -> Message:
    return pb.AutoMatchProductsRequest(options=options, dry_run=given["dry_run"])


def _match_customers(strategy: pb.CustomerMatchStrategy.ValueType) -> Build:
    def build(options: pb.StartOptions, given: Given) -> Message:
        return pb.AutoMatchCustomersRequest(
            options=options, strategy=strategy, dry_run=given["dry_run"], batch_size=given["batch_size"] or 0
        )

    return build


def _retry_failed(options: pb.StartOptions, given: Given) -> Message:
    entity: Any = choice(given["entity"], ENTITIES, "--entity")
    return pb.RetryFailedRequest(
        options=options,
        entity=entity,
        limit=given["limit"] or 0,
        include_permanent=given["include_permanent"],
        dry_run=given["dry_run"],
    )


_PULL = ("mode", "updated_since")
_PUSH = ("mapping_id", "status", "repush", "allow_mass_zero", "dry_run", "max_drop_percent")


def _operation(name: str, label: str, call: str, build: Build, *options: str) -> Operation:
    return Operation(name, label, call, frozenset(options), build)


OPERATIONS = {
    operation.name: operation
    for operation in (
        _operation(
            "pull-nhanh-products",
            "Pull Nhanh Products",
            "PullNhanhProducts",
            _pull_nhanh_products,
            *(*_PULL, "name", "category_id", "brand_id", "status"),
        ),
        _operation(
            "pull-shopify-products",
            "Pull Shopify Products",
            "PullShopifyProducts",
            _pull_shopify_products,
            *(*_PULL, "method", "status"),
        ),
        _operation(
            "pull-nhanh-customers",
            "Pull Nhanh Customers",
            "PullNhanhCustomers",
            _pull_nhanh_customers,
            *(*_PULL, "type", "last_bought_from", "last_bought_to"),
        ),
        _operation(
            "pull-shopify-customers",
            "Pull Shopify Customers",
            "PullShopifyCustomers",
            _pull_shopify_customers,
            *(*_PULL, "method", "search"),
        ),
        _operation("sync-products", "Product Sync", "SyncProducts", _sync_products, *(*_PUSH, "what")),
        _operation("sync-customers", "Customer Sync", "SyncCustomers", _sync_customers, *_PUSH),
        _operation("match-products", "Auto Match Products", "AutoMatchProducts", _match_products, "dry_run"),
        _operation(
            "match-customers-in-memory",
            "Auto Match Customers",
            "AutoMatchCustomers",
            _match_customers(pb.CUSTOMER_MATCH_STRATEGY_IN_MEMORY),
            "dry_run",
        ),
        _operation(
            "match-customers-sql",
            "Auto Match SQL",
            "AutoMatchCustomers",
            _match_customers(pb.CUSTOMER_MATCH_STRATEGY_SQL),
            "dry_run",
        ),
        _operation(
            "match-customers-batch",
            "Auto Match Batch",
            "AutoMatchCustomers",
            _match_customers(pb.CUSTOMER_MATCH_STRATEGY_BATCH),
            *("dry_run", "batch_size"),
        ),
        _operation(
            "retry-failed",
            "Retry Failed Sync",
            "RetryFailed",
            _retry_failed,
            *("entity", "limit", "include_permanent", "dry_run"),
        ),
    )
}
"""Every operation by its name."""


def describe() -> str:
    """Describe every operation for the help: its name, its label and the options that are its own."""
    return "\n\n".join(
        f"{operation.name} ({operation.label}): {', '.join(operation.typed_options)}"
        for operation in OPERATIONS.values()
    )
