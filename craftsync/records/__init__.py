"""What flows through the house, from the wire to the store: frozen, without I/O.

Text in these records can be put into any SQL database: NUL stands as U+2400 and a lone surrogate
as U+FFFD. Where that changed something, `exact` of the record holds the truth: a JSON object in
pure ASCII, column name -> exact JSON value. Instants are aware and in UTC. JSON travels as text,
compact, with every digit as the platform sent it. Everything here is already redacted.
"""

from craftsync.records.estate import Deployment, Pipeline
from craftsync.records.execution import (
    Execution,
    FetchedPart,
    FileBytes,
    LogLine,
    Metric,
    Part,
    Step,
    Value,
    Whole,
)
from craftsync.records.listed import Ending, ListedExecution, shows_change
from craftsync.records.window import Window
from craftsync.records.words import (
    TERMINAL,
    GoneCause,
    Incarnation,
    Key,
    ObjectKind,
    PartKind,
    PartState,
    Payload,
    Raw,
    Side,
)

__all__ = [
    "TERMINAL",
    "Deployment",
    "Ending",
    "Execution",
    "FetchedPart",
    "FileBytes",
    "GoneCause",
    "Incarnation",
    "Key",
    "ListedExecution",
    "LogLine",
    "Metric",
    "ObjectKind",
    "Part",
    "PartKind",
    "PartState",
    "Payload",
    "Pipeline",
    "Raw",
    "Side",
    "Step",
    "Value",
    "Whole",
    "Window",
    "shows_change",
]
