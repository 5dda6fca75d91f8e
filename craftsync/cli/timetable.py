"""How cron and systemd are told to sync: the words of a run, quoted for each of them.

Neither gets a secret: what a run needs in variables it reads from a file of its user's.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from craftsync.errors import Usage
from craftsync.settings import FILE_NAME, Environment, Settings
from craftsync.settings.folders import config_folder
from craftsync.settings.schema import passwords_of, span_text

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVEN = (
    *(timedelta(minutes=n) for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(timedelta(hours=n) for n in (1, 2, 3, 4, 6, 8, 12, 24)),
)
"""Intervals after which an hour, or a day, begins anew with a run."""

_HANDED_ON = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CONFIG_HOME"),
)


def evenly(every: timedelta) -> timedelta:
    """Return an interval that cron can keep; raises `ValueError` with those near another one."""
    if every in EVEN:
        return every
    near = [max((one for one in EVEN if one < every), default=None)]
    near += [min((one for one in EVEN if one > every), default=None)]
    told = " or ".join(span_text(one) for one in near if one is not None)
    raise ValueError(f"cron cannot keep {span_text(every)}; it can keep {told}.")


@dataclass(frozen=True, slots=True)
class Run:
    """A sync as a machine begins it, with nothing of this shell around it.

    `variables` are the names of those it needs, `env_file` where it reads them, `folder` where it
    has to be: None where it needs none of them.
    """

    name: str
    what: str
    words: tuple[str, ...]
    variables: tuple[str, ...]
    env_file: Path | None
    folder: Path | None
    is_root: bool

    @classmethod
    def of(
        cls,
        settings: Settings,
        environments: Sequence[Environment],
        environ: Mapping[str, str],
        *,
        is_root: bool,
    ) -> Self:
        """Return the sync of these environments into the store in force."""
        names = [one.name for one in environments]
        words = [*_executable(), "sync"]
        for name in names:
            words += ["--env", name]
        variables = _variables(settings, environments, environ)
        if passwords_of(settings.store):
            variables.append("CRAFTSYNC_STORE")
        else:
            words += ["--store", settings.store]
        name = "-".join(names)
        home = None if is_root else config_folder(environ)
        files = Path("/etc/craftsync") if home is None else home / "craftsync"
        here = Path.cwd()
        return cls(
            name=name,
            what=f"{', '.join(names)} into {settings.sources['store'].value}",
            words=(*words, "-q", "--skip-if-busy"),
            variables=tuple(variables),
            env_file=files / f"{name}.env" if variables else None,
            folder=here if (here / FILE_NAME).exists() else None,
            is_root=is_root,
        )


def cron(run: Run, every: timedelta) -> str:
    """Write the line for crontab, below comments on what it needs."""
    minutes, hours = every // timedelta(minutes=1), every // HOUR
    if every < HOUR:
        when = f"*/{minutes} * * * *" if minutes > 1 else "* * * * *"
    elif every < DAY:
        when = f"0 */{hours} * * *" if hours > 1 else "0 * * * *"
    else:
        when = "0 0 * * *"
    steps = [f"cd {shlex.quote(str(run.folder))}"] if run.folder else []
    if run.env_file:
        steps += ["set -a", f". {shlex.quote(str(run.env_file))}"]
    line = " && ".join([*steps, f"exec {shlex.join(run.words)}"])
    if "\n" in line:
        raise Usage("A line of crontab cannot hold a path with a line break in it.")
    comments = [f"# craftsync: {run.what}; put it in place with: crontab -e", *_needs(run)]
    # cron would read a bare % as the end of the line.
    return "\n".join([*comments, f"{when}  {line.replace('%', chr(92) + '%')}", ""])


def systemd(run: Run, every: timedelta) -> str:
    """Write the service and the timer, each below a comment on where to put it."""
    unit = f"craftsync-{run.name}"
    folder = "/etc/systemd/system" if run.is_root else "~/.config/systemd/user"
    systemctl = "systemctl" if run.is_root else "systemctl --user"
    hours = every // HOUR
    if every < HOUR:
        when = f"*:0/{every // timedelta(minutes=1)}"
    else:
        when = f"00/{hours}:00" if every < DAY else "00:00"
    lines = [
        f"# {folder}/{unit}.service",
        *_needs(run),
        "[Unit]",
        f"Description=craftsync: {_plain(run.what)}",
        # A user's systemd has no such target.
        *(["Wants=network-online.target", "After=network-online.target"] if run.is_root else []),
        "",
        "[Service]",
        "Type=oneshot",
        "UMask=0077",
        *([f"WorkingDirectory={_plain(run.folder)}"] if run.folder else []),
        *([f"EnvironmentFile={_plain(run.env_file)}"] if run.env_file else []),
        f"ExecStart={' '.join(map(_quoted, run.words))}",
        "",
        f"# {folder}/{unit}.timer",
        "[Unit]",
        f"Description=craftsync: {_plain(run.what)}",
        "",
        "[Timer]",
        f"OnCalendar={when}",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
        f"# then: {systemctl} daemon-reload && {systemctl} enable --now {unit}.timer",
    ]
    if not run.is_root:
        lines.append("# and, to go on when you are logged out: loginctl enable-linger")
    return "\n".join([*lines, ""])


def _needs(run: Run) -> list[str]:
    if run.env_file is None:
        return []
    return [
        f"# {run.env_file} has to hold a line NAME=value for each of"
        f" {', '.join(run.variables)}, and mode 0600"
    ]


def _variables(
    settings: Settings, environments: Sequence[Environment], environ: Mapping[str, str]
) -> list[str]:
    """Name the variables that a run reads: settings, tokens, proxies."""
    found = [one.token_place for one in environments if one.token_key == "token_env"]
    for key, sourced in settings.sources.items():
        source = sourced.source
        if isinstance(source, str) and source not in ("default", "flag"):
            found += [] if key == "store" or key.startswith("purge.") else [source]
    for name in _HANDED_ON:
        found += [spelled for spelled in (name, name.lower()) if environ.get(spelled)]
    return list(dict.fromkeys(found))


def _executable() -> list[str]:
    """Return the words that start this very craftsync, from any folder."""
    started = Path(sys.argv[0])
    beside = Path(sys.executable).with_name("craftsync")
    for path in (started, beside):
        if path.name == "craftsync" and path.is_file() and os.access(path, os.X_OK):
            return [os.path.abspath(path)]  # noqa: PTH100 - a link stays what it is
    found = shutil.which("craftsync")
    return [found] if found else [sys.executable, "-m", "craftsync"]


def _plain(value: object) -> str:
    """Write a value that systemd takes to the end of the line."""
    text = str(value)
    if "\n" in text:
        raise Usage("A unit of systemd cannot hold a path with a line break in it.")
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """Write one word of a command line for systemd, which knows $ and % everywhere."""
    text = _plain(word).replace("$", "$$")
    if text and not set(text) & set(" \t\"'\\;"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
