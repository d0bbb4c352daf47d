"""Every fault of the sandbox's plan at every call of a shop's first pulls.

Each kind of fault stands in one of a call's two tables: what is played there, or what is not, and why.
"""

from sandbox.faults import FaultKind as Kind

from tests.e2e.fault_cases import Call, Ending, Fault, given_up, later, refused, survived
from tests.fakes.pulls import BULK_PULLS, NHANH_PULLS, PAGED_PULLS

A_ROW = Fault(Kind.BAD_ITEM, {"times": -1}, Ending.ONE_ROW, "UNREADABLE_ROW")
SILENCE = 1.0
"""Seconds until there is an answer from a gateway; a call that is held gets none, and is given up by the worker."""

NO_ANSWER = (
    survived(Kind.HTTP_503, times=2),
    survived(Kind.HTTP_STATUS, times=2, code="500"),
    survived(Kind.HTML, times=2),
    survived(Kind.TIMEOUT, times=1, seconds=SILENCE),
    survived(Kind.HOLD, times=1),
)
"""At any call that is a reading."""

TOO_MUCH = (
    survived(Kind.HTTP_429, times=2, seconds=0.2),
    survived(Kind.LOCK, times=2, seconds=0.2),
    survived(Kind.THROTTLED, times=2, seconds=0.2),
)
"""At any call of an API."""

BULK_KINDS = (
    *(Kind.BULK_STUCK, Kind.BULK_FAILED, Kind.BULK_CANCELED, Kind.BULK_EXPIRED),
    *(Kind.BULK_CUT_LINE, Kind.BULK_SHORT, Kind.BULK_TWICE, Kind.BULK_BAD_LINE),
)
FILE_KINDS = (Kind.URL_EXPIRED, Kind.RANGE_IGNORED)
PAGE_KINDS = (Kind.SHORT_PAGE, Kind.EMPTY_PAGE, Kind.DUPLICATE_ROWS, Kind.KEYED_ROWS, Kind.REPEAT_CURSOR)


def because(reason: str, *kinds: Kind) -> dict[Kind, str]:
    """Say why some kinds are not played at a call."""
    return dict.fromkeys(kinds, reason)


NOT_BY_BULK = because("a page is no bulk operation and no file of one", *BULK_KINDS, *FILE_KINDS)
DECIDED_AT_THE_START = because("what becomes of an operation is decided when it is started", *BULK_KINDS, Kind.BAD_ITEM)
NO_PAGES = because("it has no pages of rows", *PAGE_KINDS)
NO_FILE = because("it sends no file", *FILE_KINDS)

NHANH_LIST = Call(
    NHANH_PULLS,
    ("product/list", "customer/list"),
    passing=1,
    played=(
        *NO_ANSWER,
        *TOO_MUCH,
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        survived(Kind.SHORT_PAGE, times=2, at=(0,)),
        survived(Kind.EMPTY_PAGE, times=2),
        survived(Kind.DUPLICATE_ROWS, times=2),
        survived(Kind.KEYED_ROWS, times=2),
        later(Kind.HTTP_503, "HTTP_503", times=5),
        later(Kind.HTML, "NOT_JSON", times=5),
        later(Kind.DROP_AFTER_COMMIT, "CONNECTION_FAILED", times=5),
        later(Kind.LOCK, "RATE_LIMITED", times=5, seconds=0.0),
        refused(Kind.REPEAT_CURSOR, "MALFORMED_ANSWER"),
        refused(Kind.EMPTY_PAGE, "MALFORMED_ANSWER"),
        refused(Kind.INVALID_TOKEN, "ERR_INVALID_ACCESS_TOKEN"),
        refused(Kind.HTTP_STATUS, "HTTP_401", code="401"),
        refused(Kind.HTTP_STATUS, "HTTP_404", code="404"),
        A_ROW,
    ),
    not_played=NOT_BY_BULK,
    shared=True,
)

SHOPIFY_LIST = Call(
    PAGED_PULLS,
    ("productVariants", "customers"),
    passing=1,
    played=(
        *NO_ANSWER,
        *TOO_MUCH,
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        survived(Kind.SHORT_PAGE, times=2, at=(0,)),
        survived(Kind.EMPTY_PAGE, times=2),
        survived(Kind.HTTP_STATUS, times=2, code="430"),
        later(Kind.THROTTLED, "THROTTLED", times=31, seconds=0.02),
        later(Kind.HTTP_503, "HTTP_503", times=5),
        later(Kind.HTML, "NOT_JSON", times=5),
        later(Kind.DROP_AFTER_COMMIT, "CONNECTION_LOST", times=5),
        refused(Kind.REPEAT_CURSOR, "MALFORMED_ANSWER"),
        refused(Kind.EMPTY_PAGE, "MALFORMED_ANSWER"),
        refused(Kind.INVALID_TOKEN, "INVALID_TOKEN"),
        refused(Kind.HTTP_STATUS, "HTTP_400", code="400", message="Bad Request"),
        refused(Kind.HTTP_STATUS, "ACCESS_DENIED", code="403"),
        A_ROW,
    ),
    not_played={
        **NOT_BY_BULK,
        **because("it is a habit of Nhanh's", Kind.DUPLICATE_ROWS, Kind.KEYED_ROWS),
    },
    shared=True,
)

