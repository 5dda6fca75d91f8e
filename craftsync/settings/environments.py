"""The environments of the platform; a token is looked for when it is needed, and never kept."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from craftsync.errors import BadSettings
from craftsync.settings.files import open_note, too_open
from craftsync.settings.levels import Found, Level, first
from craftsync.settings.schema import NO_VARIABLE, KeyPath, is_variable
from craftsync.settings.tokens import token_in_file, token_in_variable, token_of_command
from craftsync.settings.words import Forgive, Note, Sourced, listed

CONTROL_URL = "https://mlops-platform.craft.ai"

_TOKEN_KEYS = ("token_env", "token_file", "token_command")
_OFFICIAL = {
    "url": "CRAFT_AI_ENVIRONMENT_URL",
    "control_url": "CRAFT_AI_CONTROL_URL",
    "token_env": "CRAFT_AI_SDK_TOKEN",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of the platform. URLs carry no slash at their end."""

    name: str
    url: str
    control_url: str
    token_key: str
    token_place: str = field(repr=False)
    remember: Callable[[str], None] = field(repr=False, compare=False)
    sourced: Mapping[str, Sourced] = field(repr=False, compare=False)

    def token(self, environ: Mapping[str, str]) -> str:
        """Return the SDK token; raises `BadSettings` when its place holds none."""
        who = f"environment {self.name}"
        if self.token_key == "token_env":
            token = token_in_variable(self.token_place, environ, who=who)
        elif self.token_key == "token_file":
            token = token_in_file(Path(self.token_place), who=who)
        else:
            token = token_of_command(self.token_place, environ, who=who)
        self.remember(token)
        return token


def tokens_of(
    environments: Sequence[Environment], environ: Mapping[str, str]
) -> dict[str, str | BadSettings]:
    """Take the token of each environment; of several one that has none fails alone.

    Raises `BadSettings` where the only one has none.
    """
    tokens: dict[str, str | BadSettings] = {}
    for one in environments:
        try:
            tokens[one.name] = one.token(environ)
        except BadSettings as flaw:
            if len(environments) == 1:
                raise
            tokens[one.name] = flaw
    return tokens


def gather(
    levels: Sequence[Level],
    environ: Mapping[str, str],
    cwd: Path,
    notes: list[Note],
    remember: Callable[[str], None],
    forgive: Forgive,
) -> dict[str, Environment]:
    """Return the configured environments, those of the last level first, each in its own order.

    Without any, the official client's own variables make one called `default`; with some, these
    variables are ignored, which is worth a note.
    """
    names = dict.fromkeys(name for level in reversed(levels) for name in level.environment_names())
    if names:
        environments = {}
        for name in names:
            try:
                environments[name] = _environment(name, levels, notes, remember)
            except BadSettings as flaw:
                forgive(flaw)
        read = {one.token_place for one in environments.values() if one.token_key == "token_env"}
        ignored = [name for name in _OFFICIAL.values() if environ.get(name) and name not in read]
        if ignored:
            verb = "is" if len(ignored) == 1 else "are"
            notes.append(Note(f"{listed(ignored)} {verb} ignored: environments are configured."))
        return environments
    if not environ.get(_OFFICIAL["url"]):
        return {}
    values: dict[KeyPath, object] = {
        ("environments", "default", "url"): environ[_OFFICIAL["url"]],
        ("environments", "default", "token_env"): _OFFICIAL["token_env"],
    }
    if environ.get(_OFFICIAL["control_url"]):
        values["environments", "default", "control_url"] = environ[_OFFICIAL["control_url"]]
    official = Level(values, lambda path: _OFFICIAL[path[-1]], cwd)
    try:
        return {"default": _environment("default", [official], notes, remember)}
    except BadSettings as flaw:
        forgive(flaw)
        return {}


def _environment(
    name: str, levels: Sequence[Level], notes: list[Note], remember: Callable[[str], None]
) -> Environment:
    sourced: dict[str, Sourced] = {}

    def url(key: str, default: str | None = None) -> str:
        found = first(("environments", name, key), levels)
        if found is None and default is None:
            raise _flaw_of(name, levels, f"has no {key}.")
        text, source = (default or "", "default") if found is None else (found.value, found.origin)
        text = str(text).strip().rstrip("/")
        if found is not None and (flaw := _flaw_in_url(text)):
            raise found.flaw(f"environments.{name}.{key}", flaw)
        sourced[f"environments.{name}.{key}"] = Sourced(text, source)
        return text

    address, control = url("url"), url("control_url", CONTROL_URL)
    key, found = _one_token(name, levels)
    place = str(found.value)
    if key == "token_env" and not is_variable(place):
        raise found.flaw(f"environments.{name}.{key}", NO_VARIABLE)
    if key == "token_file":
        place = str(found.place(place))
        _look_at(Path(place), notes)
    program = place.split(maxsplit=1)
    shown = f"{program[0]} ****" if key == "token_command" and len(program) > 1 else place
    sourced[f"environments.{name}.{key}"] = Sourced(shown, found.origin)
    return Environment(name, address, control, key, place, remember, sourced)


def _one_token(name: str, levels: Sequence[Level]) -> tuple[str, Found]:
    """Return the one place the first level that knows any names for the token, and its key."""
    for level in levels:
        given = [(key, level.get(("environments", name, key))) for key in _TOKEN_KEYS]
        places = [(key, found) for key, found in given if found and str(found.value).strip()]
        if len(places) > 1:
            raise places[-1][1].flaw(
                f"environments.{name}",
                f"is one too many: give one of {listed(_TOKEN_KEYS, 'or')}.",
            )
        if places:
            return places[0]
    raise _flaw_of(name, levels, "has no token.", hint=f"Give {listed(_TOKEN_KEYS, 'or')}.")


def _flaw_of(
    name: str, levels: Sequence[Level], sentence: str, *, hint: str | None = None
) -> BadSettings:
    """Return an error about what is missing, pointing at where the environment begins."""
    for level in reversed(levels):
        path = next((path for path in level.values if path[:2] == ("environments", name)), None)
        found = level.get(path) if path else None
        if found is not None:
            return BadSettings(f"{found.origin}: environment {name} {sentence}", hint=hint)
    return BadSettings(f"The environment {name} {sentence}", hint=hint)


def _flaw_in_url(text: str) -> str | None:
    """Say what is wrong with the address of an environment, None for nothing.

    The sentence does not repeat the address: it may hold a password.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL."
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f\x7f]", text):
        return "must be a URL that starts with https:// and names a host."
    if "@" in parts.netloc:
        return "must not hold a user or a password: a token has a place of its own."
    if parts.query or parts.fragment:
        return "must end before ? and #."
    if parts.scheme == "http" and not _is_loopback(host):
        return "must start with https://: a token goes over http:// to loopback alone."
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _look_at(path: Path, notes: list[Note]) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:  # told when the token is needed
        return
    if too_open(mode):
        notes.append(open_note(path, mode))
