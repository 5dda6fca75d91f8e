"""Plans of deletes: who may make them, of what, and whether one that was made still holds."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from craftsync.app.works import App as Works
from craftsync.errors import Refused, Usage

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from craftsync.purge.plan import Plan
    from craftsync.purge.planning import Maker
    from craftsync.purge.policy import Limits, Protection
    from craftsync.store.environments import EnvironmentRow

INSIDE_AN_EXECUTION = "CRAFT_AI_EXECUTION_ID"


@dataclass(frozen=True, slots=True)
class Planner(Works):
    """What makes and reads plans; nothing is asked of the platform."""

    def require_purge(self) -> None:
        """Refuse to delete where it is not enabled, or where a pipeline's own code runs."""
        if not self.settings.purge.enabled:
            raise Refused(
                "Deleting upstream is not enabled: nothing was deleted.",
                hint="Set enabled = true under [purge], or: export CRAFTSYNC_PURGE_ENABLED=true",
            )
        if self.environ.get(INSIDE_AN_EXECUTION):
            raise Refused(
                f"This is an execution of the platform ({INSIDE_AN_EXECUTION} is set), and none"
                " deletes: nothing was deleted.",
                hint=f"unset {INSIDE_AN_EXECUTION}",
            )

    def planning(
        self,
        conn: "Connection",
        environment: "EnvironmentRow",
        *,
        max_deletes: int | None = None,
    ) -> "Maker":
        """Return what makes plans for an environment, out of an open store."""
        from craftsync.purge.planning import Maker  # noqa: PLC0415 - a room of the works
        from craftsync.store import lock  # noqa: PLC0415 - a wing

        return Maker(
            conn,
            environment,
            self.purge_limits(max_deletes),
            self.protection(),
            self.settings.purge.plan_expiry,
            self.now(),
            partial(lock.is_held, self.url(), environment.name),
        )

    def environment_held(self, conn: "Connection", name: str | None) -> "EnvironmentRow":
        """Return the environment to work on: the one named, else the only one.

        Raises `Usage` where the store holds none of that name, or several and none is named, and
        `Refused` where it holds none at all: what is not held may not be deleted.
        """
        from craftsync.query import known  # noqa: PLC0415 - a room of the works
        from craftsync.store import environments, read  # noqa: PLC0415 - a wing

        names = read.environment_names(conn)
        if not names:
            raise Refused(
                "The store holds nothing yet, and nothing that is not held may be deleted.",
                hint="craftsync sync",
            )
        configured = [one for one in self.settings.environments if one in names]
        choice = [name] if name else configured if len(configured) == 1 else names
        if len(choice) > 1:
            raise Usage(
                f"The store holds several environments: {', '.join(names)}.",
                hint=f"Add --env {names[0]}",
            )
        row = environments.find(conn, choice[0])
        if row is None:
            raise known.no_environment(choice[0], names)
        return row

    def sealed(self, conn: "Connection", plan: "Plan") -> str:
        """Return a plan as it is written to a file."""
        from craftsync.purge import plan as plans  # noqa: PLC0415 - a room of the works
        from craftsync.store import environments  # noqa: PLC0415 - a wing

        return plans.write(plan, environments.identity(conn).fingerprint_key)

    def read_plan(self, conn: "Connection", text: bytes) -> "Plan":
        """Read a plan that was made from this store, for what it still is.

        Raises `Refused` for one that was changed, expired, or is of something else.
        """
        from craftsync.purge import plan as plans  # noqa: PLC0415 - a room of the works
        from craftsync.store import environments  # noqa: PLC0415 - a wing

        me = environments.identity(conn)
        plan = plans.read(text, me.fingerprint_key, store_id=me.store_id)
        row = environments.find(conn, plan.environment)
        if row is None or row.upstream_id != plan.upstream_id:
            raise Refused(
                f"The plan was made for another environment than {plan.environment} is now:"
                " nothing was deleted.",
                hint=plans.MAKE_ANOTHER,
            )
        plan.require_good(self.now())
        return plan

    def purge_limits(self, max_deletes: int | None = None) -> "Limits":
        """Return how much may go at once, by the settings; `max_deletes` overrides one of them."""
        from craftsync.purge.policy import Limits  # noqa: PLC0415 - a room of the works

        mine = self.settings.purge
        most = mine.max_deletes if max_deletes is None else max_deletes
        return Limits(most, mine.max_share, mine.keep_last, mine.keep_last_success)

    def protection(self) -> "Protection":
        """Return the names of which nothing is ever deleted."""
        from craftsync.purge.policy import Protection  # noqa: PLC0415 - a room of the works

        mine = self.settings.purge
        return Protection(mine.protect_pipelines, mine.protect_deployments)
