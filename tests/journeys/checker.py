"""What a mirror of a make-believe platform has to hold, worked out from the platform's truth alone.

Written from the contract, without the code under test: dates, figures, redaction and states are
made here once more, in the plainest way.
"""

import hashlib
import hmac
import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta

TERMINAL = ("succeeded", "failed", "error", "skipped", "success")
UNSET = ("status", "pods", "updated_at", "updated_by", "last_execution_id")


class Secrets:
    """Turn what must not be read into fingerprints, with the key of one store."""

    def __init__(self, key):
        self.key = key

    def fingerprint(self, text):
        return "redacted:" + hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:16]

    def of(self, detail):
        """Return the secrets of one execution: text -> fingerprint."""
        found = {}
        for item in detail.get("inputs") or ():
            value = item.get("value")
            if item["mapping_type"] == "environment_variable" and isinstance(value, str):
                found[value] = self.fingerprint(value)
        for step in detail.get("steps") or ():
            if password := re.search(r"://[^/@]*:([^/@]*)@", step.get("repository_url") or ""):
                found[password[1]] = self.fingerprint(password[1])
        return found


def clean(thing, secrets):
    """Replace the echoes of secrets in whatever JSON holds."""
    if isinstance(thing, str):
        for secret, fingerprint in secrets.items():
            if len(secret) >= 6:
                thing = thing.replace(secret, fingerprint)
        return thing
    if isinstance(thing, list):
        return [clean(each, secrets) for each in thing]
    if isinstance(thing, dict):
        return {clean(key, secrets): clean(each, secrets) for key, each in thing.items()}
    return thing


def moment(text):
    """Write a date of the platform as the store does; None for none."""
    if not text:
        return None
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction[:6]:0<6}Z"


