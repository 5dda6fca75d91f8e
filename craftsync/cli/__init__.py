"""The door: the group of all commands, loaded when named, and the one place that catches.

However a command ends, it ends with a code of the contract: see `craftsync.errors`. Help needs
nothing but click.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from traceback import walk_tb
from typing import Any, NamedTuple, NoReturn

import click

from craftsync import __version__
from craftsync.cli import manner, say, streams
from craftsync.errors import CraftsyncError, Interrupted, Refused, Usage

_INTERRUPTED = "interrupted"
_SAVED = "; what was saved stays, and it is safe to run again"
_STOPPED = "Query interrupted"  # what DuckDB makes of a KeyboardInterrupt


class Lazy(NamedTuple):
    """A command that is imported when it is named."""

    module: str
    attribute: str
    short_help: str


COMMANDS: Mapping[str, Lazy] = {
    "demo": Lazy("craftsync.cli.demo", "demo", "Try it all on a make-believe platform."),
    "simulate": Lazy(
        "craftsync.cli.simulate", "simulate", "Serve the make-believe platform until interrupted."
    ),
    "sync": Lazy("craftsync.cli.sync", "sync", "Bring the store up to date with the platform."),
    "status": Lazy(
        "craftsync.cli.status", "status", "Say how fresh and how complete the store is."
    ),
    "doctor": Lazy("craftsync.cli.doctor", "doctor", "Check settings, platform, store and disk."),
    "verify": Lazy(
        "craftsync.cli.verify", "verify", "Fetch executions again and compare them with the store."
    ),
    "show": Lazy("craftsync.cli.show", "show", "Show one execution or deployment whole."),
    "logs": Lazy("craftsync.cli.logs", "logs", "Print the log of an execution."),
    "deployments": Lazy("craftsync.cli.deployments", "deployments", "List the deployments."),
    "runs": Lazy("craftsync.cli.runs", "runs", "List executions, the newest first."),
    "purge": Lazy(
        "craftsync.cli.purge", "purge", "Delete upstream what is old enough, and proved to be here."
    ),
    "delete": Lazy(
        "craftsync.cli.delete",
        "delete",
        "Delete executions or a deployment upstream, proved to be here.",
    ),
    "diff": Lazy("craftsync.cli.diff", "diff", "Compare two executions."),
    "io": Lazy("craftsync.cli.io", "io", "Get inputs and outputs: one, a table, or to run again."),
    "search": Lazy("craftsync.cli.search", "search", "Find text in all log lines."),
    "query": Lazy("craftsync.cli.query", "query", "Ask a named question, or list them."),
    "sql": Lazy("craftsync.cli.sql", "sql", "Ask anything of the history, in SQL."),
    "export": Lazy("craftsync.cli.export", "export", "Give the history to other engines."),
    "report": Lazy(
        "craftsync.cli.report", "report", "Report on a period, beside the one before it."
    ),
    "db": Lazy("craftsync.cli.db", "db", "Look after the store."),
    "schedule": Lazy(
        "craftsync.cli.schedule", "schedule", "Print what makes a machine sync by itself."
    ),
    "config": Lazy("craftsync.cli.config", "config", "Show the settings, or start a file of them."),
    "completion": Lazy(
        "craftsync.cli.completion", "completion", "Print what makes a shell complete our words."
    ),
}
SAVING = frozenset({"demo", "sync", "verify", "purge", "delete", "export", "db"})


class Door(click.Group):
    """Turn every way to end into a message and a code of the contract.

    `table` holds the commands that are loaded when named, in the order in which help lists them.
    """

    def __init__(self, *args: Any, table: Mapping[str, Lazy] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, without loading one."""
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(
            import_module(self.table[cmd_name].module), self.table[cmd_name].attribute
        )
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands from the table."""
        rows = [(name, lazy.short_help) for name, lazy in self.table.items()]
        for name, command in self.commands.items():
            rows.append((name, command.get_short_help_str()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run one command and leave with its exit code."""
        kwargs["standalone_mode"] = False
        words = kwargs.get("args", args[0] if args else None)
        with streams.steady():
            say.begin(as_json=_wants_json(sys.argv[1:] if words is None else words))
            try:
                code = self._end(*args, **kwargs)
            except KeyboardInterrupt:  # once more, while the first was being answered
                code = Interrupted.exit_code
        sys.exit(code)

    def _end(self, *args: Any, **kwargs: Any) -> int:
        """Run one command and say how it ended; returns its exit code."""
        try:
            code = super().main(*args, **kwargs)
        except Interrupted as error:
            say.interrupted(f"craftsync: {error}")
            return error.exit_code
        except CraftsyncError as error:
            say.failure(error)
            return error.exit_code
        except click.ClickException as error:  # the user's words: an option, a name, a value
            _explain(error)
            return Usage.exit_code
        except click.Abort as abort:
            return _aborted(abort)
        except Exception as error:
            say.bug(error)
            return 1
        return code if isinstance(code, int) else 0

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the words before the command; help is printed here."""
        with _answered():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader who has seen enough is no failure."""
        with _answered(ctx):
            code = super().invoke(ctx)
            if isinstance(code, int):
                ctx.exit(code)
            return code