LOOKING_FOR_ONE = Call(
    BULK_PULLS,
    ("bulkOperations",),
    passing=0,
    played=(
        *NO_ANSWER,
        *TOO_MUCH,
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        refused(Kind.INVALID_TOKEN, "INVALID_TOKEN", operations=0),
        refused(Kind.HTTP_STATUS, "ACCESS_DENIED", code="403", operations=0),
    ),
    not_played={**DECIDED_AT_THE_START, **NO_FILE, **NO_PAGES},
)

START = Call(
    BULK_PULLS,
    ("bulkOperationRunQuery",),
    passing=0,
    played=(
        *TOO_MUCH,
        survived(Kind.HTTP_503, times=2),
        survived(Kind.HTTP_STATUS, times=1, code="500"),
        survived(Kind.HTML, times=1),
        survived(Kind.TIMEOUT, times=1, seconds=SILENCE),
        survived(Kind.HOLD, times=1),
        survived(Kind.DROP_AFTER_COMMIT, times=1),
        later(Kind.HTTP_503, "HTTP_503", times=4),
        later(Kind.BULK_FAILED, "BULK_FAILED", operations=2),
        later(Kind.BULK_FAILED, "BULK_FAILED", item="partial", code="TIMEOUT", operations=2),
        later(Kind.BULK_CANCELED, "BULK_CANCELED", operations=2),
        later(Kind.BULK_EXPIRED, "BULK_EXPIRED", operations=2),
        later(Kind.BULK_CUT_LINE, "BULK_INCOMPLETE", operations=2),
        later(Kind.BULK_SHORT, "BULK_MISMATCH", operations=2),
        later(Kind.BULK_TWICE, "ROWS_MISSING", operations=2),
        later(Kind.BULK_BAD_LINE, "BULK_INCOMPLETE", operations=2),
        given_up(Kind.BULK_FAILED, "BULK_FAILED", item="partial", operations=3),
        given_up(Kind.BULK_CUT_LINE, "BULK_INCOMPLETE", operations=3),
        given_up(Kind.BULK_SHORT, "BULK_MISMATCH", operations=3),
        refused(Kind.BULK_FAILED, "ACCESS_DENIED", code="ACCESS_DENIED"),
        refused(Kind.INVALID_TOKEN, "INVALID_TOKEN", operations=0),
        refused(Kind.HTTP_STATUS, "ACCESS_DENIED", code="403", operations=0),
        A_ROW,
        Fault(Kind.BULK_STUCK, {}, Ending.WAITING),
    ),
    not_played={**NO_FILE, **NO_PAGES},
)

LOOK = Call(
    BULK_PULLS,
    ("bulkOperation",),
    passing=0,
    played=(
        *NO_ANSWER,
        *TOO_MUCH,
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        later(Kind.HTTP_503, "HTTP_503", times=5),
        refused(Kind.INVALID_TOKEN, "INVALID_TOKEN"),
        refused(Kind.HTTP_STATUS, "ACCESS_DENIED", code="403"),
    ),
    not_played={**DECIDED_AT_THE_START, **NO_FILE, **NO_PAGES},
)

DOWNLOAD = Call(
    BULK_PULLS,
    ("bulk/download",),
    passing=0,
    played=(
        survived(Kind.HTTP_503, times=2),
        survived(Kind.HTTP_STATUS, times=2, code="429"),
        survived(Kind.HTTP_STATUS, times=2, code="403"),
        survived(Kind.TIMEOUT, times=1, seconds=SILENCE),
        survived(Kind.HOLD, times=1),
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        survived(Kind.URL_EXPIRED, times=1),
        survived(Kind.URL_EXPIRED, Kind.DROP_AFTER_COMMIT, times=1),
        survived(Kind.RANGE_IGNORED, Kind.DROP_AFTER_COMMIT, times=1),
        later(Kind.HTML, "BULK_INCOMPLETE", operations=2),
        later(Kind.HTTP_STATUS, "BULK_RESULT_GONE", times=4, code="403", operations=2),
        later(Kind.HTTP_STATUS, "MALFORMED_ANSWER", code="400", operations=2),
    ),
    not_played={
        **DECIDED_AT_THE_START,
        **NO_PAGES,
        **because(
            "a host of files knows no token and no quota; it says so by HTTP_STATUS",
            *(Kind.HTTP_429, Kind.LOCK, Kind.THROTTLED, Kind.INVALID_TOKEN),
        ),
    },
)

FIRST_CALLS = (NHANH_LIST, SHOPIFY_LIST, LOOKING_FOR_ONE, START, LOOK, DOWNLOAD)
