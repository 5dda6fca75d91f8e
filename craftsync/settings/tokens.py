"""How to come by a token: from a variable, a file or a command.

A token is never part of a message: neither the token itself, nor what a command said while it
failed to give one.
"""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from craftsync.errors import BadSettings

COMMAND_TIMEOUT_S = 30


def token_in_variable(variable: str, environ: Mapping[str, str], *, who: str) -> str:
    """Return the token a variable holds; raises `BadSettings` when it holds none."""
    if variable not in environ:
        raise BadSettings(
            f"The token of {who} is missing: the variable {variable} is not set.",
            hint=f"export {variable}=…",
        )
    return _checked(environ[variable], f"the variable {variable}", who)


def token_in_file(path: Path, *, who: str) -> str:
    """Return the token a file holds; raises `BadSettings` when it holds none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as flaw:
        raise BadSettings(
            f"The token of {who} is missing: {path} cannot be read: {flaw.strerror}."
        ) from flaw
    except UnicodeDecodeError:
        raise BadSettings(f"The token of {who} is missing: {path} holds no text.") from None
    return _checked(text, str(path), who)


def token_of_command(
    command: str,
    environ: Mapping[str, str],
    *,
    who: str,
    timeout_s: float = COMMAND_TIMEOUT_S,
) -> str:
    """Run `command` without a shell; its first line is the token, as with a password manager.

    Raises `BadSettings` when it fails, takes too long or prints none.
    """
    try:
        words = shlex.split(command)
        program = words[0]
        answer = subprocess.run(
            words,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may repeat the secret
            timeout=timeout_s,
            check=False,
        )
    except (ValueError, IndexError):
        raise BadSettings(f"The token_command of {who} cannot be split into words.") from None
    except subprocess.TimeoutExpired:
        raise BadSettings(
            f"The token_command of {who}, {program}, gave no token within {timeout_s:g} s."
        ) from None
    except OSError as flaw:
        raise BadSettings(
            f"The token_command of {who}, {program}, cannot be run: {flaw.strerror}."
        ) from None
    if answer.returncode != 0:
        raise BadSettings(
            f"The token_command of {who}, {program}, failed with {answer.returncode}.",
            hint="Run it by hand to see what it says.",
        )
    lines = answer.stdout.decode("utf-8", "replace").lstrip().splitlines()
    return _checked(lines[0] if lines else "", f"what {program} printed", who)


def _checked(text: str, place: str, who: str) -> str:
    token = text.strip()
    if not token:
        raise BadSettings(f"The token of {who} is missing: {place} is empty.")
    if not token.isascii() or not token.isprintable() or " " in token:
        # It would not fit into a header, and the error about that would repeat it.
        raise BadSettings(
            f"The token of {who} is no token: {place} holds blanks or odd characters."
        )
    return token
