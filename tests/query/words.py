"""Say a command of ours in a process of its own."""

import os

from warm import craftsync

PATHS = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}

__all__ = ["PATHS", "craftsync"]
