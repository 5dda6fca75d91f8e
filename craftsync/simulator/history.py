"""What the platform holds and once held, and how to find one thing in it at an instant.

Most executions are numbers in a stream; those that somebody added by hand, or that a caller
started, are kept one by one. Nothing is ever taken out: what is deleted has an instant at which it
went.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Any, Literal

from craftsync.simulator.clock import Clock
from craftsync.simulator.estate import Deployment, Pipeline, Secrets
from craftsync.simulator.lines import Line, lines_of
from craftsync.simulator.quirks import Quirks
from craftsync.simulator.streams import NEVER_MS, STREAMS, Run, Stream, number_of
from craftsync.simulator.values import Content

Kind = Literal["pipeline", "deployment", "execution"]
Where = Literal["everywhere", "list", "detail"]
WHERES: tuple[Where, ...] = ("everywhere", "list", "detail")


@dataclass(frozen=True, slots=True)
class Deletion:
    """One object that went, and when; the executions that a deployment took along are not named."""

    kind: Kind
    name: str
    created_ms: int
    gone_ms: int


class History:
    """Everything that was and is, to be read at an instant."""

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        quirks: Quirks,
        secrets: Secrets,
        lines_each: int | None,
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.quirks = quirks
        self.secrets = secrets
        self.lines_each = lines_each
        self.pipelines: dict[str, Pipeline] = {}
        self.deployments: dict[str, Deployment] = {}
        self.former_pipelines: list[Pipeline] = []
        self.former_deployments: list[Deployment] = []
        self.streams: dict[str, list[Stream]] = defaultdict(list)
        self.singles: dict[str, dict[str, list[Run]]] = defaultdict(dict)
        self.single_ids: dict[str, list[Run]] = {}
        self.deletions: list[Deletion] = []
        self.patches: dict[tuple[str, Where], dict[str, Any]] = {}
        self.contents: dict[tuple[str, str, str], Content] = {}
        self.printed: dict[str, list[Line]] = {}
        self.lines_replaced: set[str] = set()
        self.metrics_recorded: dict[str, list[tuple[str, int, Any]]] = {}
        self.spent_tokens: list[str] = []  # of endpoints that were given new ones
        self.versions: dict[str, int] = defaultdict(int)

    def open_stream(
        self, pipeline: Pipeline, deployment: Deployment | None, *, start_ms: int, gap_ms: int
    ) -> Stream:
        """Let executions come from a new cause."""
        streams = self.streams[pipeline.name]
        if len(streams) >= STREAMS:
            raise OverflowError(f"{pipeline.name} has had {STREAMS} streams of executions.")
        stream = Stream(
            self.seed, pipeline, deployment, len(streams), start_ms=start_ms, gap_ms=max(gap_ms, 10)
        )
        streams.append(stream)
        self.touch(pipeline.name)
        return stream

    def touch(self, pipeline_name: str) -> None:
        """Say that executions of a pipeline changed otherwise than by time passing."""
        self.versions[pipeline_name] += 1

    def keep(self, run: Run) -> None:
        """Hold an execution that belongs to no stream."""
        self.single_ids.setdefault(run.execution_id, []).append(run)
        self.singles[run.pipeline.name].setdefault(run.execution_id, []).append(run)
        self.touch(run.pipeline.name)

    def find(self, execution_id: str, at_ms: int) -> Run | None:
        """Find an execution that the platform shows at an instant."""
        for run in reversed(self.single_ids.get(execution_id, ())):
            if run.is_there(at_ms):
                return run
        placed = self.place(execution_id)
        if placed is None:
            return None
        stream, index = placed
        if index >= stream.count(at_ms):
            return None
        run = stream.run(index)
        return run if run.is_there(at_ms) else None

    def place(self, execution_id: str) -> tuple[Stream, int] | None:
        """Find the stream and the number that an id stands for."""
        name, _, ending = execution_id.rpartition("-")
        streams = self.streams.get(name)
        number = number_of(streams[0].key_ids, ending) if streams else None
        if streams is None or number is None or number % STREAMS >= len(streams):
            return None
        return streams[number % STREAMS], number // STREAMS

    def runs_of(self, pipeline_name: str, at_ms: int, since_ms: int = 0) -> Iterator[Run]:
        """Give a pipeline's executions at an instant, oldest first, none from before `since_ms`."""
        singles = sorted(
            (
                run
                for incarnations in self.singles[pipeline_name].values()
                for run in incarnations
                if run.is_there(at_ms) and run.created_ms >= since_ms
            ),
            key=_created,
        )
        sources: list[Iterator[Run]] = [iter(singles)] if singles else []
        for stream in self.streams[pipeline_name]:
            since = max(0, (since_ms - stream.start_ms) // stream.gap_ms) if since_ms else 0
            runs = stream.runs(at_ms, since=since)
            sources.append(run for run in runs if run.created_ms >= since_ms)
        return merge(*sources, key=_created)

    def runs(self, at_ms: int) -> Iterator[Run]:
        """Give every execution at an instant, pipeline by pipeline."""
        for name in self.pipelines:
            yield from self.runs_of(name, at_ms)

    def newest(self, pipeline_name: str, deployment: Deployment | None, at_ms: int) -> Run | None:
        """Find the latest execution of a pipeline, or of one of its deployments."""
        found: Run | None = None
        for incarnations in self.singles[pipeline_name].values():
            for run in incarnations:
                if run.is_there(at_ms) and deployment in (None, run.deployment):
                    found = _later(found, run)
        for stream in self.streams[pipeline_name]:
            if deployment not in (None, stream.deployment) or stream.gone_ms is not None:
                continue
            for index in range(stream.count(at_ms) - 1, -1, -1):
                run = stream.run(index)
                if run.is_there(at_ms):
                    found = _later(found, run)
                    break
        return found

    def lines(self, run: Run, at_ms: int) -> list[Line]:
        """Give the lines that the platform shows at an instant, in the order of their stamps."""
        told: list[Line] = []
        if run.execution_id not in self.lines_replaced:
            told = lines_of(
                run,
                variables=self.secrets.environment_variables,
                exactly=self.lines_each,
                late_ms=int(self.quirks.logs_late_s * 1000),
            )
        printed = self.printed.get(run.execution_id)
        if printed:
            told = sorted(told + printed, key=lambda line: line.at_ns)
        if told and run.ended_ms + 3_600_000 > at_ms:
            limit_ns = (at_ms + 1) * 1_000_000
            told = [line for line in told if line.at_ns < limit_ns and line.seen_from_ms <= at_ms]
        return told

    def next_change_ms(self, run: Run, at_ms: int) -> int:
        """Tell when an execution will look different in a list."""
        for moment in (run.started_ms, run.ended_ms):
            if at_ms < moment:
                return moment
        return NEVER_MS


def _created(run: Run) -> int:
    return run.created_ms


def _later(one: Run | None, other: Run) -> Run:
    return other if one is None or other.created_ms >= one.created_ms else one
