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

    For bash, in ~/.bashrc: eval "$(craftsync completion bash)"
    """
    complete = get_completion_class(shell)
    if complete is not None:
        script = complete(ctx.find_root().command, {}, "craftsync", "_CRAFTSYNC_COMPLETE")
        streams.out(script.source())
