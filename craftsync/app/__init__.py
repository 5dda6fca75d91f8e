"""Puts the parts together: settings in, a wing opened when it is first asked for, one clock."""

from craftsync.app.erasing import App
from craftsync.app.stored import utc_now
from craftsync.app.synced import SyncReport

__all__ = ["App", "SyncReport", "utc_now"]
