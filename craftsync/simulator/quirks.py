"""What nobody outside knows about the platform, each with the behaviours that fit what is known.

A client has to live with every combination; the defaults are the likeliest.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Choose one behaviour for each unknown of the platform."""

    # Listings of executions.
    order: Literal["newest_first", "newest_last", "shuffled"] = "newest_last"
    steps_in_lists: bool = False
    run_deployment_name: Literal["varied", "null", "absent", "pseudo"] = "varied"
    unknown_pipeline_executions: Literal["404", "empty"] = "404"
    latest_none: Literal["null", "204", "empty_object", "404"] = "null"
    latest_shape: Literal["list", "full"] = "list"

    # Logs of executions.
    logs_shape: Literal["nested", "flat", "null", "204", "empty"] = "nested"
    logs_limit_keeps: Literal["oldest", "newest"] = "oldest"
    logs_from_inclusive: bool = True
    logs_to_inclusive: bool = True
    logs_cap: int | None = None
    logs_stream: Literal["some", "always", "never"] = "some"
    logs_without_lines: Literal["[]", "[[]]"] = "[]"
    logs_late_s: float = 0.0  # the last line arrives so long after the end

    # Values.
    outputs_while_running: Literal["without_value", "null", "empty"] = "without_value"
    missing_value: Literal["null", "404", "204"] = "null"
    file_content_type: Literal["mixed", "octet_stream", "unusual"] = "mixed"
    datastore_path: Literal["resolved", "pattern"] = "resolved"

    # Deleting.
    second_delete: Literal["404", "204"] = "404"
    running_delete: Literal["refused", "allowed"] = "refused"
    archived: Literal["404", "served"] = (
        "404"  # what a GET of a deleted deployment or pipeline gives
    )

    # Metrics.
    list_total_counts: Literal["lists", "values"] = "lists"

    # Waiting calls answer 307 so often, when the clock stands still, before what they wait for.
    polls_before_result: int = 2

    run_status: int = 200  # of the reply to a run or trigger; 3xx carries a body too

    # Requests a second of real time before 429; None: no limit.
    rate_limit: int | None = None
