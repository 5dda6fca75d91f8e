"""A plan of deletes: what goes, why the rest stays, and a seal that shows any change.

What is sealed is the canonical JSON of everything else in it: keys sorted, compact, ASCII. Only a
store that holds the key can make one, so that what is applied is what was decided.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from craftsync.errors import Refused
from craftsync.purge.policy import Reason
from craftsync.records import Key
from craftsync.times import parse_utc_text, utc_text

FORMAT = 1
MAKE_ANOTHER = "Make another one: craftsync purge plan --older-than 90d -o PLAN"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to delete: an execution, or a deployment with all its executions.

    `bytes` is what is held of it here in files and log lines. The end of a deployment is that of
    its last execution, its hash one over those of all of them.
    """

    kind: str  # execution or deployment
    key: Key
    pipeline_name: str | None
    deployment_name: str | None
    end_date: datetime | None
    status: str | None
    content_sha256: str
    bytes: int
    executions: tuple["Item", ...] = ()

    @property
    def each(self) -> tuple["Item", ...]:
        """The executions that go: those of a deployment, or the one itself."""
        return self.executions if self.kind == "deployment" else (self,)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deleted in one environment, as decided at `created_at`."""

    plan_id: str
    store_id: str
    environment: str
    upstream_id: str | None
    created_at: datetime
    expires_at: datetime
    criteria: Mapping[str, Any]
    limits: Mapping[str, Any]
    delete: tuple[Item, ...]
    keep: Mapping[Reason, int] = field(default_factory=dict)

    @property
    def reason(self) -> Reason:
        """Why its items were chosen: by their age, or by their names."""
        return Reason.OLD_ENOUGH if "older_than_s" in self.criteria else Reason.NAMED

    @property
    def count(self) -> int:
        """How many executions go, those that a deployment takes along included."""
        return sum(len(item.each) for item in self.delete)

    def require_good(self, now: datetime) -> None:
        """Raise `Refused` where the plan has expired; whoever confirms it may take his time."""
        if now >= self.expires_at:
            raise Refused(
                f"The plan expired at {self.expires_at:%Y-%m-%dT%H:%M:%SZ}: nothing was deleted.",
                hint=MAKE_ANOTHER if self.reason is Reason.OLD_ENOUGH else "Begin once more.",
            )


def write(plan: Plan, key: bytes) -> str:
    """Return a plan as JSON for people and machines, sealed with the store's key."""
    body = _body(plan)
    return json.dumps({**body, "seal": seal(body, key)}, indent=1) + "\n"


def read(text: str | bytes, key: bytes, *, store_id: str) -> Plan:
    """Read a plan that this store made; raises `Refused` for anything else, with the reason."""
    try:
        body = json.loads(text, object_pairs_hook=_each_once)
        told, made_in, form = str(body.pop("seal")), body["store_id"], body["format"]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise _refusal("This is no plan of craftsync") from None
    if made_in != store_id:
        raise _refusal("The plan was made from another store")
    if not hmac.compare_digest(told.encode(errors="replace"), seal(body, key).encode()):
        raise _refusal("The plan is not as it was made, its seal does not fit")
    if form != FORMAT:
        raise _refusal("The plan is of another form, made by another craftsync")
    return Plan(
        plan_id=body["plan_id"],
        store_id=made_in,
        environment=body["environment"],
        upstream_id=body["upstream_id"],
        created_at=parse_utc_text(body["created_at"]),
        expires_at=parse_utc_text(body["expires_at"]),
        criteria=body["criteria"],
        limits=body["limits"],
        delete=tuple(map(_item, body["delete"])),
        keep={Reason(one["reason"]): one["count"] for one in body["keep"]},
    )


def seal(body: Mapping[str, Any], key: bytes) -> str:
    """Return the HMAC-SHA-256 (hex) of a plan without its seal."""
    return hmac.new(key, canonical(body), hashlib.sha256).hexdigest()


def canonical(body: Any) -> bytes:
    """Write JSON in the one form that is hashed."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


def totals(items: Sequence[Item]) -> dict[str, Any]:
    """Return the figures of what goes: how many, how much is held of it, how old it is."""
    ends = [item.end_date for item in items if item.end_date]
    each = [one for item in items for one in item.each]
    pipelines = sorted({one.pipeline_name or "" for one in each})
    return {
        "executions": len(each),
        "deployments": sum(item.kind == "deployment" for item in items),
        "bytes": sum(item.bytes for item in items),
        "oldest_end": utc_text(min(ends)) if ends else None,
        "newest_end": utc_text(max(ends)) if ends else None,
        "by_pipeline": {
            name: sum((one.pipeline_name or "") == name for one in each) for name in pipelines
        },
    }


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of a key that comes twice nobody knows which one a reader saw."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key comes twice")
    return made


def _refusal(why: str) -> Refused:
    return Refused(f"{why}: nothing was deleted.", hint=MAKE_ANOTHER)


def _body(plan: Plan) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "plan_id": plan.plan_id,
        "store_id": plan.store_id,
        "environment": plan.environment,
        "upstream_id": plan.upstream_id,
        "created_at": utc_text(plan.created_at),
        "expires_at": utc_text(plan.expires_at),
        "criteria": dict(plan.criteria),
        "delete": list(map(_entry, plan.delete)),
        "keep": [
            {"reason": reason.value, "count": plan.keep[reason]}
            for reason in Reason
            if plan.keep.get(reason)
        ],
        "limits": dict(plan.limits),
        "totals": totals(plan.delete),
    }


def _entry(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "id": item.key.execution_id,
        "created_at": utc_text(item.key.created_at),
        "pipeline_name": item.pipeline_name,
        "deployment_name": item.deployment_name,
        "end_date": utc_text(item.end_date) if item.end_date else None,
        "status": item.status,
        "content_sha256": item.content_sha256,
        "bytes": item.bytes,
        "executions": list(map(_entry, item.executions)),
    }


def _item(entry: Mapping[str, Any]) -> Item:
    end = entry["end_date"]
    return Item(
        kind=entry["kind"],
        key=Key(entry["id"], parse_utc_text(entry["created_at"])),
        pipeline_name=entry["pipeline_name"],
        deployment_name=entry["deployment_name"],
        end_date=parse_utc_text(end) if end else None,
        status=entry["status"],
        content_sha256=entry["content_sha256"],
        bytes=entry["bytes"],
        executions=tuple(map(_item, entry["executions"])),
    )
