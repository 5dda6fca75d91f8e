"""What docs/reliability.md names as proof is there, and its table of figures can be written."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from gates import summary

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/reliability.md"
ROW = re.compile(r"^\| (A\d\d) \| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


@cache
def names_in(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_has_its_proof():
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert [row for row, _, _ in rows] == [f"A{number:02}" for number in range(1, 63)]
    for row, _, proof in rows:
        assert any(test for _, test in NAMED.findall(proof)), row


def test_every_test_that_is_named_is_there():
    named = NAMED.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert len(named) > 62
    assert [path for path, _ in named if not (ROOT / path).is_file()] == []
    missing = [(path, test) for path, test in named if test and test not in names_in(path)]
    assert missing == []


def test_the_figures_of_the_gates_are_written_between_their_marks(tmp_path):
    copy = tmp_path / "copy.md"
    text = DOCUMENT.read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    for number in (1, 2):
        summary.write(copy, [("G1", "kills", f"points {number}")], passed=7, failed=0)
    written = copy.read_text(encoding="utf-8")
    assert written.count("| G1 | kills | points 2 |") == 1
    assert "points 1" not in written
    before, after = text.partition("<!-- gates")[0], text.partition("<!-- end of gates -->")[2]
    assert written.startswith(before)
    assert written.endswith(after)
    copy.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no one place"):
        summary.write(copy, [], passed=0, failed=0)


def test_what_is_about_the_same_is_one_row_of_the_document():
    told = [
        ["G2", "faults", "429", {"hits": 700, "most runs": "4 of 10", "seed": 5, "codes": "3/0"}],
        ["G2", "faults", "500", {"hits": 600, "most runs": "10 of 10", "seed": 6, "codes": "0"}],
        ["G1", "kills", None, {"points": 1000, "grown": "2 MiB"}],
    ]
    assert summary.folded(told) == [
        ("G1", "kills", "points 1,000, grown 2 MiB"),
        ("G2", "faults (2 tests)", "hits 1,300, most runs 10 of 10, seed 2 different"),
    ]
