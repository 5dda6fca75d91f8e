"""Mirroring: decide what to fetch, fetch it, save it."""
