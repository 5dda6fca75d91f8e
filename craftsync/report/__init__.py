"""Tells what was found and done, in the forms that people and their other tools read."""
