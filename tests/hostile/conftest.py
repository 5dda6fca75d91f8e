"""What these share with the gates: an empty store made once, and a place for figures."""

from gates.conftest import figures, template, warmed

__all__ = ["figures", "template", "warmed"]
