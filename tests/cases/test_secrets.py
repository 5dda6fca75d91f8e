"""Tokens are nowhere in what a run leaves, however talkative it is and whatever goes wrong."""

import json
import subprocess
import sys

import pytest
from query.words import PATHS
from upstream.scripted import Scripted, error, reply

SDK_TOKEN = "sdk-7f3a9c-CANARY-refresh"
ACCESS_TOKEN = "eyJhbGciOiJub25lIn0.eyJDQU5BUlkiOjF9.access-CANARY"


def echoing(seen):
    """Answer each request by an error that repeats its headers and its body."""
    if seen.target.endswith("/auth/refresh"):
        return reply({"access_token": ACCESS_TOKEN})
    if seen.target.endswith("/environment-info"):
        return reply({"environment_id": "e"})
    if seen.target.endswith("/deployments"):
        return reply([{"name": "d", "pipeline_name": "p", "created_at": "2026-03-01T00:00:00Z"}])
    if seen.target.endswith("/pipelines"):
        return reply([{"pipeline_name": "p", "created_at": "2026-03-01T00:00:00Z"}])
    said = f"{seen.headers} {seen.body.decode()} Bearer {ACCESS_TOKEN} {SDK_TOKEN}"
    return error(400, said)


def refusing(seen):
    said = f"token {SDK_TOKEN} of {seen.headers} is wrong: {seen.body.decode()}"
    return error(401, said)


def crashing(seen):
    return b"HTTP/1.1 \xff\xff\r\n" + seen.body + str(seen.headers).encode() + b"\r\n\r\n"


ANSWERS = (echoing, refusing, crashing)
WORDS = (["-vv"], ["-vv", "--log-format", "json"], ["-v", "--json"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(answer, words, marks=[] if at == place else pytest.mark.long)
        for at, answer in enumerate(ANSWERS)
        for place, words in enumerate(WORDS)
    ],
)
def test_no_token_is_in_anything_a_run_leaves(tmp_path, answer, words):
    server = Scripted(answer)
    server.answer_refresh = False
    with server:
        done = subprocess.run(
            [sys.executable, "-m", "craftsync", "sync", *words],
            env={
                **PATHS,
                "CRAFT_AI_SDK_TOKEN": SDK_TOKEN,
                "CRAFT_AI_ENVIRONMENT_URL": server.url,
                "CRAFT_AI_CONTROL_URL": server.url,
                "CRAFTSYNC_STORE": str(tmp_path / "history.db"),
                "HOME": str(tmp_path),
            },
            capture_output=True,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode in {3, 6, 7}, done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    left = [done.stdout, done.stderr, *(path.read_bytes() for path in files)]
    assert len(left) >= 3
    for text in left:
        assert b"CANARY" not in text


def test_a_bug_shows_its_traceback_without_the_tokens(tmp_path):
    program = f"""
import sys
from craftsync.cli import main, safe_text
import craftsync.app.works
def boom(self, *a, **k):
    safe_text.remember({SDK_TOKEN!r})
    raise RuntimeError("met {SDK_TOKEN} and Bearer {ACCESS_TOKEN}")
craftsync.app.works.App.sync = boom
main(["sync", "-vv"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **PATHS,
            "CRAFT_AI_SDK_TOKEN": SDK_TOKEN,
            "CRAFT_AI_ENVIRONMENT_URL": "http://127.0.0.1:9",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert b"Traceback" in done.stderr
    assert b"CANARY" not in done.stderr + done.stdout


def test_the_token_is_no_argument_of_any_command():
    from craftsync.cli import COMMANDS, main

    with main.make_context("craftsync", [], resilient_parsing=True) as ctx:
        for name in COMMANDS:
            command = main.get_command(ctx, name)
            told = json.dumps([parameter.opts for parameter in command.params])
            assert "token" not in told
