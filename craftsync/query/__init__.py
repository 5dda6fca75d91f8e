"""Answers over the mirrored history."""
