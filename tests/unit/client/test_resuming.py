"""The logic of resuming, without a network."""

import grpc
import pytest
from nhanhsync.client import GaveUpError, Refused, Resumption

AWAY = Refused(grpc.StatusCode.UNAVAILABLE, "away")


class Time:
    """Seconds that move when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The present."""
        return self.now


def resumption(time: Time, give_up_seconds: float = 10.0) -> Resumption:
    """A resumption that always waits as long as it may."""
    return Resumption(time, lambda _low, high: high, give_up_seconds)


def test_waits_double_up_to_a_bound_and_begin_anew_once_something_came() -> None:
    """Back-off is exponential and bounded; a message resets it."""
    watch = resumption(Time())
    waits = [watch.failed(AWAY) for _ in range(8)]
    assert waits[:3] == [0.1, 0.2, 0.4]
    assert waits[-1] == 5.0
    watch.came(7)
    assert watch.failed(AWAY) == 0.1
    assert watch.position == 7


def test_a_heartbeat_shows_life_and_moves_no_position() -> None:
    """Without a position the place stays."""
    watch = resumption(Time())
    watch.came(3)
    watch.came(None)
    assert watch.position == 3


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.UNAVAILABLE])
def test_only_unavailable_is_tried_again(code: grpc.StatusCode) -> None:
    """Every other refusal reaches the caller as it is."""
    with pytest.raises(Refused) as caught:
        resumption(Time()).failed(Refused(code, "no"))
    assert caught.value.code is code


def test_gives_up_after_silence_not_after_tries() -> None:
    """What counts is how long nothing came."""
    time = Time()
    watch = resumption(time, give_up_seconds=10.0)
    for _ in range(100):
        watch.failed(AWAY)
    time.now = 10.0
    with pytest.raises(GaveUpError) as caught:
        watch.failed(AWAY)
    assert caught.value.__cause__ is AWAY
