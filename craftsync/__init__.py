"""craftsync: an offline mirror of the Craft AI platform's execution history."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from craftsync.app.history import History

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(store: "str | Path | None" = None, *, refresh: bool = True) -> "History":  # noqa: A001 - as one opens a file
    """Open the history to ask it questions: `store` is a path or URL, else the settings say.

    Without `refresh` the answers come from the replica as it is. Raises `BadSettings` for settings
    that cannot be read; a store that is not there is told when a question is asked.
    """
    from craftsync.app import history  # noqa: PLC0415 - the API opens the house

    return history.open_history(store, refresh=refresh)
