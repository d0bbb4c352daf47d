"""Faults in what a shop's first pulls do not do: pulls of what has changed, and Nhanh's customers in windows of time.

And at the calls that are about access tokens, beside a pull or before it.
"""

from dataclasses import replace

from sandbox.faults import FaultKind as Kind

from tests.e2e.fault_cases import Call, Round, later, refused, survived, warned
from tests.e2e.pull_faults import (
    A_ROW,
    NHANH_LIST,
    NO_ANSWER,
    NO_FILE,
    NO_PAGES,
    NOT_BY_BULK,
    SHOPIFY_LIST,
    SILENCE,
    TOO_MUCH,
    because,
)
from tests.fakes.pulls import AUTO_PULLS, BULK_PULLS, NHANH_PULLS, TOKEN_CHECK, TOKEN_GRANT

WITHOUT_END = survived(Kind.EMPTY_PAGE, times=-1)
"""As many pages as Shopify gives of a list are read, and then it comes by a bulk operation."""

CHANGES = (
    replace(NHANH_LIST, round=Round.CHANGES),
    replace(
        SHOPIFY_LIST,
        pulls=AUTO_PULLS,
        played=tuple(WITHOUT_END if fault.kind is Kind.EMPTY_PAGE else fault for fault in SHOPIFY_LIST.played),
        round=Round.CHANGES,
    ),
)

BOUNDS, FIRST_WINDOW, LATER_WINDOW, CATCH_UP, CONFIRM = 3, 4, 8, -3, -1
"""Calls of a list that is read in windows of time: three look at its first pages. The catch-up has two pages and an empty one."""

PHASES = {FIRST_WINDOW: "windows", LATER_WINDOW: "windows", BOUNDS: "bounds", CATCH_UP: "catch up", CONFIRM: "confirm"}
"""What the place says that is kept where one of these calls fails for good."""

ONE_CURSOR = (BOUNDS, CATCH_UP, CONFIRM)
"""Here one call is made at a time, so that it is known which one a second fault hits."""

EACH = (BOUNDS, FIRST_WINDOW, LATER_WINDOW, CATCH_UP, CONFIRM)
"""Many faults in one pull: what is hit is asked again, so the others of its calls keep their places."""

WINDOWS = Call(
    NHANH_PULLS[1:],
    ("customer/list",),
    passing=BOUNDS,
    played=(
        survived(Kind.HTTP_503, times=2, at=EACH),
        survived(Kind.HTTP_STATUS, times=2, code="500", at=EACH),
        survived(Kind.HTML, times=2, at=EACH),
        survived(Kind.TIMEOUT, times=1, seconds=SILENCE, at=EACH),
        survived(Kind.HOLD, times=1, at=(LATER_WINDOW,)),
        survived(Kind.HTTP_429, times=2, seconds=0.2, at=EACH),
        survived(Kind.LOCK, times=1, seconds=0.2, at=EACH),
        survived(Kind.THROTTLED, times=1, seconds=0.2, at=EACH),
        survived(Kind.DROP_AFTER_COMMIT, times=2, at=EACH),
        survived(Kind.SHORT_PAGE, times=-1),
        survived(Kind.EMPTY_PAGE, times=1, at=(BOUNDS,)),
        survived(Kind.EMPTY_PAGE, times=2, at=EACH[1:]),
        survived(Kind.HTTP_STATUS, times=1, code="404", at=(BOUNDS,)),
        survived(Kind.DUPLICATE_ROWS, times=-1),
        survived(Kind.KEYED_ROWS, times=-1),
        *(later(Kind.HTTP_503, "HTTP_503", times=5, at=(place,)) for place in ONE_CURSOR),
        *(refused(Kind.INVALID_TOKEN, "ERR_INVALID_ACCESS_TOKEN", at=(place,)) for place in EACH),
        *(refused(Kind.EMPTY_PAGE, "MALFORMED_ANSWER", at=(place,)) for place in (FIRST_WINDOW, CATCH_UP, CONFIRM)),
        refused(Kind.HTTP_STATUS, "HTTP_404", code="404", at=(LATER_WINDOW,)),
        refused(Kind.REPEAT_CURSOR, "MALFORMED_ANSWER", at=(CATCH_UP,)),
        A_ROW,
    ),
    not_played=NOT_BY_BULK,
    round=Round.AGAIN,
)

CHECK = Call(
    NHANH_PULLS,
    (TOKEN_CHECK,),
    passing=0,
    played=(
        *NO_ANSWER,
        *TOO_MUCH,
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        warned(Kind.HTTP_503),
        warned(Kind.INVALID_TOKEN),
        warned(Kind.HTTP_STATUS, code="404"),
    ),
    not_played={**NOT_BY_BULK, **NO_PAGES, **because("it tells of no rows", Kind.BAD_ITEM)},
)

GRANT = Call(
    tuple(replace(pull, calls=(*pull.calls, TOKEN_GRANT)) for pull in BULK_PULLS),
    (TOKEN_GRANT,),
    passing=0,
    played=(
        *NO_ANSWER,
        survived(Kind.HTTP_429, times=2, seconds=0.2),
        survived(Kind.DROP_AFTER_COMMIT, times=2),
        later(Kind.HTTP_503, "HTTP_503", times=5),
        refused(Kind.INVALID_TOKEN, "CLIENT_REFUSED", operations=0, kept=10.0),
        refused(Kind.HTTP_STATUS, "CLIENT_REFUSED", code="403", operations=0, kept=10.0),
    ),
    not_played={
        **NOT_BY_BULK,
        **NO_PAGES,
        **NO_FILE,
        **because("it tells of no rows", Kind.BAD_ITEM),
        **because("too many grants are refused by HTTP_429", Kind.LOCK, Kind.THROTTLED),
    },
)

LATER_CALLS = (*CHANGES, WINDOWS, CHECK, GRANT)
