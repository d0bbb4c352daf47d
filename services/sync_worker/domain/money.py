"""Money and other decimals as scaled integers, since SQLite keeps no decimals."""

from decimal import ROUND_HALF_UP, Decimal

SCALE = 10_000
"""A scaled integer counts ten-thousandths of the unit: 1 VND is 10,000."""


def scaled(value: Decimal) -> int:
    """Turn a decimal amount into ten-thousandths, rounding half up beyond the fourth decimal.

    Raises:
        ValueError: The value is infinite or not a number.
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not an amount")
    return int((value * SCALE).to_integral_value(rounding=ROUND_HALF_UP))


def unscaled(amount: int) -> Decimal:
    """Turn ten-thousandths back into a decimal amount, exactly."""
    return Decimal(amount) / SCALE


def whole_units(amount: int) -> int:
    """Round ten-thousandths half up (away from zero) to whole units, as the spend that Shopify is told."""
    return int(unscaled(amount).to_integral_value(rounding=ROUND_HALF_UP))
