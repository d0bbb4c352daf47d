"""What one push job counts, over all its attempts, and how it says so."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from sync_worker.application.ports.clock import Clock
from sync_worker.application.ports.job import JobContext, JsonValue, OperationResult
from sync_worker.application.ports.job_runs import JobRun
from sync_worker.application.ports.push_catalog import ItemOutcome, PushCatalog, PushScope, Settlement
from sync_worker.application.ports.vendor_metrics import VendorMetrics
from sync_worker.application.push.planned import Settled
from sync_worker.domain.failures import ItemFailure
from sync_worker.domain.mappings import Entity
from sync_worker.domain.mass_guard import DropFigures
from sync_worker.domain.progress import Progress


class PushRun:
    """The counts and metrics of a push job. They go into the catalog with every settlement, so a kill loses none."""

    def __init__(self, job: JobContext, catalog: PushCatalog, clock: Clock, *, dry_run: bool) -> None:
        self.job = job
        self.catalog = catalog
        self.clock = clock
        self.dry_run = dry_run
        self.phase = ""
        self.total = 0
        self.resumed = False
        self._counts: Counter[ItemOutcome] = Counter()
        self._metrics: Counter[str] = Counter()
        self._vendor_base: dict[str, float] = {}
        self._vendors: tuple[VendorMetrics, ...] = ()
        self._points: VendorMetrics | None = None
        self._figures: dict[Entity, DropFigures] = {}

    def scope(self, entity: Entity) -> PushScope:
        """Name whose rows are touched."""
        return PushScope(self.job.store.store_id, entity, self.job.job_id, self.job.fence)

    def watch(self, shopify: VendorMetrics, *others: VendorMetrics) -> None:
        """Count these vendors' calls into the job's metrics; points are Shopify's."""
        self._vendors = (shopify, *others)
        self._points = shopify

    async def resume(self, entities: Sequence[Entity]) -> OperationResult | None:
        """Take up what an earlier attempt left; gives the result when only CompleteJob is left."""
        if self.dry_run:
            return None
        run = await self.catalog.load(self.job.job_id)
        if run is None:
            return None
        self.resumed = True
        failures: list[ItemFailure] = []
        for entity in entities:
            failures.extend(await self.catalog.failures_of(self.scope(entity)))
        if run.result is not None:
            return replace(_stored_result(run), failures=tuple(failures))
        self._counts.update(await self.catalog.done_counts(self.job.job_id))
        self._restore(run.state)
        await self.job.report(self.progress(), failures)
        return None

    def figures(self, entity: Entity) -> DropFigures:
        """Tell how much of an entity this job has set to zero, over all attempts."""
        return self._figures.get(entity, DropFigures())

    async def settle(
        self,
        entity: Entity,
        settled: Sequence[Settled],
        settlement: Settlement | None = None,
        metrics: Mapping[str, int] | None = None,
    ) -> None:
        """Count items that are done, store them with what else was decided, and report; a dry run stores nothing."""
        for each in settled:
            self._counts[each.item.outcome] += 1
            self._metrics.update(each.metrics)
            self._figures[entity] = self.figures(entity) + each.figures
        self._metrics.update(metrics or {})
        if not self.dry_run:
            base = settlement or Settlement()
            await self.catalog.settle(
                self.scope(entity),
                replace(
                    base,
                    items=[each.item for each in settled],
                    log=[*base.log, *(line for each in settled for line in each.log)],
                    state=self._state(),
                ),
            )
        await self.job.report(self.progress(), [failure for each in settled for failure in each.item.failures])

    def count(self, outcome: ItemOutcome) -> int:
        """Tell how many items ended so."""
        return self._counts[outcome]

    @property
    def processed(self) -> int:
        """Items that the job is done with."""
        return self._counts.total()

    def progress(self) -> Progress:
        """Say where the job stands."""
        return Progress(
            total=max(self.total, self.processed),
            successful=self._counts[ItemOutcome.OK],
            failed=self._counts[ItemOutcome.FAILED],
            skipped=self._counts[ItemOutcome.SKIPPED],
            phase=self.phase,
            metrics=self._all_metrics(),
        )

    async def finish(self, result: Mapping[str, JsonValue], message: str) -> OperationResult:
        """End the job: its total is what was processed. A dry run stores nothing."""
        self.phase = "done"
        self.total = self.processed
        done = OperationResult(self.progress(), result, message)
        if not self.dry_run:
            progress = done.progress
            state: dict[str, JsonValue] = {
                "successful": progress.successful,
                "failed": progress.failed,
                "skipped": progress.skipped,
                "metrics": dict(progress.metrics),
                "message": message,
            }
            await self.catalog.finish(self.job.job_id, self.job.fence, state, result)
        return done

    def _all_metrics(self) -> dict[str, float]:
        return {**{name: float(count) for name, count in self._metrics.items()}, **self._vendor_metrics()}

    def _vendor_metrics(self) -> dict[str, float]:
        now = {
            "api_calls": float(sum(each.api_calls for each in self._vendors)),
            "api_points": 0.0 if self._points is None else self._points.api_points,
            "api_seconds": sum(each.api_seconds for each in self._vendors),
            "rate_limit_wait_seconds": sum(each.rate_limit_wait_seconds for each in self._vendors),
        }
        return {name: value + self._vendor_base.get(name, 0.0) for name, value in now.items()}

    def _state(self) -> dict[str, JsonValue]:
        return {
            "metrics": dict(self._metrics),
            "vendors": self._vendor_metrics(),
            "positive": {entity.value: each.positive for entity, each in self._figures.items()},
            "zeroed": {entity.value: each.zeroed for entity, each in self._figures.items()},
        }

    def _restore(self, state: Mapping[str, JsonValue]) -> None:
        self._metrics.update(cast("Mapping[str, int]", state["metrics"]))
        self._vendor_base = dict(cast("Mapping[str, float]", state["vendors"]))
        positive = cast("Mapping[str, int]", state["positive"])
        zeroed = cast("Mapping[str, int]", state["zeroed"])
        self._figures = {Entity(name): DropFigures(count, zeroed[name]) for name, count in positive.items()}


def _stored_result(run: JobRun) -> OperationResult:
    state = run.state
    successful, failed, skipped = (cast("int", state[name]) for name in ("successful", "failed", "skipped"))
    progress = Progress(
        total=successful + failed + skipped,
        successful=successful,
        failed=failed,
        skipped=skipped,
        phase="done",
        metrics=cast("Mapping[str, float]", state["metrics"]),
    )
    return OperationResult(progress, run.result or {}, cast("str", state["message"]))
