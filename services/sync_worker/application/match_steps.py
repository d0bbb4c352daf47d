"""Three ways to come to the same verdicts, stretch by stretch."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sync_worker.application.ports.match_catalog import MAX_STRETCH, MatchCatalog, MatchScope, Stretch
from sync_worker.domain.mappings import Side
from sync_worker.domain.matching.parties import WEAK_RULES, World
from sync_worker.domain.matching.place import MatchPlace, count_verdicts
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.matching.views import Judged, Viewed, judge_viewed, judge_world

SAMPLE = 20
"""A dry run tells so many of the first links."""


@dataclass(frozen=True, slots=True)
class MatchSetting:
    """Where a match reads and writes; `keep` is False in a dry run."""

    catalog: MatchCatalog
    scope: MatchScope
    keep: bool


class Walk(Protocol):
    """A way to match: judges from a place on, and gives each stretch once what it decided is stored."""

    def __call__(self, setting: MatchSetting, place: MatchPlace) -> AsyncGenerator[Stretch]:
        """Walk both sides to their end."""
        ...


async def in_database(setting: MatchSetting, place: MatchPlace) -> AsyncGenerator[Stretch]:
    """Judge inside the database, set by set."""
    while place.side is not None:
        stretch = await setting.catalog.judge_stretch(setting.scope, place, keep=setting.keep, sample=SAMPLE)
        place = stretch.place
        yield stretch


async def in_memory(setting: MatchSetting, place: MatchPlace) -> AsyncGenerator[Stretch]:
    """Read both sides whole and judge them by the rule itself: for small shops, and as a check of the other two."""
    world = await setting.catalog.world(setting.scope)
    while (side := place.side) is not None:
        verdicts = await asyncio.to_thread(_judge_all, world, side, setting.scope, place.after)
        for part, upto in _parts(verdicts, None):
            stretch = await _settle(setting, place, part, upto)
            place = stretch.place
            yield stretch


def in_batches(batch_size: int) -> Walk:
    """Read objects in batches, each with what its keys lead to on both sides, and judge them by the rule itself."""

    async def walk(setting: MatchSetting, place: MatchPlace) -> AsyncGenerator[Stretch]:
        while (side := place.side) is not None:
            batch = await setting.catalog.batch(setting.scope, side, place.after, batch_size)
            verdicts = await asyncio.to_thread(_judge_batch, batch.rows, setting.scope)
            for part, upto in _parts(verdicts, batch.upto):
                stretch = await _settle(setting, place, part, upto)
                place = stretch.place
                yield stretch

    return walk


def _judge_all(world: World, side: Side, scope: MatchScope, after: int) -> list[Judged]:
    verdicts = judge_world(world, side, WEAK_RULES[scope.entity])
    return [verdict for verdict in verdicts if verdict.party_id > after]


def _judge_batch(rows: Sequence[Viewed], scope: MatchScope) -> list[Judged]:
    return [judge_viewed(row, WEAK_RULES[scope.entity]) for row in rows]


def _parts(verdicts: Sequence[Judged], upto: int | None) -> Iterator[tuple[Sequence[Judged], int | None]]:
    """Cut verdicts into what one transaction stores; the last part, which may be empty, ends where they all end."""
    begin = 0
    while begin + MAX_STRETCH < len(verdicts):
        part = verdicts[begin : begin + MAX_STRETCH]
        yield part, part[-1].party_id
        begin += MAX_STRETCH
    yield verdicts[begin:], upto


async def _settle(setting: MatchSetting, place: MatchPlace, verdicts: Sequence[Judged], upto: int | None) -> Stretch:
    if place.side is None:
        raise ValueError("both sides have their verdicts already")
    links = [each for each in verdicts if isinstance(each, Link)] if place.side is Side.NHANH else []
    if setting.keep:
        reached = await setting.catalog.store(setting.scope, place, verdicts, upto)
    else:
        counted = count_verdicts(place.side, verdicts, setting.scope.auto_link_confidence)
        reached = place.advanced(counted, upto)
    return Stretch(reached, links[:SAMPLE])
