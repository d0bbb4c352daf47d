"""What replicas tell each other: once each, in as few payloads as hold it, and understood as it was meant."""

from job_tracker.adapters.wakeups import lines
from job_tracker.adapters.wakeups.outbox import FULL, Outbox
from job_tracker.adapters.wakeups.payloads import LONGEST_PAYLOAD, packed, unpacked
from job_tracker.application.changes import ALL_JOBS, PENDING, of_job, of_worker
from job_tracker.application.tracker import Directive, Told

from tests.fakes.replicas import RecordedChanges

CANCEL = Told("job-1", Directive.CANCEL, "vì hết hàng\nnhé", 7)


async def test_each_thing_is_told_once() -> None:
    """A job is urgent if any of its changes was; of two directives for one lease the later stands."""
    outbox = Outbox()
    for urgent in (False, True, False):
        assert outbox.put(ALL_JOBS, "job-1", None, urgent=urgent)
        assert not outbox.put(of_job("job-1"), "job-1", None, urgent=urgent)
    outbox.put(ALL_JOBS, "job-2", None, urgent=False)
    outbox.put(PENDING, "", None, urgent=True)
    outbox.put(PENDING, "", None, urgent=True)
    pause = Told("job-1", Directive.PAUSE, "", 7)
    outbox.put(of_worker("w"), pause.key, pause, urgent=True)
    outbox.put(of_worker("w"), CANCEL.key, CANCEL, urgent=True)
    assert outbox.take() == [lines.of_directive("w", CANCEL), "Jjob-1", "jjob-2", "P"]
    assert outbox.take() == []


async def test_of_too_much_the_others_are_told_to_look() -> None:
    """Memory is bounded, and so it is when nobody knows what was told."""
    outbox = Outbox()
    for number in range(FULL + 1):
        outbox.put(ALL_JOBS, f"job-{number}", None, urgent=True)
    assert outbox.take() == ["R"]
    outbox.put(PENDING, "", None, urgent=True)
    outbox.lose()
    outbox.put(ALL_JOBS, "job-1", None, urgent=True)
    assert outbox.take() == ["Jjob-1", "R"]


def test_payloads_hold_all_lines_and_no_more_than_fits() -> None:
    """A thousand jobs go in a handful, in order; letters of more than one byte are counted as such."""
    many = [f"Jjob-{number:032}ế" for number in range(1_000)]
    payloads = packed("me", many)
    assert all(len(payload.encode()) <= LONGEST_PAYLOAD for payload in payloads)
    assert [line for payload in payloads for line in unpacked(payload)[1]] == many
    assert {unpacked(payload)[0] for payload in payloads} == {"me"}
    assert len(payloads) == -(-len(many) * (len(many[0].encode()) + 1) // (LONGEST_PAYLOAD - 50))
    assert packed("me", []) == []


async def test_a_directive_arrives_as_it_was_sent() -> None:
    """Worker, lease and reason, whatever letters they have, on one line."""
    changes = RecordedChanges()
    line = lines.of_directive("nhân viên\n1", CANCEL)
    assert "\n" not in line
    assert lines.deliver(line, changes)
    assert changes.delivered == [(of_worker("nhân viên\n1"), CANCEL.key, CANCEL, True)]


async def test_the_longest_directive_fits() -> None:
    """A reason is cut before it is too long for a payload; it stands whole in the job."""
    told = Told("j" * 36, Directive.CANCEL, "\x01" * 4_000, 1 << 60)
    (payload,) = packed("x" * 16, [lines.of_directive("😀" * 128, told)])
    assert len(payload.encode()) <= LONGEST_PAYLOAD


async def test_what_a_later_version_says_is_a_reason_to_look() -> None:
    """A line of an unknown kind, or a directive of one, is not passed on."""
    changes = RecordedChanges()
    for line in ("R", "Xsomething", "", "Dnot json", 'D["w","j","DANCE","",1]', 'D["w"]', "D3", "Pp"):
        assert not lines.deliver(line, changes)
    assert changes.delivered == []
