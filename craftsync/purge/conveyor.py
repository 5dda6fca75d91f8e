"""Executions on their way out, many at once: proved, intended, deleted, looked for, closed.

Workers ask the platform; this thread writes, a handful at once, and lets no DELETE begin before
its intent is on the disk. Then it begins at once: those who delete examine nothing, and a proof
that had to wait is made anew. Until one went well, and after each that did not, only so few are
under way as may still fail before the run stops.
"""

import queue
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from craftsync.errors import CraftsyncError, Interrupted, StoreUnusable
from craftsync.purge import asking
from craftsync.purge.book import NOT_SENT, Book, End, untried
from craftsync.purge.evidence import Examiner
from craftsync.purge.examining import examine
from craftsync.purge.job import INTERRUPTED, LEFT_OPEN, WENT_WELL, Job, Outcome, Progress, Result
from craftsync.purge.look import Sight
from craftsync.purge.plan import Item
from craftsync.purge.proof import Proof
from craftsync.purge.turns import Erased, Examined, Found, Read, Turn
from craftsync.purge.unbroken import unbroken
from craftsync.store.audit import Try

FAILURES_IN_A_ROW = 3
TRIES = 3  # of one item in one run
PATIENCE_S = 3.0
"""So long a run that is interrupted waits for the answers to what it has asked."""

GATHERED_S = 0.01
"""So long results are gathered before they are written; the workers go on meanwhile."""

GOOD_FOR_S = 10.0
"""So long a proof may wait for its DELETE."""

LONGEST_WAIT_S = 120.0
_WENT_WRONG = {Outcome.FAILED, Outcome.IN_DOUBT}


def _oldest() -> float:
    return time.monotonic() - GOOD_FOR_S


