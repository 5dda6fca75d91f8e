"""Reports: one frozen value about a period, of which every form of it is made."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from craftsync.app.asking import Asking
from craftsync.errors import Usage

if TYPE_CHECKING:
    from craftsync.report.model import Report

USUAL = timedelta(days=7)


class Reporting(Asking):
    """What reports on the whole history."""

    __slots__ = ()

    def report(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        environment: str | None = None,
        pipeline_name: str | None = None,
        refresh: bool = True,
    ) -> "Report":
        """Report on what ran from `since` to before `until`: None is a week before, and now.

        Raises `Usage` for an environment or a pipeline that is not held and an empty period,
        `StoreUnusable` when there is no store or it cannot be read.
        """
        from craftsync.report import build, calendar  # noqa: PLC0415 - a room of the works

        until = self.now() if until is None else until
        since = calendar.back(until, USUAL) if since is None else since
        if until <= since:
            raise Usage("The period is empty: --until has to lie after --since.")
        with self.asking(refresh=refresh) as session:
            return build.build(
                session,
                since=since,
                until=until,
                environment=environment,
                pipeline_name=pipeline_name,
            )

    def report_page(
        self, report: "Report", *, tz: tzinfo | None, clean: Callable[[str], str]
    ) -> str:
        """Return a report as one page for a browser; see `report.html.page`."""
        from craftsync.report import html  # noqa: PLC0415 - a room of the works, with templates

        return html.page(report, tz=tz, clean=clean)
