"""The settings in force for this command line, in this folder."""

import os
from pathlib import Path
from typing import Any

import click

from craftsync import settings as all_settings
from craftsync.cli import manner, safe_text, say
from craftsync.errors import BadSettings
from craftsync.settings import Settings


def settings() -> Settings:
    """Load the settings, and say what is odd about them."""
    found = all_settings.load(**_sources())
    for note in found.notes:
        say.warning(note.sentence, hint=note.hint)
    return found


def settings_with_flaws() -> tuple[Settings, list[BadSettings]]:
    """Load the settings as far as they can be read, and tell what is wrong with the rest."""
    flaws: list[BadSettings] = []
    return all_settings.load(**_sources(), forgive=flaws.append), flaws


def _sources() -> dict[str, Any]:
    try:
        cwd = Path.cwd()
    except OSError as flaw:
        raise BadSettings("The folder this command runs in is gone.", hint="cd ~") from flaw
    return {
        "flags": manner.flags(click.get_current_context()),
        "environ": os.environ,
        "cwd": cwd,
        "remember": safe_text.remember,
    }
