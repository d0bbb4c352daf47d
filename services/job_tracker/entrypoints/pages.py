"""Pages that fit into a message."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from google.protobuf.message import Message

Element = TypeVar("Element", bound=Message)

PAGE_BYTES = 3 * 1024 * 1024
"""A page ends before it is larger: a gRPC client takes messages of 4 MiB."""


def fitting_page(elements: Sequence[Element], size: int) -> list[Element]:
    """Take the first elements: no more than `size`, and no more than fit, one at the least."""
    return list(_fitting(elements[:size]))


def _fitting(elements: Sequence[Element]) -> Iterator[Element]:
    taken = 0
    for element in elements:
        taken += element.ByteSize()
        if taken > PAGE_BYTES and taken > element.ByteSize():
            return
        yield element
