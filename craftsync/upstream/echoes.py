"""Where a secret is said again: in a text, in the bytes of a file, however they are cut."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import lru_cache
from typing import Any, TypeAlias

from craftsync.upstream import exact

Secrets: TypeAlias = Mapping[str, str]
"""What must not be read -> the fingerprint that stands in its place."""

LEAST = 6  # characters; what is shorter would be found everywhere
FINGERPRINT = re.compile("(redacted:[0-9a-f]{16})")
_LEAST_OF_A_TOKEN = 16
_COULD_BE_A_TOKEN = re.compile(rf"[\w.~+/-]{{{_LEAST_OF_A_TOKEN},}}={{0,2}}", re.ASCII)


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """Return a text as it stands between the quotes of JSON in ASCII."""
    return exact.dumps(text, ascii=True)[1:-1]


def forms(text: str) -> frozenset[str]:
    """Return how a secret may be said again: as it is, line by line, shown, and within JSON."""
    said = [text, *(line.strip() for line in text.splitlines())]
    said = [form for form in said if len(form) >= LEAST and not FINGERPRINT.fullmatch(form)]
    return frozenset(
        form
        for one in said
        for form in (one, exact.plain(one), exact.dumps(one)[1:-1], escaped(one))
    )


def replaced(text: str, secrets: Secrets) -> str:
    """Return `text` with a fingerprint in the place of each secret, the longest first."""
    for echo in secrets:
        if echo in text:
            return _any_of(tuple(secrets)).sub(lambda found: secrets.get(found[0], found[0]), text)
    return text


def without_tokens(text: str, known: Set[str], fingerprint: Callable[[str], str]) -> str:
    """Return `text` with its fingerprint in the place of each token whose fingerprint is known.

    Nobody keeps the tokens: what could be one is hashed. One that is glued to other signs of its
    kind is not found, but for those of a path.
    """

    def instead(found: re.Match[str]) -> str:
        word = found[0]
        for piece in (word, word.rstrip("."), *word.split("/")):
            if len(piece) >= _LEAST_OF_A_TOKEN and (stand_in := fingerprint(piece)) in known:
                return word.replace(piece, stand_in)
        return word

    return _COULD_BE_A_TOKEN.sub(instead, text)


class Stream(Iterator[bytes]):
    """The bytes of a file with a fingerprint in the place of each secret.

    `changed` is final once all pieces are read.
    """

    def __init__(self, chunks: Iterable[bytes], secrets: Secrets) -> None:
        self.changed = False
        self._stand_ins = {
            echo.encode("utf-8", "surrogatepass"): fingerprint.encode()
            for echo, fingerprint in secrets.items()
        }
        self._pieces = self._replaced(iter(chunks)) if secrets else iter(chunks)

    def __next__(self) -> bytes:
        return next(self._pieces)

    def _replaced(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        any_of = _any_of_bytes(tuple(self._stand_ins))
        longest = max(25, *map(len, self._stand_ins))  # 25 bytes are a fingerprint
        rest = b""
        for chunk in chunks:
            rest += chunk
            # What begins behind this place may go on in the next chunk.
            decided = len(rest) - longest + 1
            if decided > 0:
                piece, done = self._up_to(decided, rest, any_of)
                rest = rest[done:]
                yield piece
        if rest:
            yield self._up_to(len(rest), rest, any_of)[0]

    def _up_to(self, end: int, rest: bytes, any_of: re.Pattern[bytes]) -> tuple[bytes, int]:
        """Replace what begins before `end`; return that, and how much of `rest` it was."""
        if not any(echo in rest for echo in self._stand_ins):
            return rest[:end], end
        pieces: list[bytes] = []
        done = 0
        for found in any_of.finditer(rest):
            if found.start() >= end:
                break
            stand_in = self._stand_ins.get(found[0])
            self.changed = self.changed or stand_in is not None
            pieces += (rest[done : found.start()], stand_in or found[0])
            done = found.end()
        pieces.append(rest[done:end])
        return b"".join(pieces), max(done, end)


def fingerprints_under(key: str, payload: Any) -> set[str]:
    """Return the fingerprint that stands under a key of an object, if there is one."""
    held = payload.get(key) if type(payload) is dict else None
    return {held} if type(held) is str and FINGERPRINT.fullmatch(held) else set()


def positions_redacted(items: Any) -> frozenset[int]:
    """Return the positions of the items whose value holds a fingerprint."""
    if type(items) is not list:
        return frozenset()
    return frozenset(
        position
        for position, item in enumerate(items)
        if type(item) is dict and _holds_fingerprint(item.get("value"))
    )


def _holds_fingerprint(value: Any) -> bool:
    if type(value) is dict or type(value) is list:
        value = exact.dumps(value)
    return type(value) is str and FINGERPRINT.search(value) is not None


# A fingerprint is no echo, even where its digits spell a secret.
@lru_cache(maxsize=256)
def _any_of(echoes: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(echoes, key=len, reverse=True)
    return re.compile("|".join((FINGERPRINT.pattern, *map(re.escape, longest_first))))


@lru_cache(maxsize=256)
def _any_of_bytes(echoes: tuple[bytes, ...]) -> re.Pattern[bytes]:
    longest_first = sorted(echoes, key=len, reverse=True)
    return re.compile(b"|".join((FINGERPRINT.pattern.encode(), *map(re.escape, longest_first))))
