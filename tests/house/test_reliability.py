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
