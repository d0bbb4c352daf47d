"""Global ids: `gid://shopify/KIND/NUMBER`."""

PREFIX = "gid://shopify/"
MOST_DIGITS = 20
"""As many as an unsigned number of 64 bits has."""


def gid(kind: str, number: int) -> str:
    """Write a global id."""
    return f"{PREFIX}{kind}/{number}"


def number_of(text: str, kind: str) -> int | None:
    """Read the number of a global id; None when it is not of this kind."""
    head = f"{PREFIX}{kind}/"
    number = text.removeprefix(head).partition("?")[0]
    plain = number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS
    return int(number) if plain and text.startswith(head) else None


def kind_of(text: str) -> str:
    """Read the kind of a global id; empty when it is none."""
    return text.removeprefix(PREFIX).partition("/")[0] if text.startswith(PREFIX) else ""
