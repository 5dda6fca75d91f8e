"""One whole execution: its detail, then its log, metrics and the bytes of its file values.

The detail comes first, because it tells which secrets to look for in all the rest. A part that
cannot be read does not take the others with it: it is named in `Whole.parts`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from craftsync.errors import Missing, UpstreamFault
from craftsync.records import (
    Execution,
    FetchedPart,
    Key,
    LogLine,
    Metric,
    ObjectKind,
    Part,
    PartKind,
    PartState,
    Side,
    Value,
    Whole,
)
from craftsync.upstream import exact, metrics, payloads
from craftsync.upstream.client import Platform
from craftsync.upstream.echoes import Secrets, Stream
from craftsync.upstream.gathered import Gathered, Wants, failed
from craftsync.upstream.logs import NOTHING, Log, LogReader, Size
from craftsync.upstream.once import Once
from craftsync.upstream.redact import Redactor


class Fetcher:
    """Fetch executions, or parts of them, from many threads; everything comes out redacted.

    `whole_log` is how much a log held that is known to have come whole, at most.
    """

    def __init__(
        self, platform: Platform, redactor: Redactor, wants: Wants, *, whole_log: Size = NOTHING
    ) -> None:
        self._platform = platform
        self._redactor = redactor
        self._wants = wants
        self._logs = LogReader(platform, sound=whole_log)
        # The parts of one execution come one after the other.
        self._secrets_of = Once(self._learn, remembered=256)

    def whole(self, execution_id: str, *, scope_pipeline: str, with_metrics: bool) -> Whole:
        """Fetch one execution.

        Raises `UpstreamFault` (`Missing`, `Denied`, `BadAnswer`…) when its detail cannot be read:
        then there is nothing to save. `BadCredentials` and `Unreachable` end the run.
        """
        redacted = self._redactor.execution(self._platform.execution(execution_id))
        execution = payloads.execution(redacted, scope_pipeline=scope_pipeline)
        payloads.require_about(redacted.payload, ObjectKind.EXECUTION, execution_id)
        found = Gathered()
        try:
            lines = self._lines(execution_id, redacted.secrets, found)
            recorded = None
            if with_metrics:
                recorded = self._metrics(execution_id, redacted.secrets, found)
            inputs = self._values(execution, execution.inputs, redacted.secrets, found)
            outputs = self._values(execution, execution.outputs, redacted.secrets, found)
            if (inputs, outputs) != (execution.inputs, execution.outputs):
                execution = replace(execution, inputs=inputs, outputs=outputs)
        except BaseException:
            for file in found.files:
                file.content.close()
            raise
        return Whole(execution, lines, recorded, tuple(found.parts), tuple(found.files))

    def again(
        self, execution_id: str, *, scope_pipeline: str, with_metrics: bool, lines_held: int
    ) -> Whole:
        """Fetch one execution of whose log `lines_held` lines are held; raises as `whole` does.

        The platform may cap its answers: a second one of the same length shows it, and the log is
        then read by windows.
        """

        def whole() -> Whole:
            return self.whole(
                execution_id, scope_pipeline=scope_pipeline, with_metrics=with_metrics
            )

        found = whole()
        if found.lines and len(found.lines) < lines_held:
            found.close()
            found = whole()
        return found

    def is_still(self, whole: Whole) -> bool:
        """Whether the detail of an execution is as it was fetched; raises what its GET raises."""
        again = self._redactor.execution(self._platform.execution(whole.execution.key.execution_id))
        now, then = again.body, whole.execution.raw.body.decode()
        return now == then or bool(exact.loads(now) == exact.loads(then))  # in any order of keys

    def settings_of(self, deployment: str) -> str:
        """Fetch what a deployment is set to, as JSON.

        Raises what its GET raises, and `BadAnswer` when something else comes in its place.
        """
        answer = self._platform.deployment(deployment)
        payloads.require_about(answer, ObjectKind.DEPLOYMENT, deployment)
        return payloads.settings_of(self._redactor.deployment(answer))

    def part(self, key: Key, kind: PartKind, name: str) -> FetchedPart:
        """Fetch a part alone; the detail is read before it, which tells the secrets in it.

        Raises `Missing` where the execution is no more.
        """
        found = Gathered()
        if kind is PartKind.METRICS:
            # Numbers say no secret; the words of a failure may.
            recorded = self._metrics(key.execution_id, {}, found)
            part = found.parts[0] if found.parts else Part(kind, name, PartState.OK)
            if part.error is None:
                return FetchedPart(part, metrics=recorded)
        try:
            secrets = self._secrets_of(key)
        except Missing:
            raise
        except UpstreamFault as fault:
            # Whatever it is, it is not about the part: that is asked for again.
            told = self._redactor.text(str(fault), {})
            return FetchedPart(Part(kind, name, PartState.ERROR, error=told))
        if kind is PartKind.METRICS:
            return FetchedPart(replace(part, error=self._redactor.text(part.error or "", secrets)))
        if kind is PartKind.LOGS:
            lines = self._lines(key.execution_id, secrets, found)
            part = found.parts[0] if found.parts else Part(kind, name, PartState.OK)
            return FetchedPart(part, lines=lines)
        side = Side.INPUT if kind is PartKind.INPUT else Side.OUTPUT
        return self._file(key.execution_id, side, name, secrets)

    def _learn(self, key: Key) -> Secrets:
        """Return what to look for in the parts of an execution."""
        redacted = self._redactor.execution(self._platform.execution(key.execution_id))
        payloads.require_about(redacted.payload, ObjectKind.EXECUTION, key.execution_id)
        if payloads.is_another(redacted.payload, key.created_at):
            raise Missing(f"execution {key.execution_id}: another one has its id")
        return redacted.secrets

    def wanting(self, wants: Wants) -> "Fetcher":
        """Return one that fetches other things, and knows what this one knows of logs."""
        return Fetcher(self._platform, self._redactor, wants, whole_log=self.whole_log)

    @property
    def whole_log(self) -> Size:
        """So many lines, and characters, came in one answer, and were a whole log."""
        return self._logs.sound

    def doubtful(self) -> list[str]:
        """Return, once, the executions whose log may lack lines: a cap was found after them."""
        return self._logs.doubtful()

    def _lines(
        self, execution_id: str, secrets: Secrets, found: Gathered
    ) -> tuple[LogLine, ...] | None:
        if not self._wants.logs:
            found.parts.append(Part(PartKind.LOGS, "", PartState.PENDING))
            return None
        try:
            log = self._logs.read(execution_id, clean=self._redactor.cleaner(secrets))
        except Missing:
            log = Log((), is_absent=True)
        except UpstreamFault as fault:
            found.parts.append(failed(PartKind.LOGS, "", fault, self._cleaner(secrets)))
            return None
        if not log.lines:
            # The platform may have dropped what it once gave: what is held of it stays.
            found.parts.append(Part(PartKind.LOGS, "", PartState.ABSENT))
            return None
        if log.is_capped:
            found.parts.append(Part(PartKind.LOGS, "", PartState.CAPPED))
        return log.lines

    def _metrics(
        self, execution_id: str, secrets: Secrets, found: Gathered
    ) -> tuple[Metric, ...] | None:
        try:
            return metrics.of_execution(self._platform, execution_id)
        except Missing:
            # It may have been deleted a moment ago: what is held of them stays.
            found.parts.append(Part(PartKind.METRICS, "", PartState.ABSENT))
            return None
        except UpstreamFault as fault:
            found.parts.append(failed(PartKind.METRICS, "", fault, self._cleaner(secrets)))
            return None

    def _values(
        self, execution: Execution, values: tuple[Value, ...], secrets: Secrets, found: Gathered
    ) -> tuple[Value, ...]:
        """Fetch the bytes of those values that are files."""
        if not any(value.wants_file for value in values):
            return values
        held = []
        for value in values:
            if not value.wants_file:
                held.append(value)
                continue
            got = self._file(execution.key.execution_id, value.side, value.name, secrets)
            if got.file is not None:
                found.files.append(got.file)
            elif got.part.state is not PartState.ABSENT:
                found.parts.append(got.part)
            held.append(
                replace(
                    value,
                    state=got.part.state,
                    file_sha256=got.file.sha256 if got.file else None,
                    size_bytes=got.part.size_bytes,
                )
            )
        return tuple(held)

    def _file(self, execution_id: str, side: Side, name: str, secrets: Secrets) -> FetchedPart:
        kind = PartKind.INPUT if side is Side.INPUT else PartKind.OUTPUT
        if not self._wants.files:
            return FetchedPart(Part(kind, name, PartState.PENDING))
        streams: list[Stream] = []

        def through(chunks: Iterator[bytes]) -> Iterator[bytes]:
            streams.append(self._redactor.stream(chunks, secrets))
            return streams[-1]

        try:
            file = self._platform.value(
                execution_id,
                side,
                name,
                max_bytes=self._wants.max_file_bytes,
                through=through,
            )
        except Missing:
            return FetchedPart(Part(kind, name, PartState.ABSENT))
        except UpstreamFault as fault:
            return FetchedPart(failed(kind, name, fault, self._cleaner(secrets)))
        redacted = bool(streams) and streams[-1].changed
        state = PartState.REDACTED if redacted else PartState.OK
        return FetchedPart(Part(kind, name, state, file.size_bytes), file=file)

    def _cleaner(self, secrets: Secrets) -> Callable[[str], str]:
        def clean(text: str) -> str:
            return self._redactor.text(text, secrets)

        return clean
