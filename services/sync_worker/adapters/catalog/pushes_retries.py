"""Chooses failed mappings to push again."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true

from sync_worker.adapters.catalog.pushes_selection import not_done
from sync_worker.adapters.catalog.tables import mappings
from sync_worker.application.ports.push_catalog import RetryChoice
from sync_worker.domain.mappings import Entity, MappingStatus
from sync_worker.domain.push_plan import MICROS
from sync_worker.domain.retry_rule import LONGEST_WAIT_SECONDS, MAX_ATTEMPTS, wait_seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failures a retry asks for."""

    store_id: str
    entities: tuple[Entity, ...]
    job_id: str
    limit: int
    include_permanent: bool


def choose(connection: Connection, wanted: Wanted, now: int) -> RetryChoice:
    """Choose the oldest failures of all entities together, and count those that are left out."""
    retryable, few = mappings.c.failure_retryable.is_(True), mappings.c.failure_attempts < MAX_ATTEMPTS
    rested = _rested(now)
    everything = wanted.include_permanent
    asked = true() if everything else and_(retryable, few)
    found = connection.execute(
        select(mappings.c.mapping_id, mappings.c.entity)
        .where(_failed(wanted), asked, rested)
        .order_by(mappings.c.failure_time, mappings.c.mapping_id)
        .limit(wanted.limit)
    ).all()
    left_out = false() if everything else true()
    return RetryChoice(
        {
            entity: tuple(mapping_id for mapping_id, its_entity in found if its_entity == entity)
            for entity in wanted.entities
        },
        resting=_count(connection, wanted, and_(asked, ~rested)),
        exhausted=_count(connection, wanted, and_(left_out, retryable, ~few)),
        permanent=_count(connection, wanted, and_(left_out, ~retryable)),
    )


def _failed(wanted: Wanted) -> ColumnElement[bool]:
    return and_(
        mappings.c.store_id == wanted.store_id,
        mappings.c.entity.in_(wanted.entities),
        mappings.c.status == MappingStatus.FAILED,
        not_done(wanted.job_id),
    )


def _rested(now: int) -> ColumnElement[bool]:
    """Whether the wait after the last failure is over; it depends on how many there were."""
    attempts = 1
    cases: list[ColumnElement[bool]] = [mappings.c.failure_attempts <= 1]
    while wait_seconds(attempts) < LONGEST_WAIT_SECONDS:
        attempts += 1
        cases.append(
            and_(
                mappings.c.failure_attempts == attempts,
                mappings.c.failure_time <= now - wait_seconds(attempts) * MICROS,
            )
        )
    cases.append(
        and_(
            mappings.c.failure_attempts > attempts,
            mappings.c.failure_time <= now - LONGEST_WAIT_SECONDS * MICROS,
        )
    )
    return or_(*cases)


def _count(connection: Connection, wanted: Wanted, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(mappings).where(_failed(wanted), condition)
    return int(connection.execute(query).scalar_one())
