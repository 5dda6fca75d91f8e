"""G2: whatever goes wrong upstream, runs converge to the truth, and none claims it too early."""

import pytest
from gates.faulty import CODES, MOST_RUNS, Trial, estate, faulty_lab

from craftsync.simulator import KINDS

RATE = 0.2

# What no client can tell from the truth, while it lasts.
LIES = {"stale_list"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_overcome_in_ten_runs_at_most(kind, tmp_path, figures):
    with faulty_lab(tmp_path, estate(1), {kind: RATE}, seed=1) as lab:
        trial = Trial(lab)
        trial.converge()
        hits = lab.server.faults.hits[kind]
    trial.tell(figures, kind, hits=hits)
    assert trial.gaps == []
    assert trial.codes[-1] == 0
    assert len(trial.codes) <= MOST_RUNS
    assert set(trial.codes) <= CODES
    assert hits > 0
    if kind not in LIES:
        assert trial.false_claims == []
