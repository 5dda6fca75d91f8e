"""`craftsync status`: how fresh, how much, what is pending or in doubt."""

from datetime import timedelta

import click

from craftsync.app import App
from craftsync.cli import formats, freshness, options
from craftsync.cli.formats import How
from craftsync.errors import Crossed


@click.command()
@options.app
@options.duration("--max-age", help="End with 5 when older than this. Default: any age will do.")
@options.printing
def status(app: App, max_age: timedelta | None, how: How) -> None:
    """Say how fresh and how complete the store is.

    Of what fails, and of deletes in doubt, it says since when.

    Example: craftsync status --max-age 2h

    Ends with 0, 5 when an environment's last complete run is older than --max-age, 8 when there
    is no store or it cannot be read.
    """
    found = app.status()
    if how["format"] == "table":
        freshness.show(found, now=app.now(), tz=how["tz"])
    else:
        formats.one(freshness.promised(found), **how)
    if max_age is not None:
        _refuse_older(found["environments"], max_age)


def _refuse_older(environments: list[dict[str, object]], max_age: timedelta) -> None:
    limit_s = max_age.total_seconds()
    for one in environments or [{"environment": "the store", "age_s": None}]:
        age = one["age_s"]
        if not isinstance(age, int | float) or abs(age) > limit_s:
            if not isinstance(age, int | float):
                said = "was never mirrored completely"
            elif age < 0:
                said = f"was last mirrored {-age:,.0f} s ahead of this machine's clock"
            else:
                said = f"is {age:,.0f} s old"
            raise Crossed(
                f"{one['environment']} {said}; --max-age is {limit_s:,.0f} s.",
                hint=f"craftsync sync --env {one['environment']}"
                if environments
                else "craftsync sync",
            )
