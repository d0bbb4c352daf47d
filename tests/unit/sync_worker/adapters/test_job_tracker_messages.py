"""What is sent to JobTracker keeps its bounds: words for people are shortened, counts never bent."""

import re
from types import MappingProxyType

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from nhanhsync.jobs.v1 import job_pb2
from sync_worker.adapters import job_tracker_messages as messages
from sync_worker.application.ports.job_tracker import ConflictPolicy, NewJob
from sync_worker.application.ports.work_queue import MAX_FAILURES, ClaimedJob, Directive, LeaseGrant
from sync_worker.domain.failures import ItemFailure, Origin
from sync_worker.domain.operations import SPECS, LockNeed, Operation
from sync_worker.domain.progress import Progress


@given(code=st.text(max_size=100))
def test_every_code_becomes_a_word_for_machines(code: str) -> None:
    """Whatever a vendor calls its error."""
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", messages.machine_word(code))


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("NOT_FOUND", "NOT_FOUND"),
        ("ERR_429", "ERR_429"),
        ("invalid-owner", "INVALID_OWNER"),
        ("429", "CODE_429"),
        ("", "CODE"),
        ("lỗi", "L_I"),
    ],
)
def test_a_code_keeps_its_letters(code: str, word: str) -> None:
    """A code that is a word already is left alone."""
    assert messages.machine_word(code) == word


def test_counts_are_sent_as_they_are() -> None:
    """Even those that JobTracker will refuse: to bend them would hide a fault."""
    report = messages.progress_report(Progress(total=1, successful=3, failed=-1, skipped=2, metrics={"pages": 2.5}))
    assert report is not None
    assert (report.total, report.processed, report.successful, report.failed, report.skipped) == (1, 4, 3, -1, 2)
    assert dict(report.metrics) == {"pages": 2.5}


@pytest.mark.parametrize(("seconds", "sent"), [(0.0, 0), (30.5, 30_500), (-1.0, 0), (1e9, 86_400_000)])
def test_a_pause_keeps_to_what_jobtracker_takes(seconds: float, sent: int) -> None:
    """From nothing to a day, in milliseconds; unset, JobTracker chooses."""
    written = messages.pause(seconds)
    assert written is not None
    assert written.ToMilliseconds() == sent
    assert messages.pause(None) is None


def test_an_unknown_total_stays_unknown() -> None:
    """It is not zero."""
    report = messages.progress_report(Progress())
    assert report is not None
    assert not report.HasField("total")
    assert messages.progress_report(None) is None


def test_sentences_are_shortened() -> None:
    """A vendor's page of HTML does not stop a report."""
    report = messages.progress_report(Progress(phase="p" * 100, message="m" * 600))
    assert report is not None
    assert (len(report.phase), len(report.message)) == (64, 500)
    assert report.message.endswith("…")


def test_the_largest_report_fits_into_a_message() -> None:
    """500 failures with the longest sentences, in the widest script, take less than the 4 MiB that a server takes."""
    wide = "𝔳" * 5_000
    failures = [
        ItemFailure(f"{number}{wide}", wide, Origin.SHOPIFY, "X" * 99, wide, retryable=True)
        for number in range(MAX_FAILURES)
    ]
    sent = messages.item_failures(failures)
    assert sum(one.ByteSize() + 8 for one in sent) < 4 * 1024 * 1024
    assert {len(one.message) for one in sent} == {messages.ITEM_MESSAGE}


@pytest.mark.parametrize("origin", list(Origin))
def test_every_origin_is_known(origin: Origin) -> None:
    """Who refused an item is told."""
    (sent,) = messages.item_failures([ItemFailure("nhanh:1", "price", origin, "C", "m", retryable=True, attempts=2)])
    assert job_pb2.ItemFailureOrigin.Name(sent.origin) == f"ITEM_FAILURE_ORIGIN_{origin}"
    assert (sent.item_key, sent.stage, sent.code, sent.retryable, sent.attempts) == ("nhanh:1", "price", "C", True, 2)


def test_any_json_becomes_a_struct() -> None:
    """Mappings and sequences of any kind, nested."""
    value = {"a": (1, "x"), "b": MappingProxyType({"c": [None, True, MappingProxyType({"d": 1.5})]})}
    assert json_format.MessageToDict(messages.struct(value)) == {
        "a": [1.0, "x"],
        "b": {"c": [None, True, {"d": 1.5}]},
    }


