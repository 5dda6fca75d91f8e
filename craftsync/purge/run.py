"""The story of one run of deletes: is it the environment, what is in doubt, then one by one.

Under the store's lock. Before each call the proof, on the disk the intent; after it the look, on
the disk the outcome. What is done stays done, so that a run may die anywhere and be run again.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from craftsync.errors import (
    CraftsyncError,
    Interrupted,
    Missing,
    Partial,
    Refused,
    UpstreamFault,
    worst,
)
from craftsync.purge import asking, doubts, look, planning
from craftsync.purge.asking import Answered
from craftsync.purge.book import Book, End, untried
from craftsync.purge.conveyor import LONGEST_WAIT_S, TRIES, Conveyor
from craftsync.purge.evidence import Examiner
from craftsync.purge.job import INTERRUPTED, LEFT_OPEN, WENT_WELL, Job, Outcome, Result, Settled
from craftsync.purge.look import Sight
from craftsync.purge.plan import Item, Plan
from craftsync.purge.proof import Proof, Unread, prove
from craftsync.records import Incarnation
from craftsync.store import audit, environments, erasable
from craftsync.store.environments import EnvironmentRow
from craftsync.upstream import exact
from craftsync.upstream.recognition import recognise


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each item of a plan, and of what was in doubt; `error` ended it early.

    So many of the items as `before` says had been deleted by an earlier run of the same plan.
    """

    plan: Plan
    results: tuple[Result, ...]
    settled: tuple[Settled, ...] = ()
    error: CraftsyncError | None = None
    before: int = 0

    @property
    def exit_code(self) -> int:
        """0 when all is deleted, 3 when something is kept or in doubt, 4 for a deployment kept."""
        codes = [0 if result.outcome in WENT_WELL else Partial.exit_code for result in self.results]
        codes += [
            Refused.exit_code
            for result in self.results
            if result.item.kind == "deployment" and result.outcome is Outcome.CHANGED
        ]
        codes += [Partial.exit_code for one in self.settled if one.outcome is Outcome.IN_DOUBT]
        return worst([*codes, self.error.exit_code if self.error else 0])


def apply(job: Job, plan: Plan) -> Report:
    """Delete what a plan holds; what a run before this one deleted is told as it was.

    Raises `Refused` before the first call where the plan has expired or holds more than may go,
    the environment may be another one, or the last sync cannot be believed; `BadCredentials` and
    `Unreachable`.
    """
    where, now = job.environment, job.now()
    plan.require_good(now)
    with job.reader.connect() as conn:
        mirrored = environments.find(conn, where.name)
        planning.require_room(conn, where, plan, job.limits)
        kept = planning.kept_now(conn, where, plan, job.limits, protection=job.protection, now=now)
    found = recognise(job.platform, environment=where.name, url=where.url, known=plan.upstream_id)
    _require_the_same(job, plan, found, mirrored)
    job.eraser.sign_in()
    book = Book(job, plan)
    settled = doubts.settle(job, book)
    results = _known(job, plan, book, settled)
    before = sum(one.outcome in WENT_WELL for one in results.values())
    todo = [item for item in plan.delete if item not in results]
    doubted = {(one.kind, one.key) for one in settled}
    pool = ThreadPoolExecutor(job.workers, thread_name_prefix="purge")
    try:
        named = frozenset(plan.criteria.get("statuses", ()))
        examiner = Examiner(job, kept=kept, named=named)
        belt = Conveyor(job, book, examiner, pool)
        executions = [item for item in todo if item.kind == "execution"]
        tried = [item for item in executions if (item.kind, item.key) in doubted]
        results |= {one.item: one for one in belt.run(executions, tried)}
        fatal = belt.fatal
        for item in todo:
            if item.kind == "deployment" and fatal is None:
                tries = int((item.kind, item.key) in doubted)
                deployment = Deployment(job, book, examiner, pool, item, tries)
                results[item], fatal = _to_its_end(job, deployment)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    told = tuple(results.get(item, Result(item, None)) for item in plan.delete)
    return Report(plan, told, tuple(settled), fatal, before)


def _to_its_end(job: Job, deployment: "Deployment") -> tuple[Result, CraftsyncError | None]:
    """Delete a deployment; where something ends the run on the way, return that beside it."""
    item, fatal = deployment.item, CraftsyncError("")
    try:
        return deployment.delete(), None
    except KeyboardInterrupt:
        fatal = Interrupted(INTERRUPTED)
    except CraftsyncError as flaw:
        fatal = flaw
    with job.reader.connect() as conn:
        ended = audit.ended(conn, job.environment.key, deployment.book.plan_id)
    word = ended.get(deployment.book.id_of(item))
    result = Result(item, Outcome(word) if word else None, str(fatal) if word else None)
    if (item.kind, item.key) in deployment.book.still_open():
        result = Result(item, Outcome.IN_DOUBT, LEFT_OPEN)
    if result.outcome is not None:
        job.listener(result)
    return result, fatal


