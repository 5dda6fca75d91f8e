"""Find text in all log lines there ever were: a scan of the replica, which is fast enough."""

from dataclasses import dataclass

from craftsync.errors import Usage
from craftsync.query import known, patterns
from craftsync.query.answers import Answer
from craftsync.query.duck import Session
from craftsync.records import Window

_FOUND = """
    select
        l.environment, l.execution_id, l.execution_created_at, e.pipeline_name, e.deployment_name,
        e.status, l.line_number, l.timestamp, l.stream, l.message
    from logs as l
    join executions as e
        on (e.environment, e.execution_id, e.created_at)
        = (l.environment, l.execution_id, l.execution_created_at)
    where {conditions}
"""
_ORDER = "execution_created_at, execution_id, environment, line_number"
_AROUND = """
    with found as ({found}),
    near as (
        select
            f.environment, f.execution_id, f.execution_created_at, f.line_number,
            list(l.message order by l.line_number)
                filter (l.line_number < f.line_number) as before,
            list(l.message order by l.line_number)
                filter (l.line_number > f.line_number) as after
        from found as f
        join logs as l
            on l.environment = f.environment and l.execution_id = f.execution_id
            and l.execution_created_at = f.execution_created_at
            and l.line_number between f.line_number - $context and f.line_number + $context
        group by all
    )
    select f.*, coalesce(n.before, []) as before, coalesce(n.after, []) as after
    from found as f
    join near as n using (environment, execution_id, execution_created_at, line_number)
    order by {order}
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for, and where; `context` is the number of lines to give around each."""

    text: str
    window: Window
    regex: bool = False
    ignore_case: bool = False
    context: int = 0
    environment: str | None = None
    pipeline: str | None = None
    limit: int | None = None


def search(session: Session, wanted: Wanted) -> Answer:
    """Return the lines that have the text, by execution and line number.

    The window is of the lines' own times: a line without one is only found without a window.
    Raises `Usage` for a regular expression that cannot be read, and for an environment or a
    pipeline that the store does not hold.
    """
    if not wanted.text:
        raise Usage("There is no text to look for.", hint="craftsync search 'connection reset'")
    known.environment(session.connection, wanted.environment)
    known.pipeline(session.connection, wanted.pipeline, wanted.environment)
    if wanted.regex:
        patterns.check(session.connection, wanted.text, plainly="leave out --regex")
    bound: dict[str, object] = {"text": wanted.text}
    conditions = [_condition(wanted)]
    for column, sign, value in (
        ("l.timestamp", ">=", wanted.window.since),
        ("l.timestamp", "<", wanted.window.until),
        ("l.environment", "=", wanted.environment),
        ("e.pipeline_name", "=", wanted.pipeline),
    ):
        if value is not None:
            name = f"b{len(bound)}"
            typed = f"${name}" if isinstance(value, str) else f"${name}::timestamptz::timestamp"
            conditions.append(f"{column} {sign} {typed}")
            bound[name] = value
    found = _FOUND.format(conditions=" and ".join(conditions))
    if wanted.context:
        sql = _AROUND.format(found=found, order=f"f.{_ORDER.replace(', ', ', f.')}")
        bound["context"] = wanted.context
    else:
        sql = f"{found} order by {_ORDER}"
    if wanted.limit is not None:
        sql += f" limit {wanted.limit:d}"
    return session.ask(sql, bound)


def _condition(wanted: Wanted) -> str:
    """Write what a message must be like."""
    if wanted.regex:
        return f"regexp_matches(l.message, $text, '{'i' if wanted.ignore_case else 'c'}')"
    if wanted.ignore_case:
        return "contains(lower(l.message), lower($text))"
    return "contains(l.message, $text)"
