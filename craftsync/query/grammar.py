"""The one small language of --where and --fail-if: `out.score < 0.5 and not status = failed`.

    either      both OR both …
    both        single AND single …
    single      NOT single, ( either ), or a comparison
    comparison  NAME = literal, and !=, <, <=, >, >=; NAME [NOT] CONTAINS literal;
                NAME IS [NOT] NULL; NAME [NOT] IN (literal, …)
    NAME        status; in.NAME or out.NAME, and a path into its JSON: in.options.k, out.rows[0],
                in."my input"."a key"
    literal     a number, 'text' or "text" (a quotation mark in it twice), true, false, null, or a
                word, which is text: status = failed, created_at >= 2026-03-01

Words in capitals are read in any case. The names that are allowed are an argument, so that the same
language asks executions and figures.
"""

from collections.abc import Callable

from craftsync.errors import Usage
from craftsync.query.evaluate import evaluate
from craftsync.query.expression import (
    All,
    Comparison,
    Expression,
    Kind,
    Name,
    Names,
    Not,
    Operator,
    Some,
)
from craftsync.query.literals import UnfitError, literal_of
from craftsync.query.reader import Reader

__all__ = ["FIGURE", "RUNS", "Expression", "Kind", "Names", "evaluate", "parse"]

FIGURE = Kind.NUMBER
"""What a headline figure is: `parse(text, dict.fromkeys(names, FIGURE))`."""

RUNS: Names = {
    "in": Kind.VALUE,
    "out": Kind.VALUE,
    "status": Kind.WORD,
    "run_s": Kind.NUMBER,
    "queue_s": Kind.NUMBER,
    "commit_id": Kind.TEXT,
    "environment": Kind.TEXT,
    "execution_id": Kind.TEXT,
    "pipeline_name": Kind.TEXT,
    "deployment_name": Kind.TEXT,
    "created_by": Kind.TEXT,
    "created_at": Kind.INSTANT,
    "started_at": Kind.INSTANT,
    "end_date": Kind.INSTANT,
    "gone_at": Kind.INSTANT,
    "gone_cause": Kind.WORD,
    "settled": Kind.BOOLEAN,
}
"""The names of `runs --where`: inputs, outputs, and columns of `executions`."""

LONGEST = 10_000  # characters
DEEPEST = 50
MOST = 100  # comparisons; an engine plans so many within a second
LONGEST_LIST = 200

_NEGATED = frozenset({"in", "contains"})
_SIGNS = {"==": Operator.EQUAL, "<>": Operator.DIFFERENT}


def parse(text: str, names: Names) -> Expression:
    """Read a condition; raises `Usage` that shows the text and points at the place."""
    if len(text) > LONGEST:
        raise Usage(f"The condition has {len(text):,} characters; {LONGEST:,} are allowed.")
    parser = _Parser(Reader(text, names), names)
    found = parser.either(1)
    parser.end()
    return found


class _Parser:
    """Reads a condition from left to right, a method a rule."""

    def __init__(self, reader: Reader, names: Names) -> None:
        self._reader = reader
        self._names = names
        self._count = 0

    def end(self) -> None:
        """Refuse what is left over."""
        if not self._reader.is_at_end():
            raise self._reader.fault("and, or, or the end is expected here")

    def either(self, depth: int) -> Expression:
        """Read what is joined by or."""
        found = self._joined("or", self._both, depth)
        return found[0] if len(found) == 1 else Some(found)

    def _both(self, depth: int) -> Expression:
        found = self._joined("and", self._single, depth)
        return found[0] if len(found) == 1 else All(found)

    def _joined(
        self, word: str, read: Callable[[int], Expression], depth: int
    ) -> tuple[Expression, ...]:
        found = [read(depth)]
        while self._reader.take_word(word):
            found.append(read(depth))
        return tuple(found)

    def _single(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self._reader.fault(f"it is nested deeper than {DEEPEST}")
        if self._reader.take_word("not"):
            return Not(self._single(depth + 1))
        if self._reader.take("("):
            found = self.either(depth + 1)
            if not self._reader.take(")"):
                raise self._reader.fault("a ) is missing")
            return found
        return self._comparison()

    def _comparison(self) -> Expression:
        self._count += 1
        if self._count > MOST:
            raise self._reader.fault(f"there are more than {MOST} comparisons")
        name = self._reader.name()
        if self._reader.take_word("is"):
            negated = self._reader.take_word("not")
            if not self._reader.take_word("null"):
                raise self._reader.fault("after is comes null, or not null")
            return Comparison(name, Operator.DIFFERENT if negated else Operator.EQUAL, None)
        if self._reader.take_word("not"):
            if not self._reader.sees_word(_NEGATED):
                raise self._reader.fault("after not comes in or contains")
            return Not(self._worded(name))
        if self._reader.sees_word(_NEGATED):
            return self._worded(name)
        sign = self._reader.take_sign()
        if sign is None:
            raise self._reader.fault("a comparison is expected here: =, !=, <, <=, >, >=, contains")
        return self._against(name, _SIGNS.get(sign) or Operator(sign))

    def _worded(self, name: Name) -> Expression:
        if self._reader.take_word("contains"):
            return self._against(name, Operator.CONTAINS)
        self._reader.take_word("in")
        if not self._reader.take("("):
            raise self._reader.fault("after in comes a list, as (1, 2)")
        found = [self._against(name, Operator.EQUAL)]
        while self._reader.take(","):
            if len(found) == LONGEST_LIST:
                raise self._reader.fault(f"the list is longer than {LONGEST_LIST}")
            found.append(self._against(name, Operator.EQUAL))
        if not self._reader.take(")"):
            raise self._reader.fault("a ) is missing")
        return found[0] if len(found) == 1 else Some(tuple(found))

    def _against(self, name: Name, operator: Operator) -> Comparison:
        """Read the literal that a name is compared with."""
        at = self._reader.next()
        word, quoted = self._reader.literal()
        try:
            return Comparison(name, operator, literal_of(word, name, operator, quoted=quoted))
        except UnfitError as flaw:
            raise self._reader.fault(str(flaw), at) from None
