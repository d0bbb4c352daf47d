"""Shopify's bucket as a process has it."""

from sync_worker.adapters.quotas.buckets import ASSUMED_MAXIMUM, ASSUMED_RESTORE_RATE, BucketState
from sync_worker.adapters.shopify.limiter import CostBucket
from sync_worker.application.ports.clock import Clock

from tests.fakes.quota_ledger import MemoryLedger


def a_ledger(
    clock: Clock, maximum: float = ASSUMED_MAXIMUM, restore_rate: float = ASSUMED_RESTORE_RATE, seconds: float = 0.0
) -> MemoryLedger:
    """A ledger in which a full bucket of this kind is known."""
    state = BucketState(seen=clock.now_micros(), maximum=maximum, rate=restore_rate, free=maximum)
    return MemoryLedger(clock, seconds, states={"bucket": state.text()})


def bucket_of(ledger: MemoryLedger, process: str = "one") -> CostBucket:
    """The bucket of a ledger, as a process has it."""
    return CostBucket("bucket", ledger, ledger.clock, process=process, call_seconds=15.0)


def a_bucket(
    clock: Clock, *, maximum: float = ASSUMED_MAXIMUM, restore_rate: float = ASSUMED_RESTORE_RATE
) -> CostBucket:
    """A full bucket that nobody shares."""
    return bucket_of(a_ledger(clock, maximum, restore_rate))