class Conveyor:
    """Delete the executions of a plan; `fatal` is what ended it early."""

    def __init__(self, job: Job, book: Book, examiner: Examiner, pool: ThreadPoolExecutor) -> None:
        self._job = job
        self._book = book
        self._examiner = examiner
        self._pool = pool
        self._erasers = ThreadPoolExecutor(job.workers, thread_name_prefix="delete")
        self._arrived: queue.SimpleQueue[Future[Found]] = queue.SimpleQueue()
        self._examining = 0
        self._erasing: set[Future[Found]] = set()
        self._proved: deque[Examined] = deque()
        self._waiting: deque[Turn] = deque()
        self._ends: list[End] = []
        self._untried: list[End] = []
        self._left: list[Turn] = []
        self._failures, self._went_well = 0, False
        self._results: dict[Item, Result] = {}
        self.fatal: CraftsyncError | None = None

    def run(self, items: Sequence[Item], doubted: Sequence[Item] = ()) -> list[Result]:
        """Delete items; tell what became of each, in their order. `doubted` were tried before."""
        before = set(doubted)
        self._waiting.extend(Turn(item, int(item in before), item in before) for item in items)
        try:
            while True:
                self._begin()
                self._job.listener(Progress(len(self._results), len(items)))
                if self._examining or self._erasing:
                    self._take_some()
                elif not (self._ends or (self._room() and (self._proved or self._waiting))):
                    break
        except BaseException as flaw:
            self._take_what_still_comes()
            if isinstance(flaw, StoreUnusable):
                self.fatal = flaw
            else:
                self._ends, self._untried = self._book.unwritten(self._ends, self._untried)
                self._write()
                if not isinstance(flaw, KeyboardInterrupt):
                    raise
                self.fatal = Interrupted(INTERRUPTED)
            self._leave_the_rest_in_doubt(items)
        finally:
            self._erasers.shutdown(wait=False, cancel_futures=True)
        for turn in (*self._left, *(one.turn for one in self._proved), *self._waiting):
            left = Result(turn.item, Outcome.FAILED if turn.error else None, turn.error)
            self._results.setdefault(turn.item, left)
        return [self._results.get(item, Result(item, None)) for item in items]

    def _room(self) -> int:
        """Say how many deletes may be under way now."""
        if self.fatal is not None or self._failures >= FAILURES_IN_A_ROW:
            return 0
        if self._went_well:
            return self._job.workers
        return min(FAILURES_IN_A_ROW - self._failures, self._job.workers)

    def _begin(self) -> None:
        """Write down what is known and what is meant, then begin what there is room for."""
        room = self._room()
        self._let_go_of_stale_proofs()
        with unbroken():  # else a DELETE may be on its way of which nobody here knows
            self._send(most=max(room - len(self._erasing), 0))
        free = min(2 * room - self._examining - len(self._proved), len(self._waiting))
        # A handful at once: the store is read for all of them together.
        if free > 0 and (free >= room // 2 or not self._examining):
            turns = [self._waiting.popleft() for _ in range(free)]
            self._examining += free
            self._submit(self._read, turns)

    def _send(self, *, most: int) -> None:
        """Write down what is known, and of what is proved what is meant; then begin it."""
        proved = [self._proved.popleft() for _ in range(min(len(self._proved), most))]
        tries = [(one.turn, self._book.a_try(one.turn.item, one.proof)) for one in proved]
        self._write([what for _, what in tries])
        oldest = _oldest()
        for one, (turn, what) in zip(proved, tries, strict=True):
            if one.at < oldest:  # the store was busy
                self._ends.append(End(what, Outcome.FAILED, f"{NOT_SENT}: its proof had grown old"))
                self._waiting.appendleft(replace(turn, wait_s=0.0))
            else:
                self._erasing.add(self._submit(self._erase, turn, what, to=self._erasers))

    def _let_go_of_stale_proofs(self) -> None:
        """Send back what was proved a while ago: much may have happened since."""
        oldest = _oldest()
        stale = [one for one in self._proved if one.at < oldest]
        if stale:
            self._proved = deque(one for one in self._proved if one.at >= oldest)
            self._waiting.extendleft(replace(one.turn, wait_s=0.0) for one in reversed(stale))

    def _write(self, intents: Sequence[Try] = ()) -> None:
        self._book.write(intents=intents, ends=self._ends, untried=self._untried)
        self._ends, self._untried = [], []

    def _submit(
        self, work: Callable[..., Found], *given: object, to: Executor | None = None
    ) -> Future[Found]:
        future = (to or self._pool).submit(work, *given)
        future.add_done_callback(self._arrived.put)
        return future

    def _read(self, turns: Sequence[Turn]) -> Read:
        """Read what the store holds of some items."""
        # Those that rest do it here: what is read is to be fresh.
        if pause := max(turn.wait_s for turn in turns):
            self._job.sleep(pause)
        copies = self._examiner.read([turn.item for turn in turns])
        return Read(list(zip(turns, copies, strict=True)))

    def _erase(self, turn: Turn, what: Try) -> Erased:
        """Ask for a delete; runs in many threads."""
        answered = asking.for_execution(self._job, turn.item, tried_before=turn.sent)
        return Erased(turn, what, answered)

    def _take_some(self) -> None:
        """Wait for what arrives, and a moment longer: what is written at once costs once."""
        self._take(self._arrived.get())
        until = time.monotonic() + GATHERED_S
        while (left := until - time.monotonic()) > 0 and (self._examining or self._erasing):
            try:
                self._take(self._arrived.get(timeout=left))
            except queue.Empty:
                return

    def _take(self, future: Future[Found]) -> None:
        self._erasing.discard(future)
        found = future.result()
        if isinstance(found, Read):
            for turn, copy in found.copies:
                self._submit(examine, self._job, self._examiner, turn, copy)
        elif isinstance(found, Erased):
            self._take_erased(found)
        else:
            self._examining -= 1
            self._take_examined(found)

    def _take_examined(self, found: Examined) -> None:
        item = found.turn.item
        if found.fatal is not None:
            self.fatal = self.fatal or found.fatal
            self._left.append(found.turn)
        elif found.seen is None and found.proof.holds:
            self._proved.append(found)
        elif found.seen is None:
            self._close(item, found.proof, Outcome.CHANGED, found.proof.why)
        elif found.seen.sight is Sight.GONE:
            ours = Outcome.DELETED if found.turn.sent else Outcome.ALREADY_GONE
            self._close(item, found.proof, ours, None)
        else:
            self._close(item, found.proof, Outcome.IN_DOUBT, found.seen.why)

    def _close(self, item: Item, proof: Proof, outcome: Outcome, error: str | None) -> None:
        """End an item for which nothing was asked."""
        end = untried(self._book.a_try(item, proof), outcome, error)
        self._untried.append(end)
        self._note(Result(item, outcome, error))

    def _take_erased(self, found: Erased) -> None:
        answered, turn = found.answered, found.turn
        result = self._answered(found)
        self.fatal = self.fatal or answered.fatal
        tried = turn.tried + 1
        if answered.may_repeat and tried < TRIES and answered.wait_s <= LONGEST_WAIT_S:
            pause = max(answered.wait_s, random.uniform(0, 2**tried))
            sent = turn.sent or answered.was_sent
            again = replace(turn, tried=tried, sent=sent, wait_s=pause, error=answered.error)
            self._waiting.append(again)
        else:
            self._note(result)

    def _note(self, result: Result) -> None:
        self._results[result.item] = result
        if self._failures >= FAILURES_IN_A_ROW:
            pass  # it stops, whatever else still comes in
        elif result.outcome in WENT_WELL:
            self._failures, self._went_well = 0, True
        elif result.outcome in _WENT_WRONG:
            self._failures, self._went_well = self._failures + 1, False
        self._job.listener(result)

    def _take_what_still_comes(self) -> None:
        """Wait a little for the answers to what was asked, so that less is left in doubt."""
        done, _ = wait(self._erasing, timeout=PATIENCE_S)
        for future in done:
            found = future.result() if future.exception() is None else None
            if isinstance(found, Erased):
                self._note(self._answered(found))

    def _answered(self, found: Erased) -> Result:
        """Keep the end of a try for the next write; return what became of its item."""
        answered, item = found.answered, found.turn.item
        self._ends.append(End(found.what, answered.outcome, answered.error))
        return Result(item, answered.outcome, answered.error)

    def _leave_the_rest_in_doubt(self, items: Sequence[Item]) -> None:
        still_open = self._book.still_open()
        for item in items:
            if item not in self._results and (item.kind, item.key) in still_open:
                self._note(Result(item, Outcome.IN_DOUBT, LEFT_OPEN))
