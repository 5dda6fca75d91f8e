"""What there is to fetch, and what came of it."""

import marshal
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter

from craftsync import times
from craftsync.records import FetchedPart, Key, Whole
from craftsync.store.mirror import Prepared
from craftsync.store.open_parts import OpenPart
from craftsync.sync.plan import Why
from craftsync.times import EPOCH

_US = timedelta(microseconds=1)
_A_PACK = 1000
_message = attrgetter("message")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An execution to be fetched whole."""

    key: Key
    pipeline_name: str
    why: Why


class Packed(Collection[Wanted]):
    """Wanted executions of one pipeline, in their order, as bytes until they are come to.

    A first sync wants the whole history at once: 70 bytes an execution are held here, 280 as
    objects.
    """

    def __init__(self, pipeline_name: str, wanted: Iterable[tuple[Key, Why]]) -> None:
        self._pipeline_name = pipeline_name
        self._packs: list[bytes] = []
        self._length = 0
        rows = (
            (key.execution_id, (key.created_at - EPOCH) // _US, why.value) for key, why in wanted
        )
        while some := list(islice(rows, _A_PACK)):
            self._packs.append(marshal.dumps(some))
            self._length += len(some)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Wanted]:
        for pack in self._packs:
            for name, born_us, why in marshal.loads(pack):
                key = Key(name, EPOCH + timedelta(microseconds=born_us))
                yield Wanted(key, self._pipeline_name, Why(why))

    def __contains__(self, one: object) -> bool:
        return any(one == mine for mine in self)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An execution that is ready to be saved; its lines are in `prepared` alone."""

    wanted: Wanted
    whole: Whole
    prepared: Prepared
    fetched_at: datetime
    size_bytes: int

    def close(self) -> None:
        """Let go of the files of one that is not saved."""
        self.whole.close()


@dataclass(frozen=True, slots=True)
class FetchedAlone:
    """A part that was asked for alone and is ready to be saved."""

    wanted: OpenPart
    fetched: FetchedPart
    fetched_at: datetime

    @property
    def size_bytes(self) -> int:
        """What waits to be saved with it."""
        return self.fetched.part.size_bytes or 0

    @property
    def file_sha256(self) -> str:
        """The hash of the file that came, '' for none."""
        return self.fetched.file.sha256 if self.fetched.file else ""

    def close(self) -> None:
        """Let go of the file of one that is not saved."""
        if self.fetched.file is not None:
            self.fetched.file.content.close()


def as_listed(found: Whole, key: Key) -> Whole:
    """Keep an execution under the birth its listing tells, be it of fewer digits than its own."""
    born = found.execution.key.created_at
    if born == key.created_at or times.epoch_ms(born) != times.epoch_ms(key.created_at):
        return found
    return replace(found, execution=replace(found.execution, key=key))


def size_of(found: Whole) -> int:
    """Return how many bytes wait to be saved with a whole execution."""
    lines = sum(map(len, map(_message, found.lines or ())))
    files = sum(file.size_bytes for file in found.files)
    return len(found.execution.raw.body) + lines + files
