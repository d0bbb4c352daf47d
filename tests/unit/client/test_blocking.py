"""The blocking client against a channel whose other end is the test: it sees each request and answers by hand."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import grpc
import grpc_testing
import pytest
from nhanhsync.client.blocking import BlockingClient
from nhanhsync.jobs.v1 import job_pb2
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb

TRACKER = pb.DESCRIPTOR.services_by_name["JobTracker"]
WATCH = TRACKER.methods_by_name["WatchJob"]
WAIT = TRACKER.methods_by_name["WaitJob"]
CREATE = TRACKER.methods_by_name["CreateJob"]


class Rig:
    """A client in a thread of its own, and the other end of its channels."""

    def __init__(self) -> None:
        time = grpc_testing.strict_real_time()
        self.jobs = grpc_testing.channel([TRACKER], time)
        self.watching = grpc_testing.channel([TRACKER], time)
        self.waits: list[float] = []
        self.client = BlockingClient(
            self.jobs,
            self.watching,
            self.jobs,
            sleep=self.waits.append,
            uniform=lambda _low, high: high,
        )

    def run(self, call: Callable[[], Any]) -> "Future[Any]":
        """Call the client in a thread that does not outlive the tests, whatever it waits for."""
        answer: Future[Any] = Future()

        def work() -> None:
            try:
                answer.set_result(call())
            except Exception as error:  # for whoever asks for the answer
                answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return answer


@pytest.fixture
def rig() -> Rig:
    """A rig of its own for each test."""
    return Rig()


def update(revision: int, state: job_pb2.JobState.ValueType) -> pb.WatchJobResponse:
    """A message of the stream."""
    return pb.WatchJobResponse(job=job_pb2.Job(job_id="j", revision=revision, state=state))


def test_a_watch_resumes_after_the_last_revision_it_saw(rig: Rig) -> None:
    """A broken stream is asked for again from where it broke, and nothing is given twice."""
    seen: queue.Queue[int] = queue.Queue()

    def follow() -> None:
        for one in rig.client.watch_job("j"):
            seen.put(one.job.revision)

    ended = rig.run(follow)
    _, request, rpc = rig.watching.take_unary_stream(WATCH)
    assert (request.job_id, request.after_revision) == ("j", 0)
    rpc.send_initial_metadata(())
    rpc.send_response(update(4, job_pb2.JOB_STATE_RUNNING))
    assert seen.get(timeout=10) == 4
    rpc.terminate((), grpc.StatusCode.UNAVAILABLE, "restarting")
    _, request, rpc = rig.watching.take_unary_stream(WATCH)
    assert request.after_revision == 4
    rpc.send_initial_metadata(())
    rpc.send_response(pb.WatchJobResponse(heartbeat=True))
    rpc.send_response(update(9, job_pb2.JOB_STATE_COMPLETED))
    ended.result(10)
    assert seen.get(timeout=10) == 9
    assert seen.empty()
    assert rig.waits == [0.1]


def test_a_stream_that_ends_without_the_final_state_is_resumed(rig: Rig) -> None:
    """OK alone does not mean that the job has ended."""
    got = rig.run(lambda: [one.job.revision for one in rig.client.watch_job("j", after_revision=2)])
    _, request, rpc = rig.watching.take_unary_stream(WATCH)
    assert request.after_revision == 2
    rpc.send_initial_metadata(())
    rpc.terminate((), grpc.StatusCode.OK, "")
    _, request, rpc = rig.watching.take_unary_stream(WATCH)
    assert request.after_revision == 2
    rpc.send_initial_metadata(())
    rpc.send_response(update(3, job_pb2.JOB_STATE_CANCELLED))
    assert got.result(10) == [3]


def test_waiting_goes_on_until_the_job_is_final(rig: Rig) -> None:
    """An answer before the end is asked for again."""
    got = rig.run(lambda: rig.client.wait_job("j"))
    for state in (job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_FAILED):
        _, request, rpc = rig.jobs.take_unary_unary(WAIT)
        assert request.timeout.seconds == 60
        rpc.send_initial_metadata(())
        rpc.terminate(pb.WaitJobResponse(job=job_pb2.Job(state=state)), (), grpc.StatusCode.OK, "")
    assert got.result(10).state == job_pb2.JOB_STATE_FAILED


def test_a_creation_is_repeated_with_the_same_request_id(rig: Rig) -> None:
    """What may have been created before the connection broke is not created twice."""
    got = rig.run(lambda: rig.client.create_job(pb.CreateJobRequest(type="T")))
    _, first, rpc = rig.jobs.take_unary_unary(CREATE)
    rpc.send_initial_metadata(())
    rpc.terminate(None, (), grpc.StatusCode.UNAVAILABLE, "away")
    _, second, rpc = rig.jobs.take_unary_unary(CREATE)
    rpc.send_initial_metadata(())
    rpc.terminate(pb.CreateJobResponse(created=True), (), grpc.StatusCode.OK, "")
    assert got.result(10).created
    assert first.request_id
    assert first == second
