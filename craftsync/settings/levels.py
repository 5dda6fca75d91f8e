"""The places settings come from, each read into one flat level: path of the key -> value."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from craftsync.errors import BadSettings, Usage
from craftsync.settings.files import File, FileOrigin
from craftsync.settings.folders import home
from craftsync.settings.schema import KEYS, Key, KeyPath
from craftsync.settings.words import Forgive, nearest

ENVIRONMENT_KEYS = ("url", "control_url", "token_env", "token_file", "token_command")

_PREFIX = "CRAFTSYNC_"
_SECTIONS = (
    *dict.fromkeys(f"{key.path[0].upper()}_" for key in KEYS if len(key.path) > 1),
    "ENVIRONMENTS_",
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Found:
    """A value somebody set, where, and the folder a relative path in it starts from."""

    value: object
    origin: object
    level: "Level"

    def read_by(self, key: Key) -> Any:
        """Return the checked value; raises `BadSettings`, or `Usage` for a flag."""
        try:
            is_text = self.level.textual and isinstance(self.value, str)
            value = key.check(key.parse(str(self.value)) if is_text else self.value)
        except ValueError as flaw:
            raise self.flaw(key.name, f"{flaw}".rstrip(".") + ".", hint=key.hint) from None
        if key.path == ("store",) and "://" not in value:
            return str(self.place(value))
        return value

    def place(self, text: str) -> Path:
        """Return a path of the user's, absolute; `~` is their folder."""
        if text.startswith("~/") and self.level.home is not None:
            return self.level.home / text[2:]
        return self.level.base / text

    def flaw(self, name: str, sentence: str, *, hint: str | None = None) -> BadSettings | Usage:
        """Return the error that says where the value stands."""
        match self.origin:
            case FileOrigin(file, path):
                return file.flaw(path, sentence, hint=hint)
            case "flag":
                return Usage(f"The value given for {name} {sentence}", hint=hint)
            case variable:
                return BadSettings(f"{variable} {sentence}", hint=hint)


@dataclass(frozen=True, slots=True)
class Level:
    """Everything one source sets. `textual` ones hold text that has to be parsed first."""

    values: Mapping[KeyPath, object]
    origin: Callable[[KeyPath], object]
    base: Path
    home: Path | None = None
    textual: bool = False

    def get(self, path: KeyPath) -> Found | None:
        """Return what this source says about `path`, None for nothing."""
        if self.values.get(path) is None:
            return None
        return Found(self.values[path], self.origin(path), self)

    def environment_names(self) -> Iterator[str]:
        """Yield the environments of this source, in its order, each once."""
        yield from dict.fromkeys(path[1] for path in self.values if path[0] == "environments")


def first(path: KeyPath, levels: Sequence[Level]) -> Found | None:
    """Return what the first of the levels that knows the key says about it."""
    found = (level.get(path) for level in levels)
    return next((one for one in found if one is not None), None)


