"""The fault plan: which calls go wrong, and how."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """How a call goes wrong."""

    HTTP_429 = "http_429"
    HTTP_503 = "http_503"
    HTTP_STATUS = "http_status"
    """Any status, the number in `code`: with `message` as JSON errors, without one as a page of HTML."""
    HTML = "html"
    TIMEOUT = "timeout"
    SHORT_PAGE = "short_page"
    EMPTY_PAGE = "empty_page"
    DUPLICATE_ROWS = "duplicate_rows"
    KEYED_ROWS = "keyed_rows"
    REPEAT_CURSOR = "repeat_cursor"
    LOCK = "lock"
    THROTTLED = "throttled"
    BAD_ITEM = "bad_item"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a kind of fault
    DROP_AFTER_COMMIT = "drop_after_commit"
    HOLD = "hold"
    BULK_STUCK = "bulk_stuck"
    """A bulk operation that never ends; one that is cancelled takes `seconds` for it."""
    BULK_FAILED = "bulk_failed"
    """One that fails halfway with `code`; with `item` "partial" it leaves what it has."""
    BULK_CANCELED = "bulk_canceled"
    """One that somebody else cancels."""
    BULK_EXPIRED = "bulk_expired"
    """One that is said to have expired."""
    BULK_CUT_LINE = "bulk_cut_line"
    """Its file ends in the middle of a line."""
    BULK_SHORT = "bulk_short"
    """It counted a row more than are in its file."""
    BULK_TWICE = "bulk_twice"
    """A row of its file comes twice, in the place of another."""
    BULK_BAD_LINE = "bulk_bad_line"
    """A line of its file is no JSON."""
    URL_EXPIRED = "url_expired"
    """A file's address is refused, and the operation gives another."""
    RANGE_IGNORED = "range_ignored"
    """A file comes from its beginning, whatever part is asked for."""


@dataclass(slots=True)
class Rule:
    """`skip` matching calls pass, then `times` calls are hit (-1: all). `*` matches any store or operation.

    `item` (bad_item) is the gid or id that is refused with `code` and `message`, or that has `message` for its amount in
    Shopify's lists; without it inventorySetQuantities refuses the whole call. `seconds` is how long a time-out keeps
    silent, a lock lasts, or a 429 asks to wait.
    """

    vendor: str
    operation: str
    kind: FaultKind
    store: str = "*"
    skip: int = 0
    times: int = 1
    item: str = ""
    code: str = ""
    message: str = ""
    seconds: float = 1.0

    def matches(self, vendor: str, store: str, operation: str) -> bool:
        """Whether the rule is about this call."""
        return self.vendor == vendor and self.store in ("*", store) and self.operation in ("*", operation)


@dataclass(slots=True)
class FaultPlan:
    """The rules in force. Replacing them lets held calls go."""

    rules: list[Rule] = field(default_factory=list)
    _replaced: asyncio.Event = field(default_factory=asyncio.Event)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Put other rules into force."""
        self.rules = list(rules)
        self._replaced.set()
        self._replaced = asyncio.Event()

    def take(self, vendor: str, store: str, operation: str) -> Rule | None:
        """Find the fault that hits this call, the first rule first, and count it; bad items are asked for apart."""
        for rule in self.rules:
            if rule.kind is not FaultKind.BAD_ITEM and rule.matches(vendor, store, operation) and self._hits(rule):
                return rule
        return None

    def bad_items(self, vendor: str, store: str, operation: str) -> dict[str, Rule]:
        """Find the items that are refused in this call, keyed as the plan names them."""
        return {
            rule.item: rule
            for rule in self.rules
            if rule.kind is FaultKind.BAD_ITEM and rule.matches(vendor, store, operation) and self._hits(rule)
        }

    async def until_replaced(self) -> None:
        """Wait until the plan is another (held calls do)."""
        await self._replaced.wait()

    @staticmethod
    def _hits(rule: Rule) -> bool:
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if rule.times == 0:
            return False
        if rule.times > 0:
            rule.times -= 1
        return True
