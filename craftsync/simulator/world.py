"""A make-believe platform: a seeded estate that ages, and everything a tester may do to it.

The same seed and the same calls give the same replies byte for byte. A world is safe to change from
one thread while a server answers from another.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from craftsync.simulator.accounts import Accounts
from craftsync.simulator.changes import Changes
from craftsync.simulator.clock import Clock, datetime_of
from craftsync.simulator.dice import uuid_of
from craftsync.simulator.estate import make_secrets
from craftsync.simulator.history import History
from craftsync.simulator.messages import Request, Response
from craftsync.simulator.plans import ENVIRONMENT_VARIABLES
from craftsync.simulator.population import populate
from craftsync.simulator.quirks import Quirks
from craftsync.simulator.requestlog import RequestLog
from craftsync.simulator.truth import Truth

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class World(Changes):
    """An estate of `executions` in `pipelines` pipelines at `now`, to be aged and changed.

    The clock stands still until `advance`; with `running` it starts at real time and follows it.
    `settled` gives an old and quiet world: all executions over for two days, no new ones. `lines`
    gives every execution exactly so many log lines. `pipelines` may name them; 0 is an empty
    environment.
    """

    def __init__(
        self,
        seed: int = 1,
        executions: int = 200,
        *,
        pipelines: int | Collection[str] = 12,
        now: datetime | None = None,
        running: bool = False,
        settled: bool = False,
        lines: int | None = None,
        quirks: Quirks | None = None,
        sdk_token: str | None = None,
        token_lifetime_s: float = 3600,
        environment_id: str | None = None,
        keep_requests: bool = True,
    ) -> None:
        clock = Clock(now or (datetime.now(UTC) if running else START), running=running)
        secrets = make_secrets(seed, ENVIRONMENT_VARIABLES, sdk_token)
        super().__init__(
            History(
                seed=seed,
                clock=clock,
                quirks=quirks or Quirks(),
                secrets=secrets,
                lines_each=lines,
            )
        )
        self.seed = seed
        self.environment_id = environment_id or uuid_of("environment", seed)
        self.accounts = Accounts(secrets.sdk_token, seed=seed, lifetime_s=token_lifetime_s)
        self.requests = RequestLog(keep=keep_requests)
        self.overrides: dict[tuple[str, str], Response] = {}
        self.denied: set[str] = set()
        populate(self.history, executions=executions, pipelines=pipelines, settled=settled)

    @property
    def quirks(self) -> Quirks:
        """Give the behaviours chosen for what nobody knows."""
        return self.history.quirks

    @property
    def now(self) -> datetime:
        """Tell the platform's time."""
        return datetime_of(self.history.clock.now_ms())

    @property
    def sdk_token(self) -> str:
        """Give the token that a client signs in with."""
        return self.accounts.sdk_token

    def advance(self, by: timedelta) -> None:
        """Let time pass: executions begin, print, end, and new ones appear."""
        with self.lock:
            self.history.clock.advance(by)

    def truth(self) -> Truth:
        """Give the true history as it is now."""
        return Truth(self.history, self.history.clock.now_ms())

    def secrets(self) -> tuple[str, ...]:
        """Give every value that must not be found in a mirror: tokens, passwords, variables."""
        history = self.history
        deployments = [*history.deployments.values(), *history.former_deployments]
        return (
            *history.secrets.all(),
            *self.accounts.tokens(),
            *history.spent_tokens,
            *(deployment.endpoint_token for deployment in deployments),
        )

    def expire_tokens(self) -> None:
        """Make every access token given out so far worthless."""
        self.accounts.expire_all()

    def override(self, method: str, path: str, response: Response) -> None:
        """Answer one request, named by its decoded path after `/api/v1`, with a raw response.

        Truth does not know of it. `restore` takes it back.
        """
        with self.lock:
            self.overrides[method, path] = response

    def restore(self, method: str, path: str) -> None:
        """Answer a request truly again."""
        with self.lock:
            self.overrides.pop((method, path), None)

    def deny(self, path: str) -> None:
        """Answer 403 to every request whose decoded path after `/api/v1` begins with `path`."""
        self.denied.add(path)

    def allow(self, path: str) -> None:
        """Take a `deny` back."""
        self.denied.discard(path)

    def is_denied(self, request: Request) -> bool:
        """Tell whether `deny` covers a request."""
        return bool(self.denied) and any(map(request.resource.startswith, self.denied))
