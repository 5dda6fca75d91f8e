"""craftsync: an offline mirror of the Craft AI platform's execution history."""

__version__ = "0.1.0"
