"""Fill a world: the plans of the estate become pipelines, deployments and streams of executions.

The streams are laid back in time so that exactly the number asked for exists at the start.
"""

from collections.abc import Collection

from craftsync.simulator.blueprints import DeploymentPlan, PipelinePlan
from craftsync.simulator.clock import DAY_MS
from craftsync.simulator.dice import key_of
from craftsync.simulator.estate import Deployment, Pipeline, build_deployment, build_pipeline
from craftsync.simulator.history import History
from craftsync.simulator.plans import DEPLOYMENTS, PIPELINES
from craftsync.simulator.streams import NEVER_MS

_SPAN_S = 400 * 86_400  # no history reaches further back
_PERIODS_S = (86_400, 21_600, 3600, 900, 300, 120, 60, 30, 10, 5, 2, 1)
_SETTLED_MS = 2 * DAY_MS


def populate(
    history: History, *, executions: int, pipelines: int | Collection[str], settled: bool
) -> None:
    """Make the first `pipelines` of the estate, or those named, with `executions` in all.

    With `settled` the last of them was created two days ago, and no more come by themselves.
    """
    now_ms = history.clock.now_ms() - (_SETTLED_MS if settled else 0)
    if isinstance(pipelines, int):
        plans = PIPELINES[:pipelines]
    else:
        plans = tuple(plan for plan in PIPELINES if plan.name in pipelines)
    names = {plan.name for plan in plans}
    sources: list[PipelinePlan | DeploymentPlan] = [
        *(plan for plan in DEPLOYMENTS if plan.pipeline in names),
        *(plan for plan in plans if plan.runs_weight),
    ]
    counts = _apportion(executions, [_weight(source) for source in sources])
    periods = [_period_s(source, count) for source, count in zip(sources, counts, strict=True)]
    starts = [
        _start_ms(source, count, period_s, now_ms)
        for source, count, period_s in zip(sources, counts, periods, strict=True)
    ]
    for position, plan in enumerate(plans):
        own = [
            start
            for source, start in zip(sources, starts, strict=True)
            if plan.name in (source.name, getattr(source, "pipeline", None))
        ]
        age_ms = (3 + key_of("age", history.seed, plan.name)[0] % 20) * DAY_MS + position * 977
        history.pipelines[plan.name] = build_pipeline(
            plan,
            seed=history.seed,
            created_ms=min(own, default=now_ms - 30 * DAY_MS) - age_ms,
            position=position,
            password=history.secrets.repository_password,
        )
    for source, count, start_ms, period_s in zip(sources, counts, starts, periods, strict=True):
        pipeline, deployment = _place(history, source, start_ms, int(period_s))
        stream = history.open_stream(
            pipeline, deployment, start_ms=start_ms, gap_ms=int(period_s * 1000)
        )
        stream.start_ms -= (count - stream.count(now_ms)) * stream.gap_ms
        ended = settled or (deployment is not None and not deployment.enabled)
        stream.stop_ms = now_ms if ended else NEVER_MS


def _place(
    history: History, source: PipelinePlan | DeploymentPlan, start_ms: int, every_s: int
) -> tuple[Pipeline, Deployment | None]:
    if isinstance(source, PipelinePlan):
        return history.pipelines[source.name], None
    pipeline = history.pipelines[source.pipeline]
    waited_ms = (3 + key_of("wait", history.seed, source.name)[0] % 50) * 60_007 + every_s * 1000
    deployment = build_deployment(
        source, pipeline, seed=history.seed, created_ms=start_ms - waited_ms, every_s=every_s
    )
    history.deployments[source.name] = deployment
    return pipeline, deployment


def _weight(source: PipelinePlan | DeploymentPlan) -> int:
    return source.runs_weight if isinstance(source, PipelinePlan) else source.weight


def _period_s(source: PipelinePlan | DeploymentPlan, count: int) -> float:
    nominal = source.runs_every_s if isinstance(source, PipelinePlan) else source.every_s
    if nominal * count <= _SPAN_S:
        return nominal
    fitting = (period for period in _PERIODS_S if period <= nominal and period * count <= _SPAN_S)
    return next(fitting, _SPAN_S / count)


def _start_ms(
    source: PipelinePlan | DeploymentPlan, count: int, period_s: float, now_ms: int
) -> int:
    """Lay a stream back until about `count` of its executions exist; schedules keep the clock."""
    gap_ms = int(period_s * 1000)
    if isinstance(source, DeploymentPlan) and source.rule == "periodic":
        return now_ms // gap_ms * gap_ms - (count - 1) * gap_ms
    return now_ms - count * gap_ms


def _apportion(total: int, weights: list[int]) -> list[int]:
    """Share out a total by weights, to the last one."""
    whole = sum(weights)
    if not whole:
        return [0 for _ in weights]
    exact = [total * weight / whole for weight in weights]
    shares = [int(part) for part in exact]
    by_rest = sorted(range(len(weights)), key=lambda at: shares[at] - exact[at])
    for at in by_rest[: total - sum(shares)]:
        shares[at] += 1
    return shares
