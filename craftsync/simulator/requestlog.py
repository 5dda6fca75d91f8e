"""Every request that came, so that tests can count them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from craftsync.simulator.messages import Request


@dataclass(frozen=True, slots=True)
class Logged:
    """One request and what became of it; `fault` names what was done to its answer."""

    number: int
    method: str
    path: str
    query: str
    status: int
    signed: bool
    at_ms: int
    fault: str | None = None


class RequestLog:
    """Keep what was asked. `keep=False` only counts, for long measurements."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.entries: list[Logged] = []
        self.deletes: list[Logged] = []
        self.statuses: Counter[int] = Counter()
        self.total = 0
        self.watchers: list[Callable[[Request], None]] = []

    def add(self, request: Request, status: int, at_ms: int, fault: str | None) -> None:
        """Take a request down after it was answered."""
        self.total += 1
        self.statuses[status] += 1
        if not self._keep and request.method != "DELETE":
            return
        entry = Logged(
            self.total,
            request.method,
            request.path,
            request.query,
            status,
            "authorization" in request.headers,
            at_ms,
            fault,
        )
        if request.method == "DELETE":
            self.deletes.append(entry)
        if self._keep:
            self.entries.append(entry)

    def watch(self, watcher: Callable[[Request], None]) -> None:
        """Call `watcher` with each request before it takes effect, in the server's thread."""
        self.watchers.append(watcher)

    def count(self, method: str = "*", path: str = "*") -> int:
        """Count the kept requests; `path` is a shell pattern on the raw path, `*` crosses `/`."""
        return len(self.matching(method, path))

    def matching(self, method: str = "*", path: str = "*") -> list[Logged]:
        """Give the kept requests that match."""
        return [
            entry
            for entry in list(self.entries)
            if fnmatchcase(entry.method, method) and fnmatchcase(entry.path, path)
        ]

    def clear(self) -> None:
        """Forget what came so far."""
        self.entries.clear()
        self.deletes.clear()
        self.statuses.clear()
        self.total = 0
