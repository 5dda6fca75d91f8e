"""Words of our own in SQL, made in the memory of each session; the questions are written with them.

A status is compared without case. A signature is what messages of one cause have in common: what
differs from run to run (numbers, hexadecimal, ids, paths, quoted text) is replaced by marks.
"""

_PATH = (
    r"(^|[\s(=:,\[<])"  # what stands before a path
    r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^\s,;)>\]]+"
    r"|[A-Za-z]:\\[^\s,;)>\]]+"
    r"|(?:~|\.{1,2})?/[\w.@+~-]+(?:/[\w.@+~-]*)*"
    r"|[\w.@+~-]+(?:/[\w.@+~-]+)*/[\w@+~-]+\.[A-Za-z][\w]*)"
)
_ID = (
    r"\b(?:0[xX][0-9a-fA-F]+"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|[0-9a-f]*[0-9][0-9a-f]*"
    r"|[0-9A-F]*[0-9][0-9A-F]*"
    r"|[A-Za-z0-9]*[0-9][A-Za-z]+[0-9][A-Za-z0-9]*"
    r"|[0-9a-fA-F]{8,})\b"
)

# Quoted text before paths, and both before numbers: each mark hides what stands within.
_MARKS = (
    (r"\x1b\[[0-9;]*[A-Za-z]", ""),  # colours
    (r'"[^"]*"', "<text>"),
    (r"(^|[^\w])'[^']*'", r"\1<text>"),
    (r"`[^`]*`", "<text>"),
    (_PATH, r"\1<path>"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?", "#"),
    (r"\b[0-9]+(?:\.[0-9]+[eE][-+]?|[eE][-+])[0-9]+\b", "#"),
    (_ID, "#"),
    (r"[0-9]+", "#"),
    (r"#(?:[.,:]#)+", "#"),
    (r"(^|[\s(=:,\[])[-+]#", r"\1#"),
    (r"\s+", " "),
)
_BLANK = "chr(13) || chr(9) || ' '"
_LONGEST = 300  # characters of a signature


def _last_line() -> str:
    """Write what finds the exception of a whole traceback: the last line not indented."""
    last = r"(?:^|\n)([^\s][^\n]*)(?:\n[ \t][^\n]*|\n)*$"
    return (
        f"create macro last_line(message) as case when contains(message, chr(10)) then coalesce("
        f"nullif(trim(regexp_extract(rtrim(message, chr(10) || {_BLANK}), '{last}', 1)), ''),"
        f" trim(message, chr(10) || {_BLANK})) else trim(message, {_BLANK}) end"
    )


def _signature() -> str:
    sql = f"left(last_line(message), {4 * _LONGEST})"
    for pattern, mark in _MARKS:
        quoted = pattern.replace("'", "''")
        sql = f"regexp_replace({sql}, '{quoted}', '{mark}', 'g')"
    return f"create macro signature(message) as left(trim({sql}), {_LONGEST})"


def _wilson(name: str, sign: str, certain: str) -> str:
    """Write an end of Wilson's 95 % interval, z = 1.96; NULL where n is 0."""
    rate = "(failures / n)"
    root = f"1.96 * sqrt({rate} * (1 - {rate}) / n + 0.9604 / n / n)"
    middle = f"({rate} + 1.9208 / n {sign} {root}) / (1 + 3.8416 / n)"
    return (
        f"create macro {name}(failures, n) as"
        f" case when n > 0 then case when {certain} else {middle} end end"
    )


# The first letter is asked first: it is cheap, and true of few lines.
_IS_FRAME = r"""
create macro is_frame(message) as case
    when left(message, 1) in (' ', chr(9), 'F', 'T')
    then regexp_matches(message, '^(?:\s+\S|File "|Traceback \(most recent)[^\n]*\s*$')
    else false
end
"""

_FAILED_RUNS = f"""
create macro failed_runs(from_when, to_when, in_environment, of_pipelines) as table
with failed as (
    select environment, execution_id, created_at, pipeline_name, commit_id
    from executions
    where is_failure(status)
      and created_at >= from_when and created_at < to_when
      and pipeline_name glob of_pipelines
      and (in_environment is null or environment = in_environment)
),
-- The last line on stderr, or where there is none the last line; no frame of a traceback, though,
-- since the platform may put that and its exception on different streams.
spoken as (
    select
        environment,
        execution_id,
        execution_created_at,
        arg_max(
            message,
            line_number + case
                when is_frame(message) then 0
                when lower(stream) = 'stderr' then {2 << 40}
                else {1 << 40}
            end
        ) as said
    from logs
    semi join failed
        on failed.environment = logs.environment
        and failed.execution_id = logs.execution_id
        and failed.created_at = logs.execution_created_at
    where trim(message, {_BLANK} || chr(10)) <> ''
    group by all
)
select
    failed.environment,
    failed.execution_id,
    failed.created_at,
    failed.pipeline_name,
    failed.commit_id,
    last_line(spoken.said) as message,
    coalesce(signature(spoken.said), '(no log)') as signature
from failed
left join spoken
    on spoken.environment = failed.environment
    and spoken.execution_id = failed.execution_id
    and spoken.execution_created_at = failed.created_at
"""


MACROS: tuple[str, ...] = (
    "create macro is_ok(status) as lower(status) in ('succeeded', 'success')",
    "create macro is_failure(status) as lower(status) in ('failed', 'error')",
    "create macro is_ended(status) as lower(status) in ('succeeded', 'success', 'failed', 'error')",
    _wilson("wilson_low", "-", "failures = 0 then 0.0"),
    _wilson("wilson_high", "+", "failures = n then 1.0"),
    _IS_FRAME,
    _last_line(),
    _signature(),
    _FAILED_RUNS,
)
"""Statements for the in-memory database of a session, once the relations are there."""
