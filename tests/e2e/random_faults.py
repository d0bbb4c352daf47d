"""Random fault plans that a pull has to get over, however they fall."""

from collections.abc import Iterable
from random import Random

from sandbox.faults import FaultKind as Kind
from sandbox.faults import Rule

from tests.fakes.pulls import Pull

MOST_HITS = 3
"""Of one call in a round: one fewer than its retries get over, even if all fall on the same."""

ANY = (Kind.HTTP_429, Kind.HTTP_503, Kind.HTML, Kind.THROTTLED, Kind.LOCK, Kind.DROP_AFTER_COMMIT)
PAGES = (*ANY, Kind.SHORT_PAGE, Kind.EMPTY_PAGE)
NHANH_PAGES = (*PAGES, Kind.DUPLICATE_ROWS, Kind.KEYED_ROWS)
KINDS: dict[str, tuple[Kind, ...]] = {
    "product/list": NHANH_PAGES,
    "customer/list": NHANH_PAGES,
    "app/checkaccesstoken": ANY,
    "productVariants": PAGES,
    "customers": PAGES,
    "bulkOperations": ANY,
    "bulkOperationRunQuery": ANY,
    "bulkOperation": ANY,
    "bulk/download": (Kind.HTTP_503, Kind.DROP_AFTER_COMMIT, Kind.URL_EXPIRED, Kind.RANGE_IGNORED),
}
FATES = (
    *(Kind.BULK_FAILED, Kind.BULK_CANCELED, Kind.BULK_EXPIRED),
    *(Kind.BULK_CUT_LINE, Kind.BULK_SHORT, Kind.BULK_TWICE, Kind.BULK_BAD_LINE),
)
"""Each costs an attempt."""


def random_rules(pulls: Iterable[Pull], store_id: str, random: Random) -> list[Rule]:
    """Draw what goes wrong at the calls of a store's pulls; pulls by bulk have calls in common."""
    rules = []
    for vendor, call in dict.fromkeys((pull.vendor, call) for pull in pulls for call in pull.calls):
        hits, skip = 0, 0
        while hits < MOST_HITS and random.random() < 0.8:
            skip += random.randint(0, 2)
            times = random.randint(1, min(2, MOST_HITS - hits))
            rules.append(Rule(vendor, call, random.choice(KINDS[call]), store_id, skip=skip, times=times, seconds=0.1))
            hits += times
    return rules


def random_fate(store_id: str, random: Random) -> Rule:
    """Draw what becomes of one bulk operation."""
    kind = random.choice(FATES)
    return Rule("shopify", "bulkOperationRunQuery", kind, store_id, skip=random.randint(0, 1), item="partial")
