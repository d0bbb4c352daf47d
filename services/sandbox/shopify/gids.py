"""Global ids: `gid://shopify/KIND/NUMBER`."""

PREFIX = "gid://shopify/"


def gid(kind: str, number: int) -> str:
    """Write a global id."""
    return f"{PREFIX}{kind}/{number}"


def number_of(text: str, kind: str) -> int | None:
    """Read the number of a global id; None when it is not of this kind."""
    head = f"{PREFIX}{kind}/"
    number = text.removeprefix(head).partition("?")[0]
    return int(number) if text.startswith(head) and number.isdecimal() else None
