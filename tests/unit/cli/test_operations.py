"""What is typed becomes the typed request of the operation, with every option in its place."""

import inspect
import re

import pytest
from google.protobuf.message import Message
from nhanhsync.cli import words
from nhanhsync.cli.choices import POLICIES
from nhanhsync.cli.operations import OPERATIONS
from nhanhsync.cli.run import EVERYWHERE, run
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.sync.v1 import operations_pb2 as pb

from tests.fakes.command_line import typed as type_words
from tests.fakes.recording_session import RecordingSession, RecordingSyncWorker

ALL = pb.MappingSelection(statuses=pb.MappingStatuses())
SINCE = words.moment_of("2026-07-01T08:00")
OPTIONS = pb.StartOptions(store_id="hanoi", created_by="nhanhsync-cli")

PULL = "--mode incremental --updated-since 2026-07-01T08:00"
PUSH = "--status pending --status failed --repush --allow-mass-zero --dry-run --max-drop-percent 7"
CHOSEN = pb.MappingSelection(
    statuses=pb.MappingStatuses(statuses=[pb.MAPPING_STATUS_PENDING, pb.MAPPING_STATUS_FAILED])
)
PUSHED = {"selection": CHOSEN, "repush": True, "allow_mass_zero": True, "dry_run": True, "max_drop_percent": 7}

FULL: dict[str, tuple[str, str, Message]] = {
    "pull-nhanh-products": (
        f"{PULL} --name áo --category-id 3 --category-id 4 --brand-id 5 --status new --status out-of-stock",
        "PullNhanhProducts",
        pb.PullNhanhProductsRequest(
            options=OPTIONS,
            mode=pb.PULL_MODE_INCREMENTAL,
            filter=pb.NhanhProductFilter(
                name="áo",
                category_ids=[3, 4],
                brand_ids=[5],
                statuses=[pb.NHANH_PRODUCT_STATUS_NEW, pb.NHANH_PRODUCT_STATUS_OUT_OF_STOCK],
                updated_since=SINCE,
            ),
        ),
    ),
    "pull-shopify-products": (
        f"{PULL} --status draft --method pages",
        "PullShopifyProducts",
        pb.PullShopifyProductsRequest(
            options=OPTIONS,
            mode=pb.PULL_MODE_INCREMENTAL,
            filter=pb.ShopifyProductFilter(statuses=[pb.SHOPIFY_PRODUCT_STATUS_DRAFT], updated_since=SINCE),
            method=pb.PULL_METHOD_PAGES,
        ),
    ),
    "pull-nhanh-customers": (
        f"{PULL} --type wholesale --last-bought-from 2026-01-02 --last-bought-to 2026-03-04",
        "PullNhanhCustomers",
        pb.PullNhanhCustomersRequest(
            options=OPTIONS,
            mode=pb.PULL_MODE_INCREMENTAL,
            filter=pb.NhanhCustomerFilter(
                type=pb.NHANH_CUSTOMER_TYPE_WHOLESALE,
                last_bought_from="2026-01-02",
                last_bought_to="2026-03-04",
                updated_since=SINCE,
            ),
        ),
    ),
    "pull-shopify-customers": (
        f"{PULL} --search country:VN --method bulk",
        "PullShopifyCustomers",
        pb.PullShopifyCustomersRequest(
            options=OPTIONS,
            mode=pb.PULL_MODE_INCREMENTAL,
            filter=pb.ShopifyCustomerFilter(search="country:VN", updated_since=SINCE),
            method=pb.PULL_METHOD_BULK,
        ),
    ),
    "sync-products": (
        f"{PUSH} --what both",
        "SyncProducts",
        pb.SyncProductsRequest(
            options=OPTIONS,
            aspects=[pb.PRODUCT_ASPECT_INVENTORY, pb.PRODUCT_ASPECT_PRICE],
            **PUSHED,  # type: ignore[arg-type]
        ),
    ),
    "sync-customers": (PUSH, "SyncCustomers", pb.SyncCustomersRequest(options=OPTIONS, **PUSHED)),  # type: ignore[arg-type]
    "match-products": (
        "--dry-run",
        "AutoMatchProducts",
        pb.AutoMatchProductsRequest(options=OPTIONS, dry_run=True),
    ),
    "match-customers-in-memory": (
        "--dry-run",
        "AutoMatchCustomers",
        pb.AutoMatchCustomersRequest(options=OPTIONS, strategy=pb.CUSTOMER_MATCH_STRATEGY_IN_MEMORY, dry_run=True),
    ),
    "match-customers-sql": (
        "--dry-run",
        "AutoMatchCustomers",
        pb.AutoMatchCustomersRequest(options=OPTIONS, strategy=pb.CUSTOMER_MATCH_STRATEGY_SQL, dry_run=True),
    ),
    "match-customers-batch": (
        "--dry-run --batch-size 25",
        "AutoMatchCustomers",
        pb.AutoMatchCustomersRequest(
            options=OPTIONS, strategy=pb.CUSTOMER_MATCH_STRATEGY_BATCH, dry_run=True, batch_size=25
        ),
    ),
    "retry-failed": (
        "--entity customers --limit 9 --include-permanent --dry-run",
        "RetryFailed",
        pb.RetryFailedRequest(
            options=OPTIONS, entity=pb.ENTITY_CUSTOMERS, limit=9, include_permanent=True, dry_run=True
        ),
    ),
}
"""Each operation with every one of its options typed (but --mapping-id, which excludes --status)."""

