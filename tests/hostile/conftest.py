"""What these share with the gates: a place for figures, and calm for those who fork."""

from gates.conftest import figures, warmed

__all__ = ["figures", "warmed"]