def _require_the_same(
    job: Job, plan: Plan, found: str | None, mirrored: EnvironmentRow | None
) -> None:
    """Refuse where it is not sure that this is the environment that was mirrored and planned.

    Without an id it is told by its address alone.
    """
    where = job.environment
    known = mirrored.upstream_id if mirrored else None
    moved = found is None and (mirrored is None or mirrored.url != where.url)
    if moved or not known == plan.upstream_id == found:
        raise Refused(
            f"It is not sure that {where.url} is the environment {where.name} that was mirrored"
            f" (its id: {found or 'none'}, the store knows {known or 'none'}): nothing was"
            " deleted.",
            hint="Check the url with: craftsync config show"
            if known and not found
            else f"craftsync sync --env {where.name}",
        )


def _known(job: Job, plan: Plan, book: Book, settled: Sequence[Settled]) -> dict[Item, Result]:
    """Return what is known already: what an earlier run deleted, and what stays in doubt."""
    with job.reader.connect() as conn:
        ended = audit.ended(conn, job.environment.key, plan.plan_id)
    found = {}
    for item in plan.delete:
        if (word := ended.get(book.id_of(item))) in WENT_WELL:
            found[item] = Result(item, Outcome(word))
    of = {(item.kind, item.key): item for item in plan.delete}
    for one in settled:
        mine = of.get((one.kind, one.key))
        if mine is not None and one.outcome is not Outcome.FAILED:
            found[mine] = Result(mine, one.outcome, one.error)
    return found


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment on its way out, with all that it takes along.

    `tries` is how often an earlier run asked for it, and nobody knew what came of that.
    """

    job: Job
    book: Book
    examiner: Examiner
    pool: ThreadPoolExecutor
    item: Item
    tries: int

    def delete(self) -> Result:
        """Prove, intend, delete, look; again where nobody knows why it is there still."""
        answered, sent = Answered(Outcome.FAILED), self.tries > 0
        for tried in range(TRIES):
            if tried:
                self.job.sleep(max(answered.wait_s, random.uniform(0, 2**tried)))
            result = self._one_try(sent=sent)
            if isinstance(result, Result):
                return result
            answered = result
            sent = sent or answered.was_sent
            if not answered.may_repeat or answered.wait_s > LONGEST_WAIT_S:
                break
        return self._tell(answered.outcome, answered.error)

    def _one_try(self, *, sent: bool) -> Answered | Result:
        job, item = self.job, self.item
        try:
            job.eraser.sign_in()
            job.eraser.address(item.kind, item.key.execution_id)
            proof = self.examiner.deployment(item, self.pool)
        except Missing as fault:
            return self._missing(fault, sent=sent)
        except UpstreamFault as fault:
            proof = prove(item, None, Unread(exact.plain(str(fault))))
        if not proof.holds:
            self._close_untried(proof, Outcome.CHANGED, proof.why)
            return self._tell(Outcome.CHANGED, proof.why)
        what = self.book.a_try(item, proof)
        self.book.write(intents=[what])
        answered = asking.for_deployment(
            job, item, self.pool, execution_rule=self._rule(), tried_before=sent
        )
        self.book.write(ends=[End(what, answered.outcome, answered.error)])
        if answered.fatal is not None:
            raise answered.fatal
        return answered

    def _missing(self, fault: Missing, *, sent: bool) -> Result:
        """Say what became of a deployment that upstream denies."""
        item, nothing = self.item, Unread(exact.plain(str(fault)))
        seen = look.closely_at_deployment(
            self.job,
            Incarnation(*item.key),
            item.pipeline_name,
            {one.key for one in item.executions},
        )
        outcome, error = Outcome.IN_DOUBT, seen.why or None
        if seen.sight is Sight.GONE:
            outcome, error = (Outcome.DELETED if sent else Outcome.ALREADY_GONE), None
        self._close_untried(prove(item, None, nothing), outcome, error)
        return self._tell(outcome, error)

    def _close_untried(self, proof: Proof, outcome: Outcome, error: str | None) -> None:
        self.book.write(untried=[untried(self.book.a_try(self.item, proof), outcome, error)])

    def _tell(self, outcome: Outcome, error: str | None) -> Result:
        result = Result(self.item, outcome, error)
        self.job.listener(result)
        return result

    def _rule(self) -> str | None:
        """Return the execution rule that the platform's answer should tell."""
        with self.job.reader.connect() as conn:
            found = erasable.live_deployment(
                conn, self.job.environment.key, self.item.key.execution_id
            )
        return found.execution_rule if found else None
