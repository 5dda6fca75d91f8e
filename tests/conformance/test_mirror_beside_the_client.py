"""What the official client says of an execution, beside what the mirror says of it offline."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from journeys.checker import Mirror, clean, digits, moment
from lab import Lab

from craftsync.cli import main
from craftsync.simulator import Line, Port, World

ROOT = Path(__file__).parents[2]
KEPT = ("endpoint_input_name", "endpoint_output_name", "environment_variable_name", "is_null")
ODD = [0, False, "", "OK", "null", 2**70, 1e-9, 3.0, "a\0b", "half \ud800", {"é": [None, "\0"]}, []]


class Beside:
    """What the client said while the platform was there, and a mirror made from the same."""

    def __init__(self, lab: Lab, client):
        self.lab = lab
        self.true = {each.execution_id: each for each in lab.world.truth().executions()}
        self.said = {name: client.get_pipeline_execution(name) for name in self.true}
        self.printed = {name: client.get_pipeline_execution_logs(name) for name in self.true}
        assert lab.sync().exit_code == 0
        self.secrets = Mirror(lab).secrets

    def one(self, words: list[str], *, process: bool) -> str:
        """Run craftsync, in a process of its own or in this one."""
        if not process:
            ended = CliRunner(env=self.lab.environ).invoke(main, words)
            assert (ended.exit_code, ended.stderr) == (0, "")
            return ended.stdout
        done = subprocess.run(
            [sys.executable, "-m", "craftsync", *words],
            env={**os.environ, **self.lab.environ, "PYTHONPATH": str(ROOT)},
            cwd=self.lab.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout


@pytest.fixture(scope="module")
def beside(tmp_path_factory) -> Beside:
    from craft_ai_sdk import CraftAiSdk

    from craftsync.simulator import Server

    world = World(seed=1, executions=120)
    world.add_pipeline("odd", inputs=[Port(f"x{n}", "json") for n in range(len(ODD))])
    given = {f"x{n}": value for n, value in enumerate(ODD)}
    start = int(world.now.timestamp()) * 10**9 - 10**12
    texts = ["", "a\0b", "half \ud800", "\x1b[1m", "two\nlines", "same", "same"]
    lines = [Line(start + n // 6 * 10**9, text) for n, text in enumerate(texts)]
    lines += [Line(start, "another part", "stderr", part=1)]
    world.add_execution("odd", execution_id="odd-1", given=given, lines=lines)
    folder = tmp_path_factory.mktemp("beside")
    with Server(world) as server:
        client = CraftAiSdk(
            sdk_token=world.sdk_token,
            environment_url=server.url,
            control_url=server.url,
            verbose_log=False,
        )
        made = Beside(Lab(world, server, folder), client)
        client._session.close()
    return made


def of_every_kind(beside: Beside) -> list[str]:
    """Name an execution that goes on, one that failed, one with secrets and files, an odd one."""
    first = {}
    for name, true in beside.true.items():
        first.setdefault(true.status, name)
        first.setdefault((true.pipeline_name, true.status), name)
    return [first["Running"], first["Failed"], first["iris-predict", "Succeeded"], "odd-1"]


def same_json(held, said):
    """Whether two JSON values are alike, with 1 and 1.0 and true told apart."""
    return digits(json.dumps(held)) == digits(json.dumps(said))


def compare(beside: Beside, name: str, *, process: bool) -> None:
    said = beside.said[name]
    text = beside.one(["show", name, "--format", "json"], process=process)
    held = json.loads(text)
    secrets = beside.secrets.of(beside.true[name].detail)
    for key in ("execution_id", "status", "created_by", "pipeline_name"):
        assert held[key] == said[key]
    assert held["deployment_name"] == said.get("deployment_name")
    for key in ("created_at", "end_date"):
        assert held[key] == moment(said[key])
    assert len(held["steps"]) == len(said["steps"])
    for step, one in zip(held["steps"], said["steps"], strict=True):
        assert (step["step_name"], step["status"]) == (one["name"], one["status"])
        assert step["start_date"] == moment(one["start_date"])
        assert step["end_date"] == moment(one["end_date"])
        for key in ("commit_id", "repository_branch", "requirements_path", "origin"):
            assert step[key] == one[key]
    compare_values(held["inputs"], said["inputs"], "input", "source", secrets)
    compare_values(held["outputs"], said["outputs"], "output", "destination", secrets)


def compare_values(held, said, side, via, secrets):
    assert [one["name"] for one in held] == [one[f"pipeline_{side}_name"] for one in said]
    for value, item in zip(held, said, strict=True):
        # Of an execution that goes on, the client passes outputs through as they are.
        one = item | item.get("mapping_value", {}) | {via: item.get("mapping_type", item.get(via))}
        assert (value["data_type"], value[via]) == (one["data_type"], one[via])
        for key in KEPT:
            if key in value:
                assert value[key] == one.get(key)
        assert value["datastore_path"] == one.get("datastore_path")
        if side == "input" and "constant_value" in one:
            assert same_json(value["constant_value"], one["constant_value"])
        told = one.get("value")
        if isinstance(told, bytes):
            assert value["file_sha256"] == hashlib.sha256(told).hexdigest()
            assert value["size_bytes"] == len(told)
        elif one[via] == "environment_variable":
            assert value["value"] == secrets[told]
            assert value["value_state"] == "redacted"
        else:
            assert same_json(value["value"], clean(told, secrets))


def test_show_says_what_the_client_says_of_an_execution_of_every_kind(beside: Beside):
    for name in of_every_kind(beside):
        compare(beside, name, process=True)


def test_show_says_what_the_client_says_of_every_execution(beside: Beside):
    for name in beside.said:
        compare(beside, name, process=False)


def compare_logs(beside: Beside, name: str, *, process: bool) -> None:
    text = beside.one(["logs", name, "--format", "jsonl"], process=process)
    held = [json.loads(line) for line in text.splitlines()]
    secrets = beside.secrets.of(beside.true[name].detail)
    said = beside.printed[name]
    # The client shows the first of the platform's inner lists, the mirror all of them.
    assert len(held) == len(beside.true[name].lines) >= len(said)
    assert [line["line_number"] for line in held] == list(range(1, len(held) + 1))
    for line, one in zip(held, said, strict=False):
        assert line["timestamp"] == one["timestamp"]
        assert line["message"] == clean(one["message"], secrets)
        assert line["stream"] == one.get("stream")


def test_logs_print_what_the_client_prints_of_an_execution_of_every_kind(beside: Beside):
    for name in of_every_kind(beside)[1:3]:
        compare_logs(beside, name, process=True)


def test_logs_print_what_the_client_prints_of_every_execution(beside: Beside):
    for name in beside.said:
        compare_logs(beside, name, process=False)


def test_raw_logs_are_the_messages_to_the_byte(beside: Beside):
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", "logs", "odd-1", "--raw"],
        env={**os.environ, **beside.lab.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    lines = [line for line in beside.true["odd-1"].lines if line.part == 0]
    lines += [line for line in beside.true["odd-1"].lines if line.part == 1]
    expected = "".join(f"{line.message}\n" for line in lines)
    assert done.stdout == expected.encode("utf-8", "surrogatepass")


def test_the_deployments_are_those_the_client_lists(beside: Beside):
    text = beside.one(["deployments", "--format", "json"], process=True)
    held = {row["deployment_name"]: row for row in json.loads(text)}
    true = {each["name"]: each for each in beside.lab.world.truth().deployments()}
    assert held.keys() == true.keys()
    for name, each in true.items():
        for key in ("pipeline_name", "execution_rule", "mode", "is_enabled"):
            assert held[name][key] == each[key]
        assert held[name]["created_at"] == moment(each["created_at"])


def test_a_deployment_is_shown_with_the_executions_the_client_finds_last(beside: Beside):
    text = beside.one(["show", "deployment", "fraud-api", "--format", "json"], process=True)
    held = json.loads(text)
    newest = max(
        (each.created_at, each.execution_id)
        for each in beside.true.values()
        if each.deployment_name == "fraud-api"
    )
    assert held["last_execution_id"] == newest[1]
    assert [version["changed"] for version in held["versions"]] == [[]]
    assert held["endpoint_token_fingerprint"].startswith("redacted:")
