"""The list of a pipeline's executions as bytes, rendered once and kept while nothing changes.

What has settled is rendered one time; on each request only the young end is made anew. A list of
100,000 entries is then a matter of joining two pieces.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from craftsync.simulator.clock import iso
from craftsync.simulator.dice import key_of
from craftsync.simulator.history import History
from craftsync.simulator.patches import ABSENT
from craftsync.simulator.payloads import deployment_name, execution_entry
from craftsync.simulator.streams import Run
from craftsync.simulator.values import json_bytes

_YOUNG = 500  # entries made anew on each request before they are taken for settled


@dataclass(slots=True)
class _Kept:
    """The settled entries of one pipeline, oldest first, all created before `until_ms`."""

    version: int
    until_ms: int = 0
    entries: list[bytes] = field(default_factory=list)
    body: bytes = b""
    rendered_ms: int = -1
    body_until_ms: int = -1


class Listings:
    """Render lists of executions."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._kept: dict[str, _Kept] = {}

    def body(self, pipeline_name: str, at_ms: int) -> bytes:
        """Give the list as JSON at an instant, which is not before the one asked last."""
        kept = self._kept.get(pipeline_name)
        version = self._history.versions[pipeline_name]
        if kept is None or kept.version != version:
            kept = self._kept[pipeline_name] = _Kept(version)
        if not kept.rendered_ms <= at_ms < kept.body_until_ms:
            self._render(kept, pipeline_name, at_ms)
        return kept.body

    def stale(self, pipeline_name: str, at_ms: int) -> bytes:
        """Give the list as it was at an earlier instant; nothing is kept."""
        runs = self._history.runs_of(pipeline_name, at_ms)
        return self._joined([(run, self._entry(run, at_ms)) for run in runs])

    def _render(self, kept: _Kept, pipeline_name: str, at_ms: int) -> None:
        history = self._history
        young = list(history.runs_of(pipeline_name, at_ms, since_ms=kept.until_ms))
        settled = next(
            (number for number, run in enumerate(young) if not run.is_over(at_ms)), len(young)
        )
        entries = [self._entry(run, at_ms) for run in young]
        if history.quirks.order == "shuffled":
            kept.body = self._joined(zip(young, entries, strict=True))
        else:
            kept.body = _array(
                kept.entries, entries, reverse=history.quirks.order == "newest_first"
            )
            if settled > _YOUNG:
                # Executions of one instant must not be torn apart.
                while (
                    settled > 1 and young[settled - 1].created_ms == young[settled - 2].created_ms
                ):
                    settled -= 1
                kept.entries += entries[:settled]
                kept.until_ms = young[settled - 1].created_ms + 1
        kept.rendered_ms = at_ms
        changes = [history.next_change_ms(run, at_ms) for run in young[max(settled - 1, 0) :]]
        kept.body_until_ms = min([*changes, self._next_created_ms(pipeline_name, at_ms)])

    def _next_created_ms(self, pipeline_name: str, at_ms: int) -> int:
        moments = [1 << 60]
        for stream in self._history.streams[pipeline_name]:
            run = stream.run(stream.count(at_ms))
            if run.created_ms <= stream.stop_ms and stream.gone_ms is None:
                moments.append(run.created_ms)
        singles = self._history.singles[pipeline_name].values()
        moments += [run.created_ms for kept in singles for run in kept if run.created_ms > at_ms]
        return min(moments)

    def _entry(self, run: Run, at_ms: int) -> bytes:
        history = self._history
        execution_id = run.execution_id
        if (
            history.quirks.steps_in_lists
            or (execution_id, "everywhere") in history.patches
            or (execution_id, "list") in history.patches
        ):
            return json_bytes(execution_entry(history, run, at_ms))
        name = deployment_name(history, run)
        over = run.is_over(at_ms)
        return b'{"execution_id":%b,"status":"%b","created_at":"%b","created_by":"%b",%b%b%b}' % (
            json_bytes(execution_id),
            run.status(at_ms).encode(),
            iso(run.created_ms).encode(),
            run.created_by.encode(),
            b'"end_date":"%b",' % iso(run.ended_ms).encode() if over else b'"end_date":null,',
            b'"pipeline_name":%b' % _quoted(run.pipeline.name),
            b"" if name is ABSENT else b',"deployment_name":%b' % _quoted(name),
        )

    def _joined(self, told: Iterable[tuple[Run, bytes]]) -> bytes:
        """Join entries, given oldest first, in the order of the platform."""
        pairs = list(told)
        if self._history.quirks.order == "shuffled":
            pairs.sort(key=lambda pair: key_of("order", pair[0].execution_id))
        elif self._history.quirks.order == "newest_first":
            pairs.reverse()
        return _array([], [entry for _, entry in pairs], reverse=False)


@lru_cache(maxsize=4096)
def _quoted(name: str | None) -> bytes:
    return json_bytes(name)


def _array(settled: list[bytes], young: list[bytes], *, reverse: bool) -> bytes:
    entries = settled + young
    if reverse:
        entries.reverse()
    return b"[" + b",".join(entries) + b"]"
