"""What a sync did, for Prometheus: a file for the textfile collector of the node exporter.

The exporter is another user, and nothing in the file is a secret: alone among the files of
craftsync it has mode 0644, whatever the umask. It appears as a whole or not at all.
"""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Enum, Gauge, generate_latest

from craftsync.errors import Usage
from craftsync.sync.events import Outcome

OUTCOMES = ("complete", "partial", "withheld", "failed", "interrupted")

_FIGURES: Mapping[str, tuple[str, Callable[[Outcome], float]]] = {
    "timestamp_seconds": ("When the last run began.", lambda one: one.started_at.timestamp()),
    "duration_seconds": ("How long the last run took.", lambda one: one.seconds),
    "exit_code": ("The exit code of the last run.", lambda one: one.exit_code),
    "listed": ("Executions the listings showed.", lambda one: one.listed),
    "fetched": ("Executions read anew.", lambda one: one.fetched),
    "unchanged": ("Executions listed and not read anew.", lambda one: one.unchanged),
    "gone": ("Executions whose absence was confirmed.", lambda one: one.gone),
    "withheld": ("Absences the guard did not believe.", lambda one: one.withheld_count),
    "failed": ("Objects and parts that could not be read.", lambda one: len(one.failed)),
    "requests": ("Requests, with retries and renewals.", lambda one: one.requests),
    "received_bytes": ("Bytes received.", lambda one: one.bytes_received),
}


def write(
    path: Path, outcomes: Sequence[Outcome], *, last_complete: Mapping[str, datetime | None]
) -> None:
    """Write the figures of a sync to `path`, in the Prometheus text format.

    `last_complete` is the start of each environment's last complete run, which may be an earlier
    one than this; for none the metric is 0, so that an alert on its age goes off. Raises `Usage`
    when the file cannot be written; one that was there is there still. A device or a pipe is
    written to, and stays what it is.
    """
    text = generate_latest(_registry(outcomes, last_complete))
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(text)
        else:
            _replace(path, text)
    except OSError as flaw:
        raise Usage(f"{path} cannot be written: {flaw.strerror or flaw}.") from flaw


def _replace(path: Path, text: bytes) -> None:
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".craftsync-{secrets.token_hex(8)}.tmp")  # no name of a collector's
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        draft.replace(target)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _registry(
    outcomes: Sequence[Outcome], last_complete: Mapping[str, datetime | None]
) -> CollectorRegistry:
    registry = CollectorRegistry()
    complete = Gauge(
        "craftsync_last_complete_timestamp_seconds",
        "When the last complete run began; 0 for none.",
        ["environment"],
        registry=registry,
    )
    state = Enum(
        "craftsync_last_run_outcome",
        "How the last run ended.",
        ["environment"],
        states=OUTCOMES,
        registry=registry,
    )
    gauges = {
        name: Gauge(f"craftsync_last_run_{name}", about, ["environment"], registry=registry)
        for name, (about, _) in _FIGURES.items()
    }
    for one in outcomes:
        at = last_complete.get(one.environment)
        complete.labels(one.environment).set(at.timestamp() if at else 0)
        state.labels(one.environment).state(one.outcome)
        for name, (_, figure) in _FIGURES.items():
            gauges[name].labels(one.environment).set(figure(one))
    return registry
