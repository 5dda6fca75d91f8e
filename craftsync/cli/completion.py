"""`craftsync completion`: what makes a shell complete our words."""

import click
from click.shell_completion import get_completion_class

from craftsync.cli import options, streams


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options.common
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete our words.

    The names of questions and of their parameters are among them.

    \b
    For bash, in ~/.bashrc:   eval "$(craftsync completion bash)"
    For zsh, in ~/.zshrc:     eval "$(craftsync completion zsh)"
    For fish:
      craftsync completion fish > ~/.config/fish/completions/craftsync.fish

    Example: craftsync completion bash

    Ends with 0, 2 for another shell.
    """  # noqa: D301 - of click's mark for lines that stay as they are
    complete = get_completion_class(shell)
    if complete is not None:
        script = complete(ctx.find_root().command, {}, "craftsync", "_CRAFTSYNC_COMPLETE")
        streams.out(script.source())
