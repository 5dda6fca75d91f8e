"""The proof before a delete: one flaw is enough, and its hash covers all of it."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from craftsync.purge.plan import Item
from craftsync.purge.policy import Reason
from craftsync.purge.proof import Flaw, Held, Proof, Shown, Unread, prove, prove_deployment
from craftsync.records import Key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_item(name="e1", *, kind="execution", executions=(), sha256="c1"):
    return Item(
        kind=kind,
        key=Key(name, NOON),
        pipeline_name="train",
        deployment_name="nightly",
        end_date=NOON + timedelta(hours=1),
        status="Succeeded",
        content_sha256=sha256,
        bytes=7,
        executions=executions,
    )


HELD, SHOWN = Held("c1"), Shown("a1")


def test_what_is_held_as_planned_and_shown_as_held_is_proved():
    proof = prove(an_item(), HELD, SHOWN)
    assert proof.holds
    assert proof.why == ""


@pytest.mark.parametrize(
    ("held", "shown", "reason", "why"),
    [
        (None, SHOWN, "not_held", "the store does not hold it"),
        (Held("c1", kept=Reason.UNSETTLED), SHOWN, "unsettled", "it is kept: unsettled"),
        (Held("c1", kept=Reason.PROTECTED), SHOWN, "protected", "it is kept: protected"),
        (Held("c2"), SHOWN, "changed", "what is held of it has changed since it was planned"),
        (
            Held("c1", damaged=("output report",)),
            SHOWN,
            "not_held",
            "output report: the stored bytes are damaged",
        ),
        (HELD, Unread("HTTP 503"), "changed", "HTTP 503"),
        (HELD, Shown("a1", is_same=False), "changed", "upstream shows another one of its id"),
        (HELD, Shown("a1", is_over=False), "running", "it goes on upstream"),
        (HELD, Shown("a1", differs=("logs: 1 line more",)), "changed", "logs: 1 line more"),
    ],
)
def test_one_flaw_is_enough(held, shown, reason, why):
    proof = prove(an_item(), held, shown)
    assert not proof.holds
    assert proof.flaws == (Flaw(Reason(reason), why),)
    assert proof.why == why


def test_all_flaws_are_told_those_of_the_store_first():
    held = Held("c2", kept=Reason.RUNNING, damaged=("detail", "input data"))
    shown = Shown("a1", is_over=False, differs=("detail: status", "logs: more"))
    reasons = [str(flaw.reason) for flaw in prove(an_item(), held, shown).flaws]
    assert reasons == [
        *("running", "changed", "not_held", "not_held"),
        *("running", "changed", "changed"),
    ]


def test_of_another_incarnation_nothing_more_is_told():
    shown = Shown("a1", is_same=False, is_over=False, differs=("detail: status",))
    (flaw,) = prove(an_item(), HELD, shown).flaws
    assert flaw.why == "upstream shows another one of its id"


@pytest.mark.parametrize(("count", "ending"), [(5, "f4"), (6, "f4; and 1 more")])
def test_of_many_flaws_five_are_said(count, ending):
    flaws = tuple(Flaw(Reason.CHANGED, f"f{n}") for n in range(count))
    assert Proof(flaws, "").why == f"f0; f1; f2; f3; {ending}"


def test_the_hash_covers_everything_that_was_shown():
    held, shown = Held("c1", damaged=("detail",)), Shown("a1", differs=("logs",))
    proofs = [
        prove(an_item(), HELD, SHOWN),
        prove(an_item("e2"), HELD, SHOWN),
        prove(an_item(kind="deployment"), HELD, SHOWN),
        prove(replace(an_item(), key=Key("e1", NOON + timedelta(microseconds=1))), HELD, SHOWN),
        prove(an_item(sha256="c2"), Held("c2"), SHOWN),
        prove(an_item(), HELD, Shown("a2")),
        prove(an_item(), Held("c3"), SHOWN),
        prove(an_item(), None, SHOWN),
        prove(an_item(), held, SHOWN),
        prove(an_item(), HELD, shown),
        prove(an_item(), HELD, Unread("a")),
        prove(an_item(), HELD, Unread("b")),
    ]
    assert len({proof.sha256 for proof in proofs}) == len(proofs)
    assert prove(an_item(), HELD, SHOWN).sha256 == proofs[0].sha256


def test_the_hash_is_of_canonical_json():
    told = {
        "created_at": "2026-03-01T12:00:00.000000Z",
        "flaws": [["changed", "HTTP 503"]],
        "held": "c1",
        "id": "e1",
        "kind": "execution",
        "planned": "c1",
        "shown": None,
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    proof = prove(an_item(), HELD, Unread("HTTP 503"))
    assert proof.sha256 == hashlib.sha256(text.encode()).hexdigest()


# A deployment

OURS = (an_item("e1"), an_item("e2"))
DEPLOYMENT = an_item("nightly", kind="deployment", executions=OURS, sha256="d1")
GOOD = [prove(one, HELD, SHOWN) for one in OURS]
LISTED = frozenset(one.key for one in OURS)


def proved(proofs=GOOD, *, is_same=True, listed=LISTED, **other):
    return prove_deployment(DEPLOYMENT, proofs, is_same=is_same, listed=listed, **other)


def test_a_deployment_goes_when_each_of_its_executions_may():
    assert proved().holds


def test_one_of_its_executions_that_may_not_keeps_it_and_is_named():
    bad = prove(OURS[1], None, SHOWN)
    proof = proved([GOOD[0], bad])
    assert proof.flaws == (Flaw(Reason.NOT_HELD, "e2: the store does not hold it"),)


def test_an_execution_that_nobody_planned_keeps_it_and_is_named():
    more = [Key(name, NOON) for name in ("e9", "e3")]
    proof = proved(listed=LISTED | set(more))
    assert proof.why == "e3: it is not held; e9: it is not held"
    assert {flaw.reason for flaw in proof.flaws} == {Reason.NOT_HELD}


def test_an_execution_that_is_listed_as_going_on_keeps_it_and_is_named():
    going_on = {Key("e2", NOON), Key("e1", NOON)}
    proof = prove_deployment(DEPLOYMENT, GOOD, is_same=True, listed=LISTED, going_on=going_on)
    assert proof.why == "e1: it goes on upstream; e2: it goes on upstream"
    assert {flaw.reason for flaw in proof.flaws} == {Reason.RUNNING}


def test_a_listing_that_lacks_what_is_there_is_not_complete_and_speaks_for_no_other():
    """A11: an empty listing, or a short one, with status 200."""
    (first, *_) = DEPLOYMENT.executions
    flaw = Flaw(Reason.CHANGED, f"{first.key.execution_id}: it is there, and not listed")
    assert proved(listed=LISTED - {first.key}).flaws == (flaw,)
    assert len(proved(listed=frozenset()).flaws) == len(DEPLOYMENT.executions)


def test_one_that_has_changed_since_it_was_proved_keeps_it():
    (first, *_) = DEPLOYMENT.executions
    flaw = Flaw(Reason.CHANGED, f"{first.key.execution_id}: it has changed since it was proved")
    assert proved(changed={first.key}).flaws == (flaw,)


def test_settings_that_were_not_mirrored_keep_it():
    flaw = Flaw(Reason.CHANGED, "schedule: it is not as it was mirrored")
    assert proved(differs=["schedule"]).flaws == (flaw,)


def test_another_deployment_under_its_name_keeps_it():
    proof = proved(is_same=False)
    assert proof.flaws == (Flaw(Reason.CHANGED, "upstream shows another deployment"),)


def test_a_protected_deployment_is_kept_whatever_is_proved():
    proof = prove_deployment(DEPLOYMENT, GOOD, is_same=True, listed=LISTED, kept=Reason.PROTECTED)
    assert proof.flaws == (Flaw(Reason.PROTECTED, "it is kept: protected"),)


def test_without_a_listing_nothing_is_proved():
    proof = proved(listed=None)
    assert proof.flaws == (Flaw(Reason.CHANGED, "its executions could not be listed"),)


def test_all_flaws_of_a_deployment_are_told_in_their_order():
    bad = prove(OURS[0], None, Shown("a1", is_over=False))
    proof = proved([bad, GOOD[1]], is_same=False, listed=None)
    assert [str(flaw.reason) for flaw in proof.flaws] == [
        *("changed", "changed", "not_held", "running"),
    ]


def test_the_hash_of_a_deployment_covers_those_of_its_executions():
    other = prove(OURS[1], HELD, Shown("a2"))
    assert proved().sha256 != proved([GOOD[0], other]).sha256
    assert proved().sha256 == proved().sha256


def test_each_execution_of_a_deployment_needs_a_proof():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        proved(GOOD[:1])
