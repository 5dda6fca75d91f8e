"""Deletes upstream what is proved to be here: decided, proved, done, written down."""
