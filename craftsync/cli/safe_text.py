"""Text from elsewhere made fit for a terminal, and every text for the eyes of others.

A name, a log line or an error text comes from upstream: it must not drive the terminal, nor hide
what it says. A secret may be part of any message that somebody else wrote.
"""

import re

# Control characters (C0, DEL, C1), line separators, what turns the direction of writing, what is
# invisible (marks, tags), and halves of surrogate pairs.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# What is a secret by its looks: a JSON web token, a bearer, a password in a URL.
_SECRET = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|(?<=bearer )[^\s'\",]+"
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 6

_secrets: set[str] = set()


def safe(text: str) -> str:
    r"""Return `text` in one line, with what a terminal would obey or hide shown as `\x1b`."""
    return _UNSAFE.sub(_visible, text)


def safe_lines(text: str) -> str:
    """Return `text` made safe line by line: its ends of lines stay."""
    return "\n".join(safe(line) for line in text.split("\n"))


def _visible(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if number <= 0xFF:  # noqa: PLR2004 - two hex digits hold that much
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - as above


def remember(secret: str) -> None:
    """Keep `secret` out of everything that is said from now on. Very short ones are no secrets."""
    if len(secret) >= _SHORTEST_SECRET:
        _secrets.add(secret)


def scrub(text: str) -> str:
    """Return `text` with every known secret, and all that looks like one, as `****`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "****")
    return _SECRET.sub("****", text)