EMPTY: dict[str, Message] = {
    "pull-nhanh-products": pb.PullNhanhProductsRequest(options=OPTIONS, filter=pb.NhanhProductFilter()),
    "pull-shopify-products": pb.PullShopifyProductsRequest(options=OPTIONS, filter=pb.ShopifyProductFilter()),
    "pull-nhanh-customers": pb.PullNhanhCustomersRequest(options=OPTIONS, filter=pb.NhanhCustomerFilter()),
    "pull-shopify-customers": pb.PullShopifyCustomersRequest(options=OPTIONS, filter=pb.ShopifyCustomerFilter()),
    "sync-products": pb.SyncProductsRequest(options=OPTIONS, selection=ALL, aspects=[pb.PRODUCT_ASPECT_INVENTORY]),
    "sync-customers": pb.SyncCustomersRequest(options=OPTIONS, selection=ALL),
    "match-products": pb.AutoMatchProductsRequest(options=OPTIONS),
    "match-customers-in-memory": pb.AutoMatchCustomersRequest(
        options=OPTIONS, strategy=pb.CUSTOMER_MATCH_STRATEGY_IN_MEMORY
    ),
    "match-customers-sql": pb.AutoMatchCustomersRequest(options=OPTIONS, strategy=pb.CUSTOMER_MATCH_STRATEGY_SQL),
    "match-customers-batch": pb.AutoMatchCustomersRequest(options=OPTIONS, strategy=pb.CUSTOMER_MATCH_STRATEGY_BATCH),
    "retry-failed": pb.RetryFailedRequest(options=OPTIONS),
}
"""Each operation with no option of its own typed: the service's defaults hold."""


def _typed() -> dict[str, list[str]]:
    """Give the words that each option of any operation is typed by, taken from the lines above."""
    found = {"mapping_id": ["--mapping-id", "m-1"]}
    for line, _, _ in FULL.values():
        for part in line.replace(" --", "\n--").splitlines():
            words_of_option = part.split(" ", 1)
            found[words_of_option[0].removeprefix("--").replace("-", "_")] = words_of_option
    return found


TYPED = _typed()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> RecordingSyncWorker:
    """What the command asks of SyncWorker from here on."""
    recording = RecordingSyncWorker()
    monkeypatch.setattr(RecordingSession, "worker", recording)
    monkeypatch.setattr("nhanhsync.cli.main.Session", RecordingSession)
    return recording


def test_all_eleven_are_known_with_all_their_options() -> None:
    """The tables above leave out no operation and no option."""
    assert list(OPERATIONS) == list(FULL) == list(EMPTY)
    for name, (line, call, _) in FULL.items():
        typed = {word.removeprefix("--").replace("-", "_") for word in line.split() if word.startswith("--")}
        assert typed == OPERATIONS[name].options - {"mapping_id"}
        assert OPERATIONS[name].call == call


