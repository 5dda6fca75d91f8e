"""How fast a first sync is, beside what bounds it and what people would write instead.

One execution is a GET of its detail and a POST for its 40 log lines. The simulator runs in a
process of its own, with its bodies rendered beforehand. All figures of one table come from one
run; read the ratios, not the executions a second.

    python benchmarks/sync.py [--executions 4000] [--large]
"""

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from craftsync import settings
from craftsync.app import App
from craftsync.upstream.paths import url

SDK = Path(__file__).parents[1] / ".sdk" / "0.74.7"
PIPELINE = "text-embed"  # neither files nor metrics
LINES = 40


def serve(executions: int, latency_ms: float, lines: int) -> None:
    """Serve a world in which everything is over, until stdin ends."""
    from craftsync.simulator import Server, World

    world = World(
        executions=executions,
        pipelines=(PIPELINE,),
        settled=True,
        lines=lines,
        keep_requests=False,
        token_lifetime_s=36_000,
    )
    with Server(world, latency_ms=latency_ms) as server:
        server.platform.warm(executions=executions <= 20_000)
        print(server.url, world.sdk_token, flush=True)
        sys.stdin.read()


@contextmanager
def platform(executions: int, latency_ms: float, lines: int = LINES) -> Iterator[tuple[str, str]]:
    """Run the simulator in its own process; give its address and token."""
    figures = map(str, (executions, latency_ms, lines))
    command = [sys.executable, __file__, "--serve", *figures]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        address, token = process.stdout.readline().split()
        yield address, token
        process.stdin.close()


def app_of(address: str, token: str, folder: Path, workers: int, **more: str) -> App:
    """Return an App over a fresh store."""
    environ = {
        "CRAFT_AI_SDK_TOKEN": token,
        "CRAFT_AI_ENVIRONMENT_URL": address,
        "CRAFT_AI_CONTROL_URL": address,
        "CRAFTSYNC_STORE": str(folder / f"{time.monotonic_ns()}.db"),
        "CRAFTSYNC_SYNC_WORKERS": str(workers),
        "HOME": str(folder),
        **more,
    }
    return App(settings.load(environ=environ, cwd=folder), environ)


def mirror(app: App) -> float:
    """Sync once into a store that was made beforehand; seconds."""
    app.upgrade()
    began = time.perf_counter()
    report = app.sync(
        app.settings.environments_to_use(), app.sync_options(), listener=lambda _: None
    )
    assert report.exit_code == 0, report
    return time.perf_counter() - began


def discard(app: App, names: list[str], workers: int) -> float:
    """Fetch the same answers by the same client, and throw them away; seconds."""
    (environment,) = app.settings.environments_to_use()
    with app.platform(environment) as reading:
        transport, token = reading._transport, reading._bearer.token()

        def fetch(name: str) -> None:
            for method, path, body in (("GET", (), None), ("POST", ("logs",), b"{}")):
                address = url(environment.url, "executions", name, *path)
                transport.send(method, address, token=token, body=body, max_bytes=1 << 26)

        return pooled(fetch, names, workers)


def pooled(fetch: Callable[[str], object], names: list[str], workers: int) -> float:
    """Call `fetch` for each name from so many threads; seconds."""
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(fetch, name) for name in names]:
            done.result()
    return time.perf_counter() - began


def official(address: str, token: str, names: list[str], folder: Path, workers: int) -> float:
    """Fetch by the official client, insert into sqlite3; seconds."""
    sys.path.append(str(SDK))
    from craft_ai_sdk import CraftAiSdk

    client = CraftAiSdk(
        sdk_token=token, environment_url=address, control_url=address, verbose_log=False
    )
    client.list_pipelines()
    connection = sqlite3.connect(
        folder / f"{time.monotonic_ns()}.db", check_same_thread=False, isolation_level=None
    )
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table execution(id text, body text)")
    connection.execute("create table log_line(id text, n integer, at text, message text)")
    writing = threading.Lock()

    def fetch(name: str) -> None:
        body = client.get_pipeline_execution(name)
        lines = client.get_pipeline_execution_logs(name)
        rows = [(name, n, one["timestamp"], one["message"]) for n, one in enumerate(lines)]
        with writing:
            connection.execute("begin")
            connection.execute("insert into execution values (?, ?)", (name, json.dumps(body)))
            connection.executemany("insert into log_line values (?, ?, ?, ?)", rows)
            connection.execute("commit")

    seconds = pooled(fetch, names, workers)
    connection.close()
    return seconds