@contextmanager
def _answered(ctx: click.Context | None = None) -> Iterator[None]:
    """Answer what click would turn into 1: Ctrl-C, a broken pipe, a full disk behind stdout."""
    try:
        try:
            yield
        except BaseException as ending:
            if not (isinstance(ending, click.exceptions.Exit) and ending.exit_code == 0):
                _last_words()
            raise
        finally:
            streams.flush()
    except (KeyboardInterrupt, RuntimeError) as ending:
        if isinstance(ending, RuntimeError) and str(ending) != _STOPPED:
            raise
        saves = ctx is not None and ctx.invoked_subcommand in SAVING
        raise Interrupted(_INTERRUPTED + _SAVED * saves) from None
    except BrokenPipeError:
        streams.silence()
        raise click.exceptions.Exit(0) from None
    except OSError as flaw:
        if not _echoed(flaw):
            raise
        streams.silence()
        raise streams.cannot_write("Standard output", flaw) from flaw


def _echoed(flaw: OSError) -> bool:
    """Whether it was click that could not write, as it does with help."""
    frames = list(walk_tb(flaw.__traceback__))
    return bool(frames) and frames[-1][0].f_code is click.echo.__code__


def _last_words() -> None:
    """Bring out what is written; an end that says more than 0 stands, whether or not this works."""
    with streams.after_work():
        pass


def _aborted(abort: click.Abort) -> int:
    """Tell the three ways apart that click calls an abort."""
    match abort.__cause__:
        case None:  # no answer at a prompt
            say.error("Not confirmed: nothing was changed.")
            return Refused.exit_code
        case KeyboardInterrupt():
            say.interrupted(f"craftsync: {_INTERRUPTED}")
            return Interrupted.exit_code
        case flaw:  # an end of file that nobody expected
            say.bug(flaw)
            return 1


def _explain(error: click.ClickException) -> None:
    """Say what click found wrong, in our manner."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say.problem(error.message)
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = error.format_message().replace("\n\t", " ")  # click's list of what to choose from
    say.error(message, f"{context.command_path} --help" if context else None)


def _wants_json(words: list[str]) -> bool:
    """Whether errors are for machines: it has to be known before the words are understood."""
    return "--log-format=json" in words or ("--log-format", "json") in pairwise(words)


@click.group(
    cls=Door,
    table=COMMANDS,
    name="craftsync",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@manner.options
@click.version_option(__version__, prog_name="craftsync", message="%(prog)s %(version)s")
def main() -> None:
    """Keep an offline mirror of the Craft AI platform's execution history.

    Ask it questions in SQL, print reports, and delete upstream only what is proved to be here.
    """
