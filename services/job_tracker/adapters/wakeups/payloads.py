"""Lines packed into the payloads of NOTIFY, which holds less than 8,000 bytes each."""

from collections.abc import Iterable

LONGEST_PAYLOAD = 7_900
"""Bytes."""


def packed(sender: str, lines: Iterable[str]) -> list[str]:
    """Write lines into as few payloads as hold them, each with its sender first."""
    payloads: list[str] = []
    current, size = [sender], len(sender.encode())
    for line in lines:
        more = 1 + len(line.encode())
        if size + more > LONGEST_PAYLOAD and len(current) > 1:
            payloads.append("\n".join(current))
            current, size = [sender], len(sender.encode())
        current.append(line)
        size += more
    if len(current) > 1:
        payloads.append("\n".join(current))
    return payloads


def unpacked(payload: str) -> tuple[str, list[str]]:
    """Read a payload: its sender, and its lines."""
    sender, *lines = payload.split("\n")
    return sender, lines
