"""Write relations.md and commands.md from the code: `make reference`. A test holds them to it."""

from collections.abc import Iterator
from pathlib import Path

import click

from craftsync.cli import main as craftsync
from craftsync.store.relation import Relation
from craftsync.store.relations import PUBLIC

HERE = Path(__file__).parent
WIDTH = 92

RELATIONS = """\
# The relations

What craftsync mirrors, and what it did itself, as SQL views: the same names and columns in SQLite
and PostgreSQL. The tables behind them are private and change. Written by `make reference` from
`craftsync/store/relations.py`.

| kind | SQLite | PostgreSQL |
|---|---|---|
| text | TEXT | text |
| instant | TEXT, `YYYY-MM-DDTHH:MM:SS.ffffffZ` | timestamptz |
| boolean | 0, 1 | boolean |
| integer, bigint | INTEGER | integer, bigint |
| double | REAL | double precision |
| json | TEXT of valid JSON | text of valid JSON |

Times are UTC. What is unknown is NULL. An execution is known by (environment, execution_id,
created_at), for ids come back after a delete; its parts carry the same three.
"""

COMMANDS = """\
# The commands

What `--help` prints. Written by `make reference` from `craftsync/cli`.
"""


def relations() -> str:
    """Return relations.md."""
    return "\n".join([RELATIONS, *map(_relation, PUBLIC)])


def commands() -> str:
    """Return commands.md."""
    top = click.Context(
        craftsync, info_name="craftsync", terminal_width=WIDTH, **craftsync.context_settings
    )
    return "\n".join([COMMANDS, *_helps(craftsync, top)])


def main() -> None:
    """Write both files."""
    (HERE / "relations.md").write_text(relations(), encoding="utf-8")
    (HERE / "commands.md").write_text(commands(), encoding="utf-8")


def _relation(relation: Relation) -> str:
    rows = "\n".join(
        f"| `{name}` | {column.kind} | {column.about.replace('|', chr(92) + '|')} |"
        for name, column in relation.fields.items()
    )
    return (
        f"## {relation.name}\n\n{relation.about} Key: {', '.join(relation.order)}.\n\n"
        f"| column | kind | what it tells |\n|---|---|---|\n{rows}\n"
    )


def _helps(command: click.Command, ctx: click.Context) -> Iterator[str]:
    level = "#" * (2 if ctx.parent is None or ctx.parent.parent is None else 3)
    yield f"{level} {ctx.command_path}\n\n```text\n{ctx.get_help().rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None:
                yield from _helps(inner, click.Context(inner, info_name=name, parent=ctx))


if __name__ == "__main__":
    main()
