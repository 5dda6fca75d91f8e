"""Fetch executions again and hold them against the store. Nothing is written, no lock is taken.

The store is read in small transactions, so that it can be written meanwhile: an execution is
compared with what is held of it once it has come.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum, auto
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine

from craftsync.errors import CraftsyncError, Interrupted, Missing
from craftsync.records import Whole
from craftsync.store import compare, environments, files
from craftsync.store.chosen import Candidate, candidates, largest_file, settled
from craftsync.store.difference import named
from craftsync.store.upsert import batches
from craftsync.sync.fetch import in_parallel
from craftsync.sync.job import Job
from craftsync.sync.sampling import Sample, sample
from craftsync.sync.work import as_listed
from craftsync.times import utc_text
from craftsync.upstream.gathered import Wants
from craftsync.upstream.recognition import recognise
from craftsync.upstream.whole import Fetcher

Counted: TypeAlias = Callable[[int, int], object]
"""Told how many executions are compared, and how many there are to compare."""

_FILES_REMEMBERED = 4096  # many executions have the same few files


class Drift(NamedTuple):
    """What differs, of one part of one execution; of the whole where the part is ''."""

    environment: str
    execution_id: str
    part: str
    drift: str


class Cause(StrEnum):
    """Why an execution differs, which says what mends it; it may have more than one."""

    DAMAGED = auto()  # upstream is as it was fetched: what differs is the copy
    CHANGED = auto()
    GONE = auto()  # deleted upstream, or another one has its id
    UNREAD = auto()


class Verification:
    """Compares executions of environments; `jobs` are these, by their names in the store.

    Of several those that fail before anything is fetched are left out, and `unable` says why. What
    is chosen are keys of executions, settled or not, or a sample of what is settled. Those
    that differ and can be fetched again are `mendable`; `causes` has all that differ, by why.
    """

    def __init__(
        self,
        jobs: Mapping[str, Job],
        reader: Engine,
        chosen: Sample | Sequence[int],
        unable: Mapping[str, CraftsyncError] | None = None,
    ) -> None:
        self._jobs = dict(jobs)
        self.unable = dict(unable or {})
        self._reader = reader
        self._chosen = chosen
        self._is_whole = lru_cache(_FILES_REMEMBERED)(self._read_again)
        self.compared = 0
        self.drifted = 0
        self.mendable: list[Candidate] = []
        self.causes: dict[Cause, list[Candidate]] = defaultdict(list)

    def rows(self, counted: Counted = lambda _done, _of: None) -> Iterator[Drift]:
        """Yield what differs, a row a part, in the order of (created_at, execution_id, part).

        What cannot be read upstream is a row too. Raises `Refused` when the only environment is
        another one than the store knows, and what ends any run: `BadCredentials`, `Unreachable`.
        """
        for name, job in [*self._jobs.items()]:
            self._recognise(name, job)
        keys = self._keys()
        fetchers = self._fetchers()

        def fetch(item: tuple[int, Candidate]) -> Whole | None:
            one = item[1]
            return _fetch(fetchers[one.environment, one.logs, one.files], one)

        workers = max((job.options.workers for job in self._jobs.values()), default=1)
        ready: dict[int, Sequence[Drift]] = {}
        following = 0
        for (place, one), found in in_parallel(
            fetch,
            enumerate(self._candidates(keys)),
            workers=min(workers, len(keys)),
            waiting=workers,
            discard=_close,
        ):
            ready[place] = self._compare(one, found)
            self.compared += 1
            self.drifted += bool(ready[place])
            if ready[place] and not one.gone and all(drift.part for drift in ready[place]):
                self.mendable.append(one)
            counted(self.compared, len(keys))
            while following in ready:
                yield from ready.pop(following)
                following += 1

    def _recognise(self, name: str, job: Job) -> None:
        """Refuse to take another environment for the one that was mirrored."""
        with self._reader.connect() as conn:
            row = environments.find(conn, name)
        known = row.upstream_id if row else None
        try:
            recognise(job.platform, environment=name, url=job.url, known=known)
        except Interrupted:
            raise
        except CraftsyncError as flaw:
            if len(self._jobs) + len(self.unable) == 1:
                raise
            self.unable[name] = flaw
            del self._jobs[name]

    def _keys(self) -> Sequence[int]:
        """Return the keys of what is chosen and can be compared, eight bytes each."""
        if not isinstance(self._chosen, Sample):
            found = self._candidates(self._chosen)
            return [one.execution_key for one in found if one.environment in self._jobs]
        with self._reader.connect() as conn:
            count, keys = settled(conn, list(self._jobs))
            share, seed = self._chosen.share, self._chosen.seed
            return array("q", sample(keys, count=count, share=share, seed=seed))

    def _fetchers(self) -> dict[tuple[str, bool, bool], Fetcher]:
        """Return what fetches executions of an environment with logs, with files or without.

        What is held is fetched again however large it is.
        """
        with self._reader.connect() as conn:
            largest = largest_file(conn)
        return {
            (name, logs, with_files): job.fetcher.wanting(
                Wants(logs, with_files, max(largest, job.options.wants.max_file_bytes))
            )
            for (name, job), logs, with_files in product(
                self._jobs.items(), (True, False), (True, False)
            )
        }

    def _candidates(self, keys: Sequence[int]) -> Iterator[Candidate]:
        """Look up what is chosen, some at a time; the threads that fetch take turns here."""
        for some in batches(keys):
            with self._reader.connect() as conn:
                found = candidates(conn, some)
            yield from found

    def _compare(self, one: Candidate, found: Whole | Exception | None) -> Sequence[Drift]:
        """Tell what differs of one execution, a row a part."""
        if isinstance(found, Whole):
            found = as_listed(found, one.key)
        told: dict[str, list[str]] = defaultdict(list)
        causes: set[Cause] = set()
        try:
            with self._reader.connect() as conn:
                for part, drift in compare.damages(conn, one.execution_key, self._is_whole):
                    told[part].append(drift)
                    causes.add(Cause.DAMAGED)
                if isinstance(found, Whole) and found.execution.key == one.key:
                    differing = list(compare.differences(conn, one.execution_key, found))
                    for part, drift in differing:
                        told[part].append(drift)
                    if differing:
                        same = compare.is_as_fetched(conn, one.execution_key, found)
                        causes.add(Cause.DAMAGED if same else Cause.CHANGED)
                elif found is not None:
                    for cause, drift in _of_the_whole(conn, one, found):
                        told[""].append(drift)
                        causes.add(cause)
        finally:
            _close(found)
        for cause in causes:
            self.causes[cause].append(one)
        return [
            Drift(one.environment, one.key.execution_id, part, named(told[part], "; "))
            for part in sorted(told)
        ]

    def _read_again(self, sha256: str) -> bool:
        with self._reader.connect() as conn:
            return files.verify(conn, sha256)


def _fetch(fetcher: Fetcher, one: Candidate) -> Whole | None:
    """Fetch an execution as far as it is held; None for one that is gone."""
    if one.gone:
        return None
    return fetcher.again(
        one.key.execution_id,
        scope_pipeline=one.pipeline_name,
        with_metrics=one.metrics,
        lines_held=one.lines,
    )


def _of_the_whole(
    conn: Connection, one: Candidate, found: Whole | Exception
) -> Iterator[tuple[Cause, str]]:
    """Tell why an execution cannot be compared; not where a sync has learnt it meanwhile."""
    if isinstance(found, Exception) and not isinstance(found, Missing):
        yield Cause.UNREAD, f"could not be read: {found}"
    elif not any(row.gone for row in candidates(conn, [one.execution_key])):
        if isinstance(found, Whole):
            born = utc_text(found.execution.key.created_at)
            yield Cause.GONE, f"another one upstream, created at {born}"
        else:
            yield Cause.GONE, "gone upstream"


def _close(found: Whole | Exception | None) -> None:
    if isinstance(found, Whole):
        found.close()
