"""G7: whatever a body holds, it is kept or named; nothing crashes, hangs or grows."""

import hashlib
import io
import json
import random
import resource
import signal
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gates.faulty import gaps
from gates.mutations import bodies, many, mutated
from lab import DAY, lab

from craftsync.errors import UpstreamFault
from craftsync.records import FileBytes, ListedExecution
from craftsync.simulator import Response, World
from craftsync.store import engine, environments, mirror
from craftsync.upstream import exact, metrics, payloads
from craftsync.upstream.answers import Answer
from craftsync.upstream.client import Platform
from craftsync.upstream.gathered import Wants
from craftsync.upstream.loglines import log_lines
from craftsync.upstream.redact import Redactor
from craftsync.upstream.retries import Retries
from craftsync.upstream.transport import Transport
from craftsync.upstream.whole import Fetcher

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
BASE = "http://127.0.0.1"
LONGEST_S = 10  # of a processor, for one body; far more than any takes
MOST_KIB = 64 * 1024


class Carrier(Transport):
    """Answers with the bodies it is told, without a network."""

    def __init__(self):
        super().__init__(client="gate", bases=(BASE,))
        self.bodies = {}

    def send(self, method, address, *, spooled=False, **_):
        path = address.removeprefix(f"{BASE}/api/v1").partition("?")[0]
        body = b'{"access_token":"a"}' if path == "/auth/refresh" else self.bodies.get(path, b"[]")
        if spooled:
            file = FileBytes(hashlib.sha256(body).hexdigest(), len(body), io.BytesIO(body))
            return Answer(f"{method} {path}", 200, {}, b"", file)
        return Answer(f"{method} {path}", 200, {}, body)


class Hung(BaseException):
    """A body took too long."""


@contextmanager
def not_for_ever():
    def stop(*_):
        raise Hung

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class Reader:
    """The whole reading side, up to rows that are ready to be saved."""

    def __init__(self):
        self.carrier = Carrier()
        self.platform = Platform(
            environment_url=BASE,
            control_url=BASE,
            sdk_token="t",
            transport=self.carrier,
            retries=Retries(sleep=lambda _: None, now=lambda: NOW),
            monotonic=lambda: 0.0,
            now=lambda: NOW,
        )
        self.redactor = Redactor(b"k" * 32)

    def read(self, kind, path, body):
        """Read a body as a sync would; what is kept of it. Raises `UpstreamFault` to name it."""
        self.carrier.bodies = {path: body}
        name = path.split("/")[2] if path.count("/") > 1 else ""
        redactor = self.redactor
        match kind:
            case "deployments":
                return self._entries(self.platform.deployments(), redactor.deployment)
            case "pipelines":
                return self._entries(self.platform.pipelines(), redactor.pipeline)
            case "deployment":
                detail = redactor.deployment(self.platform.deployment(name))
                return payloads.deployment({"name": name, "created_at": "2026-01-01"}, detail)
            case "pipeline":
                listed = redactor.pipeline({"pipeline_name": name, "created_at": "2026-01-01"})
                return payloads.pipeline(listed, redactor.pipeline(self.platform.pipeline(name)))
            case "listing":
                return self.platform.executions(name).entries
            case "logs":
                return log_lines(self.platform.logs(name))
            case "single-value" | "list-values":
                other = {"single-value": "list-values", "list-values": "single-value"}[kind]
                empty = b'{"metrics":[],"total_count":0}'
                self.carrier.bodies[f"/metrics/{other}"] = empty
                return metrics.of_execution(self.platform, "e")
            case _:
                fetcher = Fetcher(self.platform, redactor, Wants(files=False))
                whole = fetcher.whole(name, scope_pipeline="p", with_metrics=False)
                return mirror.prepare(whole, dialect="sqlite", fetched_at=NOW, settled=True)

    def _entries(self, entries, redact):
        """Read the entries of a listing; one that cannot be read is named, and no other with it."""
        read = payloads.deployment if redact == self.redactor.deployment else payloads.pipeline
        found = []
        for entry in entries:
            try:
                found.append(read(redact(entry)))
            except UpstreamFault as flaw:
                found.append(flaw)
        return found


def lost(kind, body, kept):
    """Tell whether something of a body was neither kept nor named."""
    said = exact.loads(body)
    match kind:
        case "detail":
            raw = zlib.decompress(kept.raw_body).decode()
            is_redacted = "redacted:" in raw or b"@git.example.org" in body
            return not is_redacted and raw != exact.dumps(said, ascii=True)
        case "listing" | "deployments" | "pipelines":
            return len(kept) != len(said)
        case "logs":
            whole = isinstance(said, list) and all(isinstance(inner, list) for inner in said)
            return whole and len(kept) != sum(map(len, said))
        case "single-value" | "list-values":  # the same row twice is one
            rows = [row for row in said["metrics"] if row.get("values") != []]
            return {row.get("name") for row in rows} != {metric.name for metric in kept}
    return False


