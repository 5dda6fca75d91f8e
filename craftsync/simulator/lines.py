"""What executions print: nanosecond stamps, tracebacks where code raised, repeats now and then.

Lines appear while an execution runs. Some executions print a secret they were given, as people's
code does.
"""

from typing import NamedTuple

from craftsync.simulator.clock import DAY_MS
from craftsync.simulator.dice import key_of, pick, roll
from craftsync.simulator.estate import Deployment, Pipeline, pod_ids
from craftsync.simulator.quirks import Quirks
from craftsync.simulator.streams import Run

NS = 1_000_000  # in a millisecond
_WARNED = 12  # of 256 lines
_EMPTY = 4

_RAISED = (
    ('  File "/app/src/main.py", line 41, in main', 'KeyError: "petal_width"'),
    ('  File "/app/src/io.py", line 12, in load', "FileNotFoundError: datasets/iris.csv"),
    ('  File "/app/src/model.py", line 88, in fit', "ValueError: Input contains NaN, infinity."),
    (
        '  File "/app/.venv/lib/requests/adapters.py", line 519, in send',
        "requests.exceptions.ConnectionError: db.example.org:5432 refused",
    ),
    ('  File "/app/src/main.py", line 7, in <module>', "MemoryError"),
    (
        '  File "/app/src/rules.py", line 203, in check',
        "acme.errors.RuleError: ligne 3 : total ≠ 0",
    ),
)
_PLATFORM = (
    "Container was OOMKilled (exit code 137)",
    "Node was drained, pod evicted",
    "Image could not be pulled",
)


class Line(NamedTuple):
    """One printed line; `part` is the inner list it comes in."""

    at_ns: int
    message: str
    stream: str = "stdout"
    part: int = 0
    seen_from_ms: int = 0  # when the platform shows it


def lines_of(
    run: Run, *, variables: dict[str, str], exactly: int | None, late_ms: int
) -> list[Line]:
    """Give all lines of an execution, from its start to its end, whether or not it is there yet."""
    if not run.ran:
        at_ns = run.ended_ms * NS
        message = pick(_PLATFORM, run.drawn, 22)
        return [Line(at_ns, message, "stderr")] if run.outcome == "Error" else []
    drawn = run.drawn
    number = exactly or (100 * (1 + drawn[17] % 3) if drawn[16] == 0 else 4 + drawn[16] % 36)
    messages = _messages(run, number, variables)
    start_ns = run.started_ms * NS
    pitch_ns = (run.ended_ms - run.started_ms) * NS // (len(messages) + 1)
    noise = int.from_bytes(drawn[24:28], "little")
    part = 1 if drawn[21] % 13 == 0 else 0
    half = len(messages) // 2
    lines = [
        Line(
            start_ns + at * pitch_ns + (noise * (at + 1)) % pitch_ns if pitch_ns else start_ns,
            message,
            "stderr" if message.startswith(("Traceback", "  File", "WARNING")) else "stdout",
            part if at >= half else 0,
        )
        for at, message in enumerate(messages)
    ]
    if exactly is None and drawn[18] % 6 == 0:
        lines[2:2] = [lines[1], lines[1]]  # the same line three times in one nanosecond
    if late_ms:
        lines[-1] = lines[-1]._replace(seen_from_ms=run.ended_ms + late_ms)
    return lines


def _messages(run: Run, number: int, variables: dict[str, str]) -> list[str]:
    drawn = run.drawn
    messages = [f"starting {run.pipeline.name}"]
    for binding in run.inputs:
        if binding.mapping_type == "environment_variable" and drawn[19] % 4 == 0:
            messages.append(f"{binding.target.lower()}={variables.get(binding.target)}")
    ending: list[str] = []
    if run.outcome == "Failed":
        where, what = pick(_RAISED, drawn, 22)
        ending = ["Traceback (most recent call last):", where, what]
    elif run.outcome == "Error":
        ending = [pick(_PLATFORM, drawn, 22)]
    for at in range(number - len(messages) - len(ending)):
        kind = drawn[28 + at % 32]
        if kind < _WARNED:
            messages.append("" if kind < _EMPTY else "WARNING retry of a slow call — 1 of 3")
        else:
            messages.append(f"batch {at + 1}: {kind * 7} rows, loss={kind / 256:.4f}")
    return (messages + ending)[-max(number, 1) :]


def shows_stream(run: Run, quirks: Quirks) -> bool:
    """Tell whether lines of this execution name their stream."""
    if quirks.logs_stream == "some":
        return run.pipeline.plan.logs_stream
    return quirks.logs_stream == "always"


def build_lines(pipeline: Pipeline) -> list[Line]:
    """Give the log of a pipeline's creation."""
    steps = ("cloning the code", "installing requirements", "building the image", "image pushed")
    noise = key_of("build", pipeline.pipeline_id)[0]
    return [
        Line((pipeline.created_ms + 900 * at) * NS + noise, f"[{at + 1}/4] {step}")
        for at, step in enumerate(steps)
    ]


def pod_lines(deployment: Deployment, at_ms: int) -> list[tuple[str, Line]]:
    """Give the lines of a low-latency deployment's pods, of the last two days at most."""
    if deployment.plan.mode != "low_latency":
        return []
    lines = []
    first = max(deployment.created_ms, at_ms - 2 * DAY_MS) // 3_600_000
    for hour in range(first, at_ms // 3_600_000 + 1):
        for pod_id in pod_ids(deployment):
            drawn = roll(key_of("pod", pod_id), hour)
            printed_ms = hour * 3_600_000 + drawn[0] * 10_000
            if deployment.created_ms <= printed_ms <= at_ms:
                stream = "stderr" if drawn[1] % 9 == 0 else "stdout"
                message = f"heartbeat, {drawn[2]} calls in the last hour"
                lines.append((pod_id, Line(printed_ms * NS + drawn[3], message, stream)))
    return sorted(lines, key=lambda told: told[1].at_ns)