def test_every_option_of_the_command_is_somebodys() -> None:
    """What `run` takes is taken by all operations or by some, and nothing is in both."""
    own = frozenset[str]().union(*(operation.options for operation in OPERATIONS.values()))
    assert set(inspect.signature(run).parameters) - {"context"} == own | EVERYWHERE
    assert own & EVERYWHERE == set()


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_every_option_reaches_the_request(worker: RecordingSyncWorker, name: str) -> None:
    """All options typed at once make exactly one call with exactly this request."""
    line, call, request = FULL[name]
    ran = type_words(["run", name, "--store", "hanoi", *line.split()])
    assert (ran.code, worker.asked) == (0, [(call, request)]), ran.err


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_what_is_not_typed_is_left_to_the_service(worker: RecordingSyncWorker, name: str) -> None:
    """No filter, no limit, no mode is made up; a sync selects all mappings and pushes stock."""
    ran = type_words(["run", name, "--store", "hanoi"])
    assert (ran.code, worker.asked) == (0, [(OPERATIONS[name].call, EMPTY[name])]), ran.err


@pytest.mark.parametrize(
    ("name", "switch"),
    [
        (operation.name, switch)
        for operation in OPERATIONS.values()
        for switch in sorted(operation.options & {"repush", "allow_mass_zero", "dry_run", "include_permanent"})
    ],
)
def test_a_switch_sets_its_own_field_alone(worker: RecordingSyncWorker, name: str, switch: str) -> None:
    """No switch does another's work: --repush lifts no guard."""
    assert type_words(["run", name, "--store", "hanoi", f"--{switch.replace('_', '-')}"]).code == 0
    expected = type(EMPTY[name])()
    expected.CopyFrom(EMPTY[name])
    setattr(expected, switch, True)
    assert worker.asked == [(OPERATIONS[name].call, expected)]


@pytest.mark.parametrize("name", ["sync-products", "sync-customers"])
def test_mappings_are_selected_by_id(worker: RecordingSyncWorker, name: str) -> None:
    """Those and no others."""
    ran = type_words(["run", name, "--store", "hanoi", "--mapping-id", "m-1", "--mapping-id", "m-2"])
    ((_, request),) = worker.asked
    assert isinstance(request, pb.SyncProductsRequest | pb.SyncCustomersRequest)
    assert (ran.code, list(request.selection.ids.mapping_ids)) == (0, ["m-1", "m-2"])


@pytest.mark.parametrize(
    ("what", "aspects"),
    [("inventory", [pb.PRODUCT_ASPECT_INVENTORY]), ("price", [pb.PRODUCT_ASPECT_PRICE])],
)
def test_one_aspect_is_pushed_alone(
    worker: RecordingSyncWorker, what: str, aspects: list[pb.ProductAspect.ValueType]
) -> None:
    """A push of prices writes no stock."""
    assert type_words(["run", "sync-products", "--store", "hanoi", "--what", what]).code == 0
    ((_, request),) = worker.asked
    assert isinstance(request, pb.SyncProductsRequest)
    assert list(request.aspects) == aspects


def test_what_every_operation_takes_reaches_the_request(worker: RecordingSyncWorker) -> None:
    """Policy, time, request id, priority and who started it."""
    line = "--conflict queue --not-before 2026-07-01T02:00 --request-id r-1 --priority -5 --created-by night-shift"
    assert type_words(["run", "match-products", "--store", "danang", *line.split()]).code == 0
    expected = pb.StartOptions(
        store_id="danang",
        request_id="r-1",
        conflict_policy=job_pb2.CONFLICT_POLICY_QUEUE,
        priority=-5,
        created_by="night-shift",
        not_before_time=words.moment_of("2026-07-01T02:00"),
    )
    assert worker.asked == [("AutoMatchProducts", pb.AutoMatchProductsRequest(options=expected))]