def names_of(app: App) -> list[str]:
    """Return the ids of all executions."""
    (environment,) = app.settings.environments_to_use()
    with app.platform(environment) as reading:
        return [entry.key.execution_id for entry in reading.executions(PIPELINE).entries or ()]


def compare(executions: int, latency_ms: float, workers: int, folder: Path) -> None:
    """Print one table."""
    with platform(executions, latency_ms) as (address, token):
        app = app_of(address, token, folder, workers)
        names = names_of(app)
        few = names[: max(len(names) // 20, 20)] if latency_ms else names[: len(names) // 4]
        figures = {
            "fetch and throw away (bound 2)": (len(names), discard(app, names, workers)),
            "craftsync, saved": (len(names), mirror(app)),
            "fetch and throw away, again": (len(names), discard(app, names, workers)),
            "craftsync, saved, again": (
                len(names),
                mirror(app_of(address, token, folder, workers)),
            ),
            "official client, pool": (
                len(names),
                official(address, token, names, folder, workers),
            ),
            "official client, one by one": (len(few), official(address, token, few, folder, 1)),
        }
    rates = {what: count / seconds for what, (count, seconds) in figures.items()}
    bound = max(rate for what, rate in rates.items() if "throw away" in what)
    mirrored = max(rate for what, rate in rates.items() if "craftsync" in what)
    print(f"\n{executions:,} executions, {latency_ms:g} ms, {workers} workers")
    print(f"{'':<34}{'executions/s':>13}{'of bound 2':>12}")
    if latency_ms:
        rates["workers / (2 x latency) (bound 1)"] = workers / (2 * latency_ms / 1000)
    for what, rate in rates.items():
        print(f"{what:<34}{rate:>13,.0f}{rate / bound:>12.2f}")
    print(f"craftsync / bound 2: {mirrored / bound:.2f}")
    if latency_ms:
        print(f"craftsync / bound 1: {mirrored / (workers / (2 * latency_ms / 1000)):.2f}")
    print(f"craftsync / official client in a pool: {mirrored / rates['official client, pool']:.2f}")


def large(folder: Path) -> None:
    """Print what memory a large first sync takes, and how long a sync without changes."""
    for executions in (20_000, 100_000):
        with platform(executions, 0) as (address, token):
            environ = {
                **os.environ,
                "CRAFT_AI_SDK_TOKEN": token,
                "CRAFT_AI_ENVIRONMENT_URL": address,
                "CRAFT_AI_CONTROL_URL": address,
                "CRAFTSYNC_STORE": str(folder / f"{executions}.db"),
            }
            for what in ("first sync", "no change, looked into", "no change, by its hash"):
                seconds, peak_mb = process_of("sync", "-q", environ=environ)
                print(f"{executions:>9,}  {what:<24}{seconds:>8.1f} s{peak_mb:>8.0f} MB")


def process_of(*words: str, environ: dict[str, str]) -> tuple[float, float]:
    """Run craftsync in a process of its own; its seconds and its peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "craftsync", *words], env=environ)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=4000)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--serve", nargs=3)
    asked = parser.parse_args()
    if asked.serve:
        serve(int(asked.serve[0]), float(asked.serve[1]), int(asked.serve[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        if asked.large:
            large(Path(folder))
            return
        compare(asked.executions, 20, 32, Path(folder))
        compare(asked.executions, 0, 8, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