def at(moment_text):
    return datetime.strptime(moment_text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def seconds(since, until):
    return None if None in (since, until) else (at(until) - at(since)).total_seconds()


def nanoseconds(text):
    whole, _, fraction = text.removesuffix("Z").partition(".")
    counted = datetime.fromisoformat(whole).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return int(counted.total_seconds()) * 10**9 + int(f"{fraction:0<9}")


def fit(text):
    """Show what a database cannot hold."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text.replace("\0", "\u2400"))


def digits(text):
    """Read JSON so that 1, 1.0, true and "1" are four things, and long numbers stay long."""

    def number(said):
        return ("number", said)

    return json.loads(text, parse_int=number, parse_float=number)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def value_columns(value):
    """Return `value`, `value_text`, `value_number` of a value that was sent."""
    if value is None:
        return "null", None, None
    if isinstance(value, str):
        return compact(value), value, None
    text = compact(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return text, text, float(value) if is_number else None


def expected_value(item, content, side, secrets, *, is_over):
    """Return what one input or output has to look like, for the columns that tell of its value."""
    row = dict.fromkeys(("value", "value_text", "value_number", "file_sha256", "size_bytes"))
    mapping = item.get("mapping_value") or {}
    if item["data_type"] == "file":
        asked = item["mapping_type"] != "is_null" and (
            item["mapping_type"] != "datastore" if side == "inputs" else is_over
        )
        row["value_state"] = "absent"
        if asked and content is not None:
            row["value_state"] = "ok"
            row["file_sha256"] = hashlib.sha256(content).hexdigest()
            row["size_bytes"] = len(content)
    elif "value" not in item:
        row["value_state"] = "absent"
    else:
        value = item["value"]
        if item["mapping_type"] == "environment_variable" and value is not None:
            sealed = secrets.get(value) if isinstance(value, str) else None
        else:
            sealed = clean(value, secrets)
        row["value_state"] = "ok" if compact(sealed) == compact(value) else "redacted"
        row["value"], row["value_text"], row["value_number"] = value_columns(sealed)
    constant = mapping.get("constant_value", ...)
    row["constant_value"] = None if constant is ... else compact(clean(constant, secrets))
    row["is_null"] = mapping.get("is_null")
    row["datastore_path"] = clean(mapping.get("datastore_path"), secrets)
    row["environment_variable_name"] = mapping.get("environment_variable_name")
    row["endpoint"] = mapping.get(f"endpoint_{side[:-1]}_name")
    return row


class Mirror:
    """The rows of a store by relation, to be held against the truth."""

    def __init__(self, lab):
        self.lab = lab
        (key,) = lab.column("select fingerprint_key from store_identity")
        self.secrets = Secrets(key if isinstance(key, bytes) else bytes.fromhex(key))

    def rows(self, relation):
        return self.lab.rows(f"select * from {relation}")

    def by_execution(self, relation):
        found = defaultdict(list)
        for row in self.rows(relation):
            found[row["execution_id"], row["execution_created_at"]].append(row)
        return found

    def differences(self, *, flat_logs=False, no_logs=False):
        """Tell every difference between the live rows and the truth, a sentence each."""
        truth = self.lab.world.truth()
        told = []
        self.births = defaultdict(list)
        for row in self.rows("deployments"):
            self.births[row["deployment_name"]].append(row["created_at"])

        def same(what, is_held, should_be):
            if is_held != should_be or type(is_held) is not type(should_be):
                told.append(f"{what}: held {is_held!r}, in truth {should_be!r}")

        self._pipelines(truth, same)
        self._deployments(truth, same)
        self._executions(truth, same, flat_logs=flat_logs, no_logs=no_logs)
        return told

    def _pipelines(self, truth, same):
        held = {
            (row["pipeline_name"], row["created_at"], row["status"])
            for row in self.rows("pipelines")
            if row["gone_at"] is None
        }
        should = {
            (each["pipeline_name"], moment(each["created_at"]), each["status"])
            for each in truth.pipelines()
        }
        same("pipelines", held, should)

    def _deployments(self, truth, same):
        held = {
            row["deployment_name"]: row for row in self.rows("deployments") if not row["gone_at"]
        }
        versions = {
            (row["deployment_name"], row["deployment_created_at"]): row
            for row in self.rows("deployment_versions")
            if row["valid_to"] is None
        }
        same("deployments", set(held), {each["name"] for each in truth.deployments()})
        for each in truth.deployments():
            detail, row = each["detail"], held.get(each["name"])
            if row is None:
                continue
            token = detail.get("endpoint_token")
            should = {
                "environment": "default",
                "created_at": moment(each["created_at"]),
                "pipeline_name": each["pipeline_name"],
                "execution_rule": each["execution_rule"],
                "mode": each["mode"],
                "is_enabled": int(each["is_enabled"]),
                "status": detail["status"],
                "schedule": detail.get("schedule"),
                "human_readable_schedule": detail.get("human_readable_schedule"),
                "endpoint_url_path": detail.get("endpoint_url_path"),
                "endpoint_token_fingerprint": token and self.secrets.fingerprint(token),
                "description": detail.get("description"),
                "created_by": detail["created_by"],
                "updated_at": moment(detail["updated_at"]),
                "updated_by": detail["updated_by"],
            }
            for name, value in should.items():
                same(f"deployment {each['name']} {name}", row[name], value)
            for name in ("inputs_mapping", "outputs_mapping", "pods"):
                value = None if name not in detail else digits(compact(detail[name]))
                same(f"deployment {each['name']} {name}", row[name] and digits(row[name]), value)
            settings = {key: value for key, value in detail.items() if key not in UNSET}
            if token:
                settings["endpoint_token"] = self.secrets.fingerprint(token)
            mirrored = versions[each["name"], row["created_at"]]["settings"]
            same(f"settings of {each['name']}", mirrored and json.loads(mirrored), settings)
            self._last_execution(truth, same, row)

    def _last_execution(self, truth, same, row):
        """Hold a deployment's newest execution against the truth and what is held as gone."""
        known = {
            (moment(each.created_at), each.execution_id)
            for each in truth.executions()
            if each.deployment_name == row["deployment_name"]
        } | {
            (gone["created_at"], gone["execution_id"])
            for gone in self.rows("executions")
            if gone["gone_at"] and gone["deployment_name"] == row["deployment_name"]
        }
        newest = max((each for each in known if each[0] >= row["created_at"]), default=("", None))
        same(f"last execution of {row['deployment_name']}", row["last_execution_id"], newest[1])

    def _executions(self, truth, same, *, flat_logs, no_logs):
        held = {
            (row["execution_id"], row["created_at"]): row
            for row in self.rows("executions")
            if row["gone_at"] is None
        }
        should = {(each.execution_id, moment(each.created_at)): each for each in truth.executions()}
        same("executions", set(held), set(should))
        steps, logs = self.by_execution("steps"), self.by_execution("logs")
        inputs, outputs = self.by_execution("inputs"), self.by_execution("outputs")
        parts, metrics = self.by_execution("parts"), self.by_execution("metrics")
        recording = {each.pipeline_name for each in should.values() if each.metrics}
        for key in held.keys() & should.keys():
            true, row = should[key], held[key]
            secrets = self.secrets.of(true.detail)
            self._execution(same, row, true)
            self._steps(same, steps[key], true, secrets)
            self._metrics(same, metrics[key], true)
            states = {("detail", ""): "ok"}
            if true.pipeline_name in recording:
                states["metrics", ""] = "ok"
            states |= self._values(same, inputs[key], true, "inputs", secrets)
            states |= self._values(same, outputs[key], true, "outputs", secrets)
            lines = () if no_logs else true.lines
            states["logs", ""] = row["logs_state"]
            self._lines(same, logs[key], true, lines, secrets, flat=flat_logs)
            same(f"log of {key[0]}", row["logs_state"], "ok" if lines else "absent")
            same(
                f"parts of {key[0]}",
                {(part["part"], part["name"]): part["state"] for part in parts[key]},
                states,
            )

    def _execution(self, same, row, true):
        created = moment(true.created_at)
        starts = [moment(step["start_date"]) for step in true.steps if step["start_date"]]
        started, ended = min(starts, default=None), moment(true.end_date)
        born = [birth for birth in self.births[true.deployment_name] if birth <= created]
        commits = [step["commit_id"] for step in true.steps if step["commit_id"]]
        should = {
            "environment": "default",
            "pipeline_name": true.pipeline_name,
            "deployment_name": true.deployment_name or None,
            "deployment_created_at": max(born, default=None),
            "status": true.status,
            "created_by": true.detail["created_by"],
            "started_at": started,
            "end_date": ended,
            "queue_s": seconds(created, started),
            "run_s": seconds(started, ended),
            "commit_id": next(iter(commits), None),
            "detail_state": "ok",
            "gone_at": None,
            "gone_cause": None,
        }
        for name, value in should.items():
            if isinstance(value, float):
                near = row[name] is not None and abs(row[name] - value) < 1e-6
                same(f"{true.execution_id} {name}", near or row[name], True)
            else:
                same(f"{true.execution_id} {name}", row[name], value)
        if true.status.lower() not in TERMINAL:
            same(f"{true.execution_id} settled", row["settled"], 0)
        elif ended and at(row["fetched_at"]) - at(ended) >= timedelta(hours=1):
            same(f"{true.execution_id} settled", row["settled"], 1)

    def _steps(self, same, rows, true, secrets):
        rows = sorted(rows, key=lambda row: row["position"])
        same(f"steps of {true.execution_id}", len(rows), len(true.steps))
        for number, (row, step) in enumerate(zip(rows, true.steps, strict=False)):
            url = step["repository_url"]
            should = {
                "position": number,
                "step_name": step["name"],
                "status": step["status"],
                "start_date": moment(step["start_date"]),
                "end_date": moment(step["end_date"]),
                "commit_id": step["commit_id"],
                "repository_url": url and re.sub("(https?://)[^/@]*@", r"\1", url),
                "repository_branch": step["repository_branch"],
                "requirements_path": step["requirements_path"],
                "origin": step["origin"],
            }
            for name, value in should.items():
                same(f"step of {true.execution_id} {name}", row[name], value)

    def _values(self, same, rows, true, side, secrets):
        """Hold one side against the truth; return the states that its parts should have."""
        rows = sorted(rows, key=lambda row: row["position"])
        values = getattr(true, side)
        same(f"{side} of {true.execution_id}", len(rows), len(values))
        states = {}
        for number, (row, value) in enumerate(zip(rows, values, strict=False)):
            what = f"{side[:-1]} {value.name} of {true.execution_id}"
            should = expected_value(value.item, value.content, side, secrets, is_over=true.is_over)
            endpoint = should.pop("endpoint")
            if side == "inputs":
                same(f"{what} source", row["source"], value.mapping_type)
                same(f"{what} endpoint", row["endpoint_input_name"], endpoint)
            else:
                same(f"{what} destination", row["destination"], value.mapping_type)
                same(f"{what} endpoint", row["endpoint_output_name"], endpoint)
                del should["constant_value"], should["environment_variable_name"]
            same(f"{what} position", row["position"], number)
            same(f"{what} name", row["name"], value.name)
            same(f"{what} data_type", row["data_type"], value.data_type)
            should["is_null"] = None if should["is_null"] is None else int(should["is_null"])
            for name, told in should.items():
                if name in ("value", "constant_value") and told is not None and row[name]:
                    same(f"{what} {name}", digits(row[name]), digits(told))
                else:
                    same(f"{what} {name}", row[name], told)
            states[side[:-1], value.name] = should["value_state"]
        return states

    def _metrics(self, same, rows, true):
        held = {
            (row["name"], row["position"], row["value"], row["value_text"], row["created_at"])
            for row in rows
        }
        should = {
            (row["name"], number, value, repr(value), moment(row["created_at"]))
            for row in true.metrics
            for number, value in enumerate(row["values"] if "values" in row else [row["value"]])
        }
        same(f"metrics of {true.execution_id}", held, should)
        same(f"metrics of {true.execution_id}", len(rows), len(should))

    def _lines(self, same, rows, true, lines, secrets, *, flat):
        rows = sorted(rows, key=lambda row: row["line_number"])
        ordered = lines if flat else sorted(lines, key=lambda line: line.part)
        held = [
            (row["line_number"], row["source"], row["timestamp_ns"], row["timestamp"],
             row["stream"], row["message"])
            for row in rows
        ]  # fmt: skip
        should = [
            (number, 0 if flat else line.part, nanoseconds(line.timestamp),
             moment(line.timestamp), line.stream, fit(clean(line.message, secrets)))
            for number, line in enumerate(ordered, 1)
        ]  # fmt: skip
        same(f"log of {true.execution_id}", held, should)


def leaks(lab):
    """Name each secret of the world that stands in a file a run left, or in what was said."""
    found = []
    for path in sorted(lab.folder.rglob("*")):
        if path.is_file():
            bytes_ = path.read_bytes()
            found += [
                f"{secret} in {path.name}"
                for secret in lab.world.secrets()
                if len(secret) >= 6 and secret.encode() in bytes_
            ]
    return found