def test_a_creation_is_written_whole() -> None:
    """Every field of a new job arrives."""
    request = messages.create_request(
        NewJob(
            request_id="r",
            type=Operation.AUTO_MATCH_CUSTOMERS,
            variant="SQL",
            store_id="hanoi",
            params={"dry_run": True},
            locks=(LockNeed("hanoi/a", exclusive=True), LockNeed("hanoi/b", exclusive=False)),
            conflict_policy=ConflictPolicy.QUEUE,
            priority=5,
            created_by="me",
            labels={"selection_id": "s"},
            not_before=1_800_000_000_000_001,
        )
    )
    assert (request.request_id, request.type, request.variant, request.store_id) == (
        "r",
        "AUTO_MATCH_CUSTOMERS",
        "SQL",
        "hanoi",
    )
    assert [(lock.key, lock.mode) for lock in request.locks] == [
        ("hanoi/a", job_pb2.LOCK_MODE_EXCLUSIVE),
        ("hanoi/b", job_pb2.LOCK_MODE_SHARED),
    ]
    assert (request.conflict_policy, request.priority, request.created_by) == (job_pb2.CONFLICT_POLICY_QUEUE, 5, "me")
    assert (dict(request.params), dict(request.labels)) == ({"dry_run": True}, {"selection_id": "s"})
    assert request.not_before_time.ToMicroseconds() == 1_800_000_000_000_001


def test_what_is_not_said_is_not_sent() -> None:
    """A job without a time starts at once, and JobTracker's default policy depends on whether there is a time."""
    request = messages.create_request(NewJob("r", Operation.AUTO_MATCH_PRODUCTS, "", "hanoi", {}, ()))
    assert not request.HasField("not_before_time")
    assert request.conflict_policy == job_pb2.CONFLICT_POLICY_UNSPECIFIED


def test_a_claimed_job_is_read_whole() -> None:
    """The fence stands for the exclusive keys alone."""
    message = job_pb2.ClaimedJob()
    message.job.CopyFrom(
        job_pb2.Job(
            job_id="job-1",
            type="PRODUCT_SYNC",
            variant="V",
            store_id="hanoi",
            attempt=2,
            priority=5,
            labels={"a": "b"},
            retry_of_job_id="job-0",
            retry_scope=job_pb2.RETRY_SCOPE_FAILED_ITEMS,
            locks=[
                job_pb2.Lock(key="hanoi/push/products", mode=job_pb2.LOCK_MODE_EXCLUSIVE),
                job_pb2.Lock(key="hanoi/mappings/products", mode=job_pb2.LOCK_MODE_SHARED),
            ],
        )
    )
    message.job.params.update({"repush": True})
    message.lease.CopyFrom(
        job_pb2.Lease(lease_token="t", fence=7, ttl=messages.duration(12.5), renew_after=messages.duration(4.25))
    )
    assert messages.claimed_job(message) == ClaimedJob(
        "job-1",
        "PRODUCT_SYNC",
        "V",
        "hanoi",
        2,
        {"repush": True},
        {"a": "b"},
        ("hanoi/push/products",),
        LeaseGrant("job-1", "t", 7, 12.5, 4.25),
        "job-0",
        failed_items_only=True,
        priority=5,
    )
    message.job.retry_scope = job_pb2.RETRY_SCOPE_ALL
    assert not messages.claimed_job(message).failed_items_only


def test_a_token_is_not_shown() -> None:
    """Whoever reads a log cannot report in the worker's name."""
    assert "secret" not in repr(LeaseGrant("job-1", "secret", 7, 30.0, 10.0))


def test_directives_are_read() -> None:
    """One that is not known yet asks for nothing."""
    read = [messages.directive_of(number) for number in (0, 1, 2, 3, 4, 5, 99)]
    assert read == [
        Directive.CONTINUE,
        Directive.CONTINUE,
        Directive.CANCEL,
        Directive.LEASE_LOST,
        Directive.PAUSE,
        Directive.DRAIN,
        Directive.CONTINUE,
    ]


def test_types_are_registered_with_label_and_variants() -> None:
    """How JobTracker learns labels, and that there are eleven operations."""
    sent = [messages.job_type(spec) for spec in SPECS.values()]
    assert {one.type: one.display_name for one in sent}["PRODUCT_SYNC"] == "Product Sync"
    assert sum(max(1, len(one.variants)) for one in sent) == 11
    assert {one.type for one in sent if one.retries_failed_items} == {"PRODUCT_SYNC", "CUSTOMER_SYNC"}
