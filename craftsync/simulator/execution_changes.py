"""What may happen to single executions beside what their stream has drawn for them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps
from threading import RLock
from typing import Any, TypeVar, cast

from craftsync.simulator.clock import datetime_of, ms_of
from craftsync.simulator.dice import key_of, roll
from craftsync.simulator.estate import Deployment, Pipeline
from craftsync.simulator.history import WHERES, Deletion, History, Where
from craftsync.simulator.lines import Line
from craftsync.simulator.streams import LETTERS, NEVER_MS, Run, Stream
from craftsync.simulator.values import Content

_Change = TypeVar("_Change", bound=Callable[..., Any])


def locked(change: _Change) -> _Change:
    """Let nobody else read or change the world meanwhile."""

    @wraps(change)
    def alone(self: "ExecutionChanges", *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return change(self, *args, **kwargs)

    return cast(_Change, alone)


class ExecutionChanges:
    """Add, end, change, delete executions and make them again."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.lock = RLock()

    @locked
    def add_execution(
        self,
        pipeline: str,
        *,
        deployment: str | None = None,
        execution_id: str | None = None,
        status: str = "Succeeded",
        created_at: datetime | None = None,
        run_s: float = 30,
        given: dict[str, Any] | None = None,
        lines: Iterable[Line] | None = None,
        **overrides: Any,
    ) -> Run:
        """Put an execution into the world: over, with `status`, `run_s` after it began.

        `Pending` and `Running` stay until `finish_execution`. Without `created_at` it ends now.
        `given` are the values a caller sent; `lines` replace the drawn log; `overrides` are laid
        over the payload, any key, any value, ABSENT to leave one out.
        """
        history = self.history
        run_ms = int(run_s * 1000)
        open_ended = status in ("Pending", "Running")
        owner, caller = self._owners(pipeline, deployment)
        if deployment is not None and caller is None:
            overrides.setdefault("deployment_name", deployment)
        created_ms = self._ms(created_at)
        if created_at is None and not open_ended:
            created_ms = max(created_ms - run_ms, min(created_ms, (caller or owner).created_ms))
        run_ms = max(min(run_ms, self._ms(None) - created_ms), 0)
        number = len(history.single_ids) + len(history.deletions)
        run = Run(
            execution_id=execution_id or self._free_id(pipeline, number),
            pipeline=owner,
            deployment=caller,
            created_ms=created_ms,
            started_ms=NEVER_MS if status == "Pending" else created_ms,
            ended_ms=NEVER_MS if open_ended else created_ms + run_ms,
            outcome="Succeeded" if open_ended else status,
            drawn=roll(key_of("single", history.seed, pipeline), number),
            created_by=(caller or owner).created_by,
            inputs=caller.inputs if caller else owner.seen_by,
            outputs=caller.outputs if caller else owner.gives,
            given=given,
        )
        self._forget(run.execution_id)
        if overrides:
            history.patches[run.execution_id, "everywhere"] = overrides
        if lines is not None:
            self.replace_lines(run.execution_id, lines)
        history.keep(run)
        return run

    @locked
    def start_execution(
        self, pipeline: str, *, deployment: str | None = None, given: dict[str, Any] | None = None
    ) -> Run:
        """Start an execution now, as a caller does: it is pending, and time does the rest."""
        run = self.add_execution(pipeline, deployment=deployment, status="Pending", given=given)
        run.started_ms = run.created_ms + 1500
        run.ended_ms = run.started_ms + int(run.pipeline.plan.typical_run_s * 1000)
        return run

    @locked
    def finish_execution(self, execution_id: str, status: str = "Succeeded") -> None:
        """End a pending or running execution now."""
        history = self.history
        now_ms = self._ms(None)
        run = self._known(execution_id)
        if placed := self._placed(run):
            stream, index = placed
            stream.alteration(index).ended_ms = now_ms
            stream.alteration(index).outcome = status
        else:
            run.started_ms = min(run.started_ms, max(run.created_ms, now_ms - 1000))
            run.ended_ms, run.outcome = now_ms, status
        history.touch(run.pipeline.name)

    @locked
    def mutate_execution(
        self, execution_id: str, *, where: Where = "everywhere", **changes: Any
    ) -> None:
        """Lay keys over an execution's payload: in its list entry, its detail, or both."""
        self.history.patches.setdefault((execution_id, where), {}).update(changes)
        self.history.touch(self._known(execution_id).pipeline.name)

    @locked
    def set_value(self, execution_id: str, side: str, name: str, content: Content) -> None:
        """Let the path of one input or output (`inputs`, `outputs`) give this content."""
        self.history.contents[execution_id, side, name] = content

    @locked
    def append_lines(self, execution_id: str, lines: Iterable[Line]) -> None:
        """Print more lines; they stand in the log by their stamps."""
        self.history.printed.setdefault(execution_id, []).extend(lines)

    @locked
    def replace_lines(self, execution_id: str, lines: Iterable[Line]) -> None:
        """Let the log consist of these lines."""
        self.history.lines_replaced.add(execution_id)
        self.history.printed[execution_id] = list(lines)

    @locked
    def delete_execution(self, execution_id: str) -> None:
        """Delete an execution, whatever its status."""
        history = self.history
        run = self._known(execution_id)
        now_ms = self._ms(None)
        if placed := self._placed(run):
            stream, index = placed
            stream.alteration(index).gone_ms = now_ms
        else:
            run.gone_ms = now_ms
        history.deletions.append(Deletion("execution", execution_id, run.created_ms, now_ms))
        history.touch(run.pipeline.name)

    @locked
    def recreate_execution(self, execution_id: str, **settings: Any) -> Run:
        """Delete an execution and let another appear under the same id, created now."""
        old = self._known(execution_id)
        self.delete_execution(execution_id)
        settings.setdefault("created_at", datetime_of(self._ms(None)))
        deployment = old.deployment.name if old.deployment else None
        return self.add_execution(
            old.pipeline.name, deployment=deployment, execution_id=execution_id, **settings
        )

    def _forget(self, execution_id: str) -> None:
        """Drop what was laid over another execution that had this id."""
        history = self.history
        for where in WHERES:
            history.patches.pop((execution_id, where), None)
        for key in [key for key in history.contents if key[0] == execution_id]:
            del history.contents[key]
        history.printed.pop(execution_id, None)
        history.lines_replaced.discard(execution_id)
        history.metrics_recorded.pop(execution_id, None)

    def _ms(self, moment: datetime | None) -> int:
        return self.history.clock.now_ms() if moment is None else ms_of(moment)

    def _known(self, execution_id: str) -> Run:
        run = self.history.find(execution_id, self._ms(None))
        if run is None:
            raise KeyError(execution_id)
        return run

    def _placed(self, run: Run) -> tuple[Stream, int] | None:
        """Find where an execution lies in a stream; None for one that is kept singly."""
        if any(run is single for single in self.history.single_ids.get(run.execution_id, ())):
            return None
        return self.history.place(run.execution_id)

    def _owners(self, pipeline: str, deployment: str | None) -> tuple[Pipeline, Deployment | None]:
        history = self.history
        if deployment is None:
            return history.pipelines[pipeline], None
        former = [past for past in history.former_deployments if past.name == deployment]
        known = history.deployments.get(deployment) or next(reversed(former), None)
        return history.pipelines[pipeline], known

    def _free_id(self, pipeline: str, number: int) -> str:
        """Give an id of six characters, so that it meets no other of the pipeline."""
        drawn = key_of("id", self.history.seed, pipeline, number)
        return f"{pipeline}-" + "".join(LETTERS[byte % 36] for byte in drawn[:6])
