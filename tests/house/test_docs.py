"""What the documents say twice is held against the code."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import click
import pytest

from craftsync.cli import main
from craftsync.errors import EXIT_CODES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_exit_codes_of_the_readme_are_those_of_the_code():
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README, flags=re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert named >= {"demo", "test"}
    assert named <= targets


def reference():
    """The program that `make reference` runs."""
    spec = spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["relations", "commands"])
def test_the_reference_is_what_the_code_says(name):
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == getattr(reference(), name)(), "make reference writes it anew"


def test_no_help_shows_what_only_formats_it():
    assert not re.search(r"\\[a-z]\b|[\x00-\x09\x0b-\x1f]", reference().commands())


def test_every_column_of_the_reference_is_explained():
    assert "|  |" not in reference().relations()


def leaves(command, name=()):
    """Give every command that does something, with the words that name it."""
    if not isinstance(command, click.Group):
        yield " ".join(("craftsync", *name)), command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        yield from leaves(command.get_command(context, word), (*name, word))


@pytest.mark.parametrize(("name", "command"), [*leaves(main)], ids=str)
def test_the_help_of_every_command_has_an_example_and_its_exit_codes(name, command):
    told = " ".join(command.help.split())
    assert f"Example: {name}" in told
    assert re.search(r"Ends with (\d|what)", told)
