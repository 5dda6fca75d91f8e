"""`python -m craftsync`."""

from craftsync.cli import main

main(prog_name="craftsync")
