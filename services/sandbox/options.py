"""What a sandbox is started with."""

from dataclasses import dataclass, field

from sandbox.faults import Rule
from sandbox.nhanh.habits import NhanhHabits
from sandbox.shopify.app_access import TOKEN_SECONDS


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The shops and how they behave.

    `limits_scale` multiplies what the vendors allow (calls a window, size and refill of the cost bucket); None turns
    limits off. No answer takes less than `latency_ms`, no bulk operation less than `bulk_seconds`. Access tokens that
    Shopify grants are good for `token_seconds`. With `prepared` pages of Shopify's lists, results of its bulk queries and
    rows of Nhanh's products are kept as they were first written: right as long as nothing changes, and quick. `nhanh` is
    what Nhanh's documentation leaves open.
    """

    products: int = 2_000
    customers: int = 5_000
    seed: int = 20260701
    stores: tuple[str, ...] = ("hanoi", "danang", "saigon")
    limits_scale: float | None = 1.0
    latency_ms: float = 0.0
    bulk_seconds: float = 0.0
    token_seconds: float = TOKEN_SECONDS
    prepared: bool = False
    faults: tuple[Rule, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    nhanh: NhanhHabits = field(default_factory=NhanhHabits)
