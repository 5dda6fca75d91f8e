"""Puts the parts together: settings in, a wing opened when it is first asked for, one clock."""

from craftsync.app.stored import utc_now
from craftsync.app.works import App, SyncReport

__all__ = ["App", "SyncReport", "utc_now"]
