"""What calls to a vendor cost."""

from dataclasses import dataclass


@dataclass(slots=True)
class VendorMetrics:
    """Counts over one job's calls to one vendor; the operation copies them into its progress."""

    api_calls: int = 0
    api_points: float = 0.0
    api_seconds: float = 0.0
    rate_limit_wait_seconds: float = 0.0
    retries: int = 0
