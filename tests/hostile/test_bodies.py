"""A platform that sends more than anybody can hold: refused in bounded time and memory, and named.

Real processes, measured. Whatever comes, nothing is believed to be gone, and the next run with a
platform that behaves mirrors everything.
"""

import pytest
from hostile import measured, upstream
from hostile.upstream import Body, Hostile
from journeys import erasing
from journeys.checker import Mirror
from lab import HOUR, lab
from upstream.scripted import Scripted, reply

MOST_MB = 300
MOST_S = 60

ENTRY = b'{"execution_id":"a","name":"a","pipeline_name":"p","status":"x"},'
KINDS = {
    "2 GB of entries": lambda: upstream.large(b"[", ENTRY, b"{}]"),
    "2 GB of nothing": lambda: upstream.large(b"[", b"{},", b"{}]"),
    "2 GB of one text": lambda: upstream.large(b'{"a":"', b"x", b'"}'),
    "2 GB foretold": lambda: Body((b" " * upstream.MB, 4), told=2048 * upstream.MB),
    "no end": upstream.endless,
    "20 GB of gzip": lambda: upstream.bomb(b"[1,"),
    "100,000 levels": upstream.deep,
    "1,000,000 keys": upstream.wide,
    "60 MB of arrays": lambda: upstream.large(b"[", b"[],", b"[]]", size=60 * upstream.MB),
    "300 MB of nothing": lambda: upstream.large(b"[", b"{},", b"{}]", size=300 * upstream.MB),
}
PATHS = {
    "environment": ("GET", "/environment-info", 7),
    "token": ("POST", "/auth/refresh", 7),
    "deployments": ("GET", "/deployments", 3),
    "pipelines": ("GET", "/pipelines", 3),
    "deployment": ("GET", "/deployments/nightly", 3),
    "executions": ("GET", "/pipelines/train/executions", 3),
    "execution": ("GET", "/executions/t3", 3),
    "log": ("POST", "/executions/t3/logs", 3),
    "file": ("GET", "/executions/t3/outputs/model", 3),
    "metrics": ("GET", "/metrics/.*", 3),
}


@pytest.fixture
def made(tmp_path):
    """A lab that was synced once."""
    tmp_path.chmod(0o700)
    with lab(tmp_path, erasing.an_estate(8)) as made:
        made.sync()
        made.world.advance(HOUR)
        yield made


def gone(made):
    return sum(
        made.column(f"select count(*) from {each} where gone_at is not null")[0]
        for each in ("executions", "deployments", "pipelines")
    )


def sync(made, server, *words, timeout_s=MOST_S):
    """Sync everything anew, in bounds; what came of it."""
    reached = {"CRAFT_AI_ENVIRONMENT_URL": server.url, "CRAFT_AI_CONTROL_URL": server.url}
    done = measured.run(made, "sync", "--full", "-q", *words, timeout_s=timeout_s, **reached)
    assert "Traceback" not in done.err
    assert done.memory_mb < MOST_MB
    assert gone(made) == 0
    return done


def test_a_platform_that_sends_without_end_is_held_in_bounds_and_the_rest_is_mirrored(made):
    world = made.world
    world.add_pipeline("other", created_at=world.now - HOUR)
    world.add_execution("other", execution_id="o1")
    with Scripted(lambda _: reply([])) as elsewhere, Hostile(made.server.port) as server:
        spoilt = {
            ("GET", "/executions/t1"): upstream.bomb(b"[1,"),
            ("GET", "/executions/t2"): upstream.deep(),
            ("GET", "/executions/t3"): upstream.redirect(f"{elsewhere.url}/api/v1/executions/t3"),
            ("POST", "/executions/t4/logs"): upstream.endless(),
            ("GET", "/executions/t5/outputs/model"): upstream.endless(told=2048 * upstream.MB),
            ("GET", "/pipelines/other/executions"): KINDS["2 GB of entries"](),
        }
        for (method, path), body in spoilt.items():
            server.spoil(method, path, body)
        done = sync(made, server)
        assert done.code == 3
        for name in ("t1", "t2", "t3", "other"):
            assert f"  {name} " in done.err
        assert elsewhere.seen == []
    too_big = "select execution_id, part, name from parts where state = 'too_big' order by 1"
    assert [tuple(row.values()) for row in made.rows(too_big)] == [
        ("t4", "logs", ""),
        ("t5", "output", "model"),
    ]
    world.advance(HOUR)
    assert made.sync(full=True).exit_code == 0
    assert Mirror(made).differences() == []


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_asked_for_a_body_of_any_kind_is_refused_in_bounds(made, path, kind, figures):
    method, asked, code = PATHS[path]
    with Hostile(made.server.port) as server:
        server.spoil(method, asked, KINDS[kind]())
        done = sync(made, server)
    told = {"most_code": done.code, "most_MB": round(done.memory_mb)}
    figures("hostile", "long: a body of each kind for each request", each=f"{path}: {kind}", **told)
    # A file may be of any bytes. What is too big is no failure of a file or a log: it is a state.
    is_state = path == "file" or (path == "log" and kind != "100,000 levels")
    assert done.code == (0 if is_state else code)
    if done.code:
        assert asked.partition(".*")[0] in done.err or "t3" in done.err
    made.world.advance(HOUR)
    assert made.sync(full=True).exit_code == 0
    assert Mirror(made).differences() == []


@pytest.mark.long
@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("where", ["another port", "another host", "file", "plain", "nothing"])
def test_no_redirect_is_followed_wherever_it_leads(made, where, status):
    with Scripted(lambda _: reply([])) as elsewhere, Hostile(made.server.port) as server:
        path = "/api/v1/executions/t3"
        address = {
            "another port": f"{elsewhere.url}{path}",
            "another host": elsewhere.url.replace("127.0.0.1", "localhost") + path,
            "file": "file:///etc/passwd",
            "plain": elsewhere.url.replace("http:", ""),
            "nothing": "",
        }[where]
        server.spoil("GET", "/executions/t3", upstream.redirect(address, status))
        done = sync(made, server)
        assert done.code == 3
        assert "redirect" in done.err
        assert elsewhere.seen == []


@pytest.mark.long
def test_a_body_that_drips_ends_at_its_deadline_and_the_rest_is_mirrored(made):
    with Hostile(made.server.port) as server:
        server.spoil("GET", "/executions/t3", upstream.endless(b" ", pause_s=1))
        done = sync(made, server, timeout_s=400)
    assert done.code == 3
    assert "no whole answer within 60 s" in done.err
    assert done.seconds < 300
