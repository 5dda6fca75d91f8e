"""The user's own folders, by the XDG rules; None where there is no place for them."""

from collections.abc import Mapping
from pathlib import Path


def home(environ: Mapping[str, str]) -> Path | None:
    """Return the user's folder, None when there is none, as for a service account under cron."""
    stated = environ.get("HOME", "")
    return Path(stated) if stated.startswith("/") else None


def data_folder(environ: Mapping[str, str]) -> Path | None:
    """Return `$XDG_DATA_HOME` or its default; a relative one does not count, says XDG."""
    return _xdg(environ, "XDG_DATA_HOME", ".local/share")


def config_folder(environ: Mapping[str, str]) -> Path | None:
    """Return `$XDG_CONFIG_HOME` or its default; a relative one does not count, says XDG."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config")


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Return `$XDG_CACHE_HOME` or its default; a relative one does not count, says XDG."""
    return _xdg(environ, "XDG_CACHE_HOME", ".cache")


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path | None:
    stated = environ.get(variable, "")
    if stated.startswith("/"):
        return Path(stated)
    folder = home(environ)
    return None if folder is None else folder / default
