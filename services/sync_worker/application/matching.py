"""One match job, whatever it matches and however: resume, walk, report, finish."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from sync_worker.application.match_steps import SAMPLE, MatchSetting, Walk
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.job_runs import JobRun
from sync_worker.application.ports.match_catalog import MatchCatalog, MatchScope
from sync_worker.domain.mappings import Entity, Side
from sync_worker.domain.matching.place import MatchPlace, MatchTally
from sync_worker.domain.matching.verdicts import Link
from sync_worker.domain.progress import Progress


async def run_match(
    job: JobContext, catalog: MatchCatalog, entity: Entity, walk: Walk, *, dry_run: bool, strategy: str = "SQL"
) -> OperationResult:
    """Give every unmapped object of both sides its verdict; a dry run stores nothing and tells the first links.

    The total is Nhanh's unmapped objects: those linked are successful, those left alone skipped.

    Raises:
        CatalogUnavailable, WorkStopped: The attempt ends; the next goes on where it stopped.
    """
    scope = MatchScope(job.store.store_id, entity, job.job_id, job.fence, job.store.auto_link_confidence)
    place = MatchPlace()
    if not dry_run and (run := await catalog.load(job.job_id)) is not None:
        if run.result is not None:
            return _stored_result(run)
        place = MatchPlace.from_cursor(run.cursor, cast("Mapping[str, int]", run.state))
    counting = _Counting(entity, dry_run, await catalog.count_unmapped(scope))
    await job.report(counting.progress(place))
    pairs: list[Link] = []
    async with aclosing(walk(MatchSetting(catalog, scope, keep=not dry_run), place)) as stretches:
        job.check()
        async for stretch in stretches:
            place = stretch.place
            pairs.extend(stretch.sample[: SAMPLE - len(pairs)])
            await job.report(counting.progress(place))
            job.check()
    progress = counting.done(place.tally)
    result: dict[str, JsonValue] = {"dry_run": dry_run, "strategy": strategy, **place.tally.metrics()}
    if dry_run:
        result["pairs"] = [_pair(link) for link in pairs]
    message = counting.in_words(place.tally)
    if not dry_run:
        await catalog.finish(job.job_id, job.fence, _final_state(progress, message), result)
    return OperationResult(progress, result, message)


class _Counting:
    """How a match says where it stands."""

    def __init__(self, entity: Entity, dry_run: bool, total: int) -> None:
        self._entity = entity
        self._dry_run = dry_run
        self._total = total

    def progress(self, place: MatchPlace) -> Progress:
        """Say where the match stands."""
        linked = self._linked(place.tally)
        phase = {Side.NHANH: "nhanh", Side.SHOPIFY: "shopify", None: "done"}[place.side]
        return Progress(
            total=max(self._total, place.tally.considered),
            successful=linked,
            skipped=place.tally.considered - linked,
            phase=phase,
            metrics={name: float(count) for name, count in place.tally.metrics().items()},
        )

    def done(self, tally: MatchTally) -> Progress:
        """Say how it ended: the total is what was considered."""
        return replace(self.progress(MatchPlace(None, 0, tally)), total=tally.considered)

    def in_words(self, tally: MatchTally) -> str:
        """Sum up for people."""
        linked = self._linked(tally)
        noun = self._entity.value if linked != 1 else self._entity.value.removesuffix("s")
        verb = "would be linked" if self._dry_run else "linked"
        waiting = f" ({tally.review} for review)" if tally.review else ""
        return f"{linked} {noun} {verb}{waiting}, {tally.considered - linked} left alone"

    def _linked(self, tally: MatchTally) -> int:
        return tally.exact if self._dry_run else tally.created


def _pair(link: Link) -> dict[str, JsonValue]:
    return {
        "nhanh_id": str(link.party_id),
        "shopify_id": str(link.other_id),
        "rule": link.evidence.rule.value,
        "evidence": link.evidence.text,
        "confidence": link.evidence.confidence,
    }


def _final_state(progress: Progress, message: str) -> dict[str, JsonValue]:
    return {
        "successful": progress.successful,
        "skipped": progress.skipped,
        "metrics": dict(progress.metrics),
        "message": message,
    }


def _stored_result(run: JobRun) -> OperationResult:
    state = run.state
    successful, skipped = (cast("int", state[name]) for name in ("successful", "skipped"))
    progress = Progress(
        total=successful + skipped,
        successful=successful,
        skipped=skipped,
        phase="done",
        metrics=cast("Mapping[str, float]", state["metrics"]),
    )
    return OperationResult(progress, run.result or {}, cast("str", state["message"]))