def of_flags(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Level:
    """Return what the command line sets."""
    values = {tuple(name.split(".")): value for name, value in flags.items()}
    return Level(values, lambda _: "flag", cwd, home(environ), textual=True)


def of_file(file: File, environ: Mapping[str, str], forgive: Forgive) -> Level:
    """Return what a file sets; `forgive` is told of a key nobody knows."""
    values: dict[KeyPath, object] = {}
    known = {key.path for key in KEYS}
    sections = {path[0] for path in known if len(path) > 1}
    for name, value in file.document.items():
        if name == "environments":
            values.update(_environments_of(file, value, forgive))
        elif name in sections:
            if not isinstance(value, dict):
                forgive(file.flaw((name,), f"must be a section: [{name}]"))
                continue
            for key, inner in value.items():
                if (name, key) in known:
                    values[name, key] = inner
                else:
                    others = [path[1] for path in known if path[0] == name]
                    forgive(_unknown(file, (name, key), others))
        elif (name,) in known:
            values[name,] = value
        else:
            others = [*sections, *(path[0] for path in known), "environments"]
            forgive(_unknown(file, (name,), others))
    return Level(values, lambda path: FileOrigin(file, path), file.path.parent, home(environ))


def _environments_of(
    file: File, section: object, forgive: Forgive
) -> Iterator[tuple[KeyPath, object]]:
    if not isinstance(section, dict):
        forgive(file.flaw(("environments",), "must hold sections: [environments.NAME]"))
        return
    for name, keys in section.items():
        path = ("environments", name)
        if not isinstance(keys, dict):
            forgive(file.flaw(path, f"must be a section: [environments.{name}]"))
        elif not _NAME.fullmatch(name):
            forgive(file.flaw(path, "is no name: letters, digits, - and _, at most 64."))
        else:
            for key, value in keys.items():
                flaw = _flaw_in_key(file, (*path, key), value)
                if flaw is None:
                    yield (*path, key), value
                else:
                    forgive(flaw)


def _flaw_in_key(file: File, path: KeyPath, value: object) -> BadSettings | None:
    _, name, key = path
    if key == "token":
        return file.flaw(
            path,
            "is refused: a token does not belong in a settings file.",
            hint=f'token_env = "CRAFT_{name.upper().replace("-", "_")}_TOKEN",'
            " token_file or token_command. Revoke the token if others could read the file.",
        )
    if key not in ENVIRONMENT_KEYS:
        return _unknown(file, path, ENVIRONMENT_KEYS)
    return None if isinstance(value, str) else file.flaw(path, "must be text in quotes.")


def _unknown(file: File, path: KeyPath, known: Sequence[str]) -> BadSettings:
    return file.flaw(path, "is no setting.", hint=nearest(path[-1], known))


def of_variables(
    environ: Mapping[str, str], cwd: Path, files: Sequence[Level], forgive: Forgive
) -> Level:
    """Return what `CRAFTSYNC_…` variables set; an empty one sets nothing.

    `files` tell how environments are spelled. `forgive` is told of a variable that looks like a
    setting and is none, unless it is where a token is kept.
    """
    values: dict[KeyPath, object] = {}
    variables: dict[KeyPath, str] = {}
    settings = {key.variable: key.path for key in KEYS}
    names: dict[str, str] = {}
    for level in reversed(files):
        for name in level.environment_names():
            names[_in_variable(name)] = name
    kept = {
        str(value)
        for level in files
        for path, value in level.values.items()
        if path[-1] == "token_env"
    }
    kept |= {value for variable, value in environ.items() if variable.endswith("_TOKEN_ENV")}
    for variable, text in environ.items():
        rest = variable.removeprefix(_PREFIX)
        if not text or rest == variable or variable in kept:
            continue
        path = settings.get(variable)
        if path is None and rest.startswith("ENVIRONMENTS_"):
            path = _environment_path(rest.removeprefix("ENVIRONMENTS_"), names)
        if path is not None:
            values[path], variables[path] = text, variable
        elif rest.startswith(_SECTIONS):
            hint = _nearest_variable(variable, settings)
            forgive(BadSettings(f"{variable} is no setting.", hint=hint))
    return Level(values, variables.__getitem__, cwd, home(environ), textual=True)


def _environment_path(rest: str, names: Mapping[str, str]) -> KeyPath | None:
    """Read `PROD_CONTROL_URL`; the longest key wins, since a name may hold an underscore."""
    for key in sorted(ENVIRONMENT_KEYS, key=len, reverse=True):
        name = rest.removesuffix(f"_{key.upper()}")
        if name and name != rest:
            return ("environments", names.get(name, name.lower()), key)
    return None


def _in_variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _nearest_variable(variable: str, settings: Mapping[str, KeyPath]) -> str | None:
    if not variable.startswith(f"{_PREFIX}ENVIRONMENTS_"):
        return nearest(variable, settings)
    endings = ", ".join(f"_{key.upper()}" for key in ENVIRONMENT_KEYS)
    return f"After {_PREFIX}ENVIRONMENTS_ come the name of an environment and one of {endings}."
