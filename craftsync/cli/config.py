"""`craftsync config`: the settings in force, and a file to start from."""

import os
from pathlib import Path

import click

from craftsync.cli import formats, options, say, streams
from craftsync.cli.formats import How
from craftsync.errors import Usage
from craftsync.settings import FILE_NAME, Settings

TEMPLATE = """\
# Settings of craftsync, with their defaults. A flag or a variable (CRAFTSYNC_SYNC_WORKERS for
# [sync] workers) overrides them; `craftsync config show` tells where each value comes from.

# A path, or the URL of SQLite or PostgreSQL.
# store = "history.db"

# One section for each environment; [environments.prod] is called prod.
# [environments.prod]
# url = "https://acme-prod.example"
# control_url = "https://mlops-platform.craft.ai"
# token_env = "CRAFT_PROD_TOKEN"       # or token_file, or token_command; never the token itself

[sync]
# workers = 16
# settle = "1h"
# max_file_bytes = 104857600

[redact]
# environment_values = true
# constants = false
# patterns = []                        # regular expressions, replaced in values and log lines

[purge]
# enabled = false
# max_deletes = 100
# max_share = 0.2
# keep_last = 20
# keep_last_success = true
# protect_pipelines = []               # whole names, whatever their case; no patterns
# protect_deployments = []
# plan_expiry = "24h"
# token_env = ""                       # a second token that alone may delete
"""


@click.group()
def config() -> None:
    """Show the settings, or start a file of them."""


@config.command()
@options.settings
@options.printing
def show(settings: Settings, how: How) -> None:
    """Print every setting in force and where it comes from; secrets are masked.

    Example: craftsync config show --format json

    Ends with 0, 6 for settings that do not hold together.
    """
    columns = {"key": "text", "value": "text", "source": "text"}
    formats.rows(columns, settings.rows(), **how)


@config.command()
@options.common
def init() -> None:
    """Write a craftsync.toml to start from into this folder.

    Example: craftsync config init

    Ends with 0, 2 when there is one already or it cannot be written.
    """
    path = Path(FILE_NAME)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as template:
            template.write(TEMPLATE)
    except FileExistsError:
        raise Usage(
            f"There is a {FILE_NAME} here already; it stays as it is.", hint="craftsync config show"
        ) from None
    except OSError as flaw:
        raise streams.cannot_write(path, flaw) from flaw
    say.note(f"{path} is written: name an environment in it, then craftsync sync.")