class Verdicts:
    """What became of many bodies."""

    def __init__(self):
        self.kept = self.named = 0
        self.flaws = []

    def take(self, reader, kind, path, body):
        """Read one body; returns what is kept of it, None where it was named."""
        try:
            with not_for_ever():
                kept = reader.read(kind, path, body)
        except UpstreamFault as flaw:
            self.named += 1
            if not str(flaw):
                self.flaws.append(f"named without a word: {kind} {body[:200]!r}")
            return None
        except (Exception, Hung) as crash:
            self.flaws.append(f"{type(crash).__name__} {crash!s:.200}: {kind} {body[:300]!r}")
            return None
        self.kept += 1
        try:
            if lost(kind, body, kept):
                self.flaws.append(f"lost: {kind} {body[:2000]!r}")
        except ValueError:
            pass  # the standard library's reading, which takes more than ours
        return kept


def memory_growth_kib():
    """Return a function that tells by how much memory has grown at most since now (on Linux)."""
    marks = Path("/proc/self/clear_refs")
    if not marks.exists():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    marks.write_text("5")  # forget the high-water mark
    before = _status("VmRSS")
    return lambda: _status("VmHWM") - before


def _status(name):
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(name)).split()[1])


@pytest.fixture(scope="module")
def found():
    return bodies(World(seed=3, executions=60))


def test_2000_mutated_bodies_are_kept_or_named_and_the_store_takes_what_is_kept(
    found, template, tmp_path, figures
):
    store = tmp_path / "history.db"
    store.write_bytes(template.read_bytes())
    writer = engine.writer(engine.address(store))
    reader, verdicts, saved = Reader(), Verdicts(), 0
    growth = memory_growth_kib()
    with writer.connect() as connection:
        for kind, path, body in many(found, seed=1, count=2000):
            kept = verdicts.take(reader, kind, path, body)
            if kind == "detail" and kept is not None:
                with connection.begin() as transaction:
                    row = environments.enter(
                        connection, "default", url=BASE, upstream_id=None, seen_at=NOW
                    )
                    mirror.save_executions(connection, row.key, [kept], seen_at=NOW, rev=1)
                    transaction.rollback()
                saved += 1
    writer.dispose()
    grown = growth()
    figures(
        "G7",
        "mutated bodies",
        bodies=2000,
        kept=verdicts.kept,
        named=verdicts.named,
        saved=saved,
        flaws=len(verdicts.flaws),
        grown=f"{grown // 1024} MiB",
    )
    assert verdicts.flaws == []
    assert min(verdicts.kept, verdicts.named, saved) > 50
    assert grown < MOST_KIB


@pytest.mark.parametrize("seed", [1, 2])
def test_a_platform_that_answers_nonsense_is_named_and_later_mirrored_whole(
    seed, tmp_path, figures
):
    chance = random.Random(seed)
    world = World(seed=seed, executions=40, settled=True)
    with lab(tmp_path, world) as made:
        spoilt = []
        for kind, told in sorted(bodies(world).items()):
            for path, body in told:
                share = {"detail": 0.5, "logs": 0.5, "listing": 0.3}.get(kind, 0.2)
                if kind not in ("deployments", "pipelines") and chance.random() < share:
                    method = "POST" if kind == "logs" else "GET"
                    world.override(method, path, Response(200, JSON, mutated(body, chance)))
                    spoilt.append((method, path))
        first = made.sync()
        named = {failure.object_id for failure in first.failed}
        held = set(made.column("select execution_id from executions"))
        # A listing may have been spoilt into a shorter one, as good as any.
        shortened = {path.split("/")[2] for _, path in spoilt if path.endswith("/executions")}
        gone_missing = {
            each.execution_id
            for each in world.truth().executions()
            if not {each.execution_id, each.pipeline_name} & (named | shortened)
        } - held
        for method, path in spoilt:
            world.restore(method, path)
        codes = []
        for _ in range(3):
            world.advance(2 * DAY)
            codes.append(made.sync(full=True).exit_code)
        left = gaps(made)
    figures(
        "G7",
        "mutated bodies, served",
        each=f"seed {seed}",
        bodies=len(spoilt),
        named=len(named),
        lost=len(gone_missing),
        gaps=len(left),
    )
    assert first.exit_code in (3, 4)
    assert gone_missing == set()
    assert (codes[-1], left) == (0, [])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_200000_mutated_bodies_are_kept_or_named(seed, found, figures):
    reader, verdicts = Reader(), Verdicts()
    growth = memory_growth_kib()
    for kind, path, body in many(found, seed=1000 + seed, count=10_000):
        verdicts.take(reader, kind, path, body)
    grown = growth()
    told = {"kept": verdicts.kept, "named": verdicts.named, "flaws": len(verdicts.flaws)}
    told["grown"] = f"{grown // 1024} MiB"
    figures("G7", "long: mutated bodies", each=f"seed {seed:2}", bodies=10_000, **told)
    assert verdicts.flaws == []
    assert grown < MOST_KIB


def test_what_a_listing_holds_beside_executions_never_passes_for_one(found):
    """Entries that are read while the listing is decoded, objects within objects among them."""
    reader = Reader()
    path, body = next(each for each in found["listing"] if each[1] != b"[]")
    entry = json.loads(body)[0]
    nested = json.dumps([{**entry, "extra": {**entry, "execution_id": "inner"}}]).encode()
    (read,) = reader.read("listing", path, nested)
    assert isinstance(read, ListedExecution)
    assert read.key.execution_id == entry["execution_id"]