@pytest.mark.parametrize(
    ("word", "policy"),
    [
        ("fail", job_pb2.CONFLICT_POLICY_FAIL),
        ("queue", job_pb2.CONFLICT_POLICY_QUEUE),
        ("use-existing", job_pb2.CONFLICT_POLICY_USE_EXISTING),
        ("replace", job_pb2.CONFLICT_POLICY_REPLACE),
    ],
)
@pytest.mark.parametrize("option", ["--conflict", "--conflict-policy"])
def test_every_policy_has_a_word(
    worker: RecordingSyncWorker, word: str, policy: job_pb2.ConflictPolicy.ValueType, option: str
) -> None:
    """Under the option's short name and its long one; none is forgotten."""
    assert type_words(["run", "match-products", "--store", "hanoi", option, word]).code == 0
    ((_, request),) = worker.asked
    assert isinstance(request, pb.AutoMatchProductsRequest)
    assert request.options.conflict_policy == policy
    assert set(POLICIES.values()) == set(job_pb2.ConflictPolicy.values()) - {job_pb2.CONFLICT_POLICY_UNSPECIFIED}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("pull-nhanh-products --mode quick", "--mode: 'quick' is not one of full, incremental"),
        ("pull-nhanh-products --status open", "--status: 'open' is not one of new, on-sale, stopped, out-of-stock"),
        ("pull-shopify-products --status new", "--status: 'new' is not one of active, draft, archived"),
        ("pull-nhanh-customers --type rich", "--type: 'rich' is not one of retail, wholesale, agent"),
        ("sync-products --what all", "--what: 'all' is not one of inventory, price, both"),
        ("sync-customers --status new", "'new' is not one of pending, synced, failed, pending-approval"),
        ("retry-failed --entity shops", "--entity: 'shops' is not one of products, customers"),
        ("match-products --conflict wait", "--conflict: 'wait' is not one of fail, queue, use-existing, replace"),
        ("match-products --not-before soon", "--not-before: 'soon' is no time; write 2026-07-01T08:00"),
        ("pull-nhanh-products --updated-since soon", "--updated-since: 'soon' is no time; write 2026-07-01T08:00"),
        ("pull-nhanh-products --updated-since 0001-01-01", "--updated-since: '0001-01-01' is no time"),
        ("sync-products --mapping-id m-1 --status failed", "by --mapping-id or by --status, not both"),
        ("match-products --priority 3000000000", "--priority: 3000000000 is out of range"),
        ("retry-failed --limit 3000000000", "out of range: 3000000000"),
        ("retry-failed --limit 0", "--limit': Input should be greater than or equal to 1"),
        ("sync-products --max-drop-percent 0", "--max-drop-percent': Input should be greater than or equal to 1"),
        ("match-customers-batch --batch-size 0", "--batch-size': Input should be greater than or equal to 1"),
        ("pull-nhanh-products --category-id x", "--category-id': Input should be a valid integer"),
        ("match-products --timeout 5", "--timeout: only with --watch"),
    ],
)
def test_a_value_that_cannot_be_meant_is_wrong_usage(worker: RecordingSyncWorker, line: str, complaint: str) -> None:
    """It ends with 2 and the choices; 0, which the contract takes for the default, is not passed off as one."""
    ran = type_words(["run", *line.split(), "--store", "hanoi"])
    assert (ran.code, worker.asked) == (2, [])
    assert complaint in ran.complaint


def test_an_unknown_operation_is_refused_with_all_eleven(worker: RecordingSyncWorker) -> None:
    """Exit 2, before anything is asked."""
    ran = type_words(["run", "pull-everything", "--store", "hanoi"])
    assert (ran.code, worker.asked) == (2, [])
    assert "'pull-everything' is none of the operations: " + ", ".join(OPERATIONS) in ran.complaint


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_options_of_other_operations_are_refused(worker: RecordingSyncWorker, name: str) -> None:
    """Every option that is not the operation's own ends with 2, and its own ones are named."""
    foreign = sorted(set(TYPED) - OPERATIONS[name].options)
    ran = type_words(["run", name, "--store", "hanoi", *(word for option in foreign for word in TYPED[option])])
    assert (ran.code, worker.asked) == (2, [])
    refused = ", ".join(sorted(TYPED[option][0] for option in foreign))
    assert f"{name} does not take {refused}; its own options are --" in ran.complaint


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_every_operation_is_in_the_help(name: str) -> None:
    """With its label and just those options that it takes."""
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", type_words(["run", "--help"]).out)]
    (line,) = [each for each in paragraphs if each.startswith(f"{name} (")]
    label, options = line.removeprefix(f"{name} (").split("): ")
    assert label == OPERATIONS[name].label
    assert {each.removeprefix("--").replace("-", "_") for each in options.split(", ")} == OPERATIONS[name].options
