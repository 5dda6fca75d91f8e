"""One item examined: a proof, or what a look sees of one that upstream denies."""

import time

from craftsync.errors import CraftsyncError, Missing, UpstreamFault
from craftsync.purge import look
from craftsync.purge.evidence import AGED_S, Copy, Examiner
from craftsync.purge.job import Job
from craftsync.purge.proof import Unread, prove
from craftsync.purge.turns import Examined, Turn
from craftsync.upstream import exact


def examine(job: Job, examiner: Examiner, turn: Turn, copy: Copy | None) -> Examined:
    """Prove an item, of which `copy` was read a moment ago; runs in many threads."""
    item = turn.item
    try:
        try:
            job.eraser.sign_in()  # a renewal may take long, and the proof is not to wait for it
            job.eraser.address(item.kind, item.key.execution_id)
            began = time.monotonic()
            proof = examiner.execution(item, copy)
            ended = time.monotonic()
            return Examined(turn, proof, at=ended if ended - began > AGED_S else began)
        except Missing as fault:
            seen = look.closely_at_execution(job, item.key, item.pipeline_name or "")
            nothing = Unread(exact.plain(str(fault)))
            return Examined(turn, prove(item, None, nothing), seen)
    except CraftsyncError as fault:
        nothing = Unread(exact.plain(str(fault)))
        fatal = None if isinstance(fault, UpstreamFault) else fault
        return Examined(turn, prove(item, None, nothing), fatal=fatal)
