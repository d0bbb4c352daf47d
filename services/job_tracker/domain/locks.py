"""Locks: names that exclude other jobs while a job lives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Lock:
    """A name, and whether its holder wants to be alone with it."""

    key: str
    exclusive: bool


def compatible(one: Lock, other: Lock) -> bool:
    """Whether two jobs may hold these at the same time."""
    return one.key != other.key or not (one.exclusive or other.exclusive)
