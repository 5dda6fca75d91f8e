"""One whole execution: its detail, then its log, then the bytes of its file values.

The detail comes first, because it tells which secrets to look for in all the rest. A part that
cannot be read does not take the others with it: it is named in `Whole.parts`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from craftsync.errors import BadAnswer, CraftsyncError, Denied, Missing, TooBig, UpstreamFault
from craftsync.records import (
    Execution,
    FileBytes,
    LogLine,
    Part,
    PartKind,
    PartState,
    Side,
    Value,
    Whole,
)
from craftsync.upstream import payloads
from craftsync.upstream.client import Platform
from craftsync.upstream.redact import Redactor

Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Wants:
    """What is to be fetched beside the detail."""

    logs: bool = True
    files: bool = True
    max_file_bytes: int = 100 << 20


def fetch(
    platform: Platform,
    redactor: Redactor,
    execution_id: str,
    *,
    scope_pipeline: str,
    wants: Wants,
) -> Whole:
    """Fetch one execution; what is returned is redacted.

    Raises `UpstreamFault` (`Missing`, `Denied`, `BadAnswer`…) when its detail cannot be read: then
    there is nothing to save. `BadCredentials` and `Unreachable` end the run.
    """
    redacted = redactor.execution(platform.execution(execution_id))
    execution = payloads.execution(redacted, scope_pipeline=scope_pipeline)
    if execution.key.execution_id != execution_id:
        raise BadAnswer(f"execution {execution_id}: the platform answered with another one")

    def clean(text: str) -> str:
        return redactor.text(text, redacted.secrets)

    lines, log_parts = _logs(platform, execution_id, clean) if wants.logs else (None, (_NO_LOGS,))
    inputs, input_files, input_parts = _values(platform, execution, execution.inputs, wants, clean)
    outputs, output_files, output_parts = _values(
        platform, execution, execution.outputs, wants, clean
    )
    return Whole(
        execution=replace(execution, inputs=inputs, outputs=outputs),
        lines=lines,
        parts=(*log_parts, *input_parts, *output_parts),
        files=(*input_files, *output_files),
    )


_NO_LOGS = Part(PartKind.LOGS, "", PartState.PENDING)


def _logs(
    platform: Platform, execution_id: str, clean: Clean
) -> tuple[tuple[LogLine, ...] | None, tuple[Part, ...]]:
    try:
        answer = platform.logs(execution_id)
        if answer is None:
            return (), (Part(PartKind.LOGS, "", PartState.ABSENT),)
        return payloads.log_lines(answer, clean=clean), ()
    except Missing:
        return (), (Part(PartKind.LOGS, "", PartState.ABSENT),)
    except UpstreamFault as fault:
        return None, (_failed(PartKind.LOGS, "", fault, clean),)


def _values(
    platform: Platform,
    execution: Execution,
    values: tuple[Value, ...],
    wants: Wants,
    clean: Clean,
) -> tuple[tuple[Value, ...], list[FileBytes], list[Part]]:
    """Fetch the bytes of those values that are files."""
    if not any(value.wants_file for value in values):
        return values, [], []
    held: list[Value] = []
    files: list[FileBytes] = []
    parts: list[Part] = []
    for value in values:
        if not value.wants_file or not wants.files:
            held.append(value)
            continue
        kind = PartKind.INPUT if value.side is Side.INPUT else PartKind.OUTPUT
        try:
            found = platform.value(
                execution.key.execution_id,
                value.side,
                value.name,
                max_bytes=wants.max_file_bytes,
            )
        except Missing:
            held.append(replace(value, state=PartState.ABSENT))
        except UpstreamFault as fault:
            part = _failed(kind, value.name, fault, clean)
            parts.append(part)
            held.append(replace(value, state=part.state, size_bytes=part.size_bytes))
        else:
            files.append(found)
            held.append(
                replace(
                    value,
                    state=PartState.OK,
                    file_sha256=found.sha256,
                    size_bytes=found.size_bytes,
                )
            )
    return tuple(held), files, parts


def _failed(kind: PartKind, name: str, fault: CraftsyncError, clean: Clean) -> Part:
    """Say what became of a part that could not be read; the error's words are redacted."""
    match fault:
        case TooBig(size_bytes=size):
            return Part(kind, name, PartState.TOO_BIG, size_bytes=size)
        case Denied():
            return Part(kind, name, PartState.DENIED, error=clean(str(fault)))
        case _:
            return Part(kind, name, PartState.ERROR, error=clean(str(fault)))
