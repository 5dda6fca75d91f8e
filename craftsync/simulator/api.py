"""The platform: a request in, a response out, over a world. No sockets.

Control and environment are one host here: both live under `/api/v1`.
"""

import time

from craftsync.simulator import endpoints, reads, tellings, writes
from craftsync.simulator.accounts import Grant
from craftsync.simulator.desk import Call, Desk, Handler, Names, body_of
from craftsync.simulator.dice import uuid_of
from craftsync.simulator.messages import API, Refusal, Request, Response, json_response, not_found
from craftsync.simulator.world import World


def _refresh(call: Call) -> Response:
    sdk_token = body_of(call.request).get("refresh_token")
    token = call.desk.world.accounts.refresh(sdk_token, now_s=call.desk.now_ms // 1000)
    return json_response({"access_token": token})


def _vector_database(call: Call) -> Response:
    if call.names[0] != call.desk.world.environment_id:
        raise not_found("Environment", call.names[0])
    token = call.desk.world.secrets()[0][::-1]
    url = "https://vectors.example.org"
    return json_response({"vector_database_url": url, "vector_database_token": token})


ROUTES: dict[str, Handler] = {
    "POST auth/refresh": _refresh,
    "GET environments/*/vector-database": _vector_database,
    **reads.ROUTES,
    **tellings.ROUTES,
    **writes.ROUTES,
}
UNSIGNED = ("POST auth/refresh", "GET environment-info", "GET health")


class Platform:
    """Answer requests. Safe to call from any thread; one request at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.desk = Desk(world)
        self._answered = 0
        self._second = 0
        self._in_second = 0
        self._kept: dict[tuple[str, str], Response] = {}
        self._kept_while = self._state()

    def warm(self, *, executions: bool = False) -> None:
        """Render all lists beforehand; with `executions` every detail and log too, for benchmarks.

        What was rendered serves until the world changes or its clock moves.
        """
        with self.world.lock:
            history = self.desk.history
            token = f"Bearer {self.world.accounts.refresh(self.world.sdk_token, now_s=0)}"
            for name in history.pipelines:
                self.desk.listings.body(name, self.desk.now_ms)
            paths = [
                f"{API}/executions/{run.execution_id}" for run in history.runs(self.desk.now_ms)
            ]
            for path in paths if executions else ():
                for method, asked in (("GET", path), ("POST", f"{path}/logs")):
                    request = Request(method, asked, headers={"authorization": token}, body=b"{}")
                    self._kept[method, asked] = self._answer(request)
            self._kept_while = self._state()

    def _state(self) -> tuple[int, int]:
        return self.desk.now_ms, sum(self.desk.history.versions.values())

    def handle(self, request: Request) -> Response:
        """Answer one request, whatever it is."""
        with self.world.lock:
            self._answered += 1
            for watcher in self.world.requests.watchers:
                watcher(request)
            try:
                return self._answer(request)
            except Refusal as refusal:
                return refusal.response(uuid_of("request", self.world.seed, self._answered))

    def _answer(self, request: Request) -> Response:
        segments = request.segments
        if segments[:1] == ("endpoints",):
            return endpoints.answer(self.desk, request)
        if segments[:2] != ("api", "v1"):
            raise not_found("Route", request.path)
        self._keep_pace()
        key, names = _shape(request.method, segments[2:])
        handler = ROUTES.get(key)
        if key not in UNSIGNED:
            grant = self.world.accounts.recognise(request.headers.get("authorization"))
            self._authorise(request, grant)
        if self._kept and not request.query and request.body in (b"", b"{}"):
            kept = self._kept.get((request.method, request.path))
            if kept is not None and self._kept_while == self._state():
                return kept.copy()
        if self.world.overrides:
            override = self.world.overrides.get((request.method, request.resource))
            if override is not None:
                return override.copy()
        if handler is None or key.count("*") != len(names):
            raise not_found("Route", request.path)
        return handler(Call(self.desk, request, names))

    def _authorise(self, request: Request, grant: Grant) -> None:
        refused = request.method == "DELETE" and not grant.may_delete
        if refused or self.world.is_denied(request):
            raise Refusal(403, "ForbiddenException", "This token does not allow that")

    def _keep_pace(self) -> None:
        limit = self.world.quirks.rate_limit
        if limit is None:
            return
        second = int(time.monotonic())
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        if self._in_second > limit:
            raise Refusal(429, "TooManyRequestsException", "Too many requests", limit=limit)


def _shape(method: str, segments: Names) -> tuple[str, Names]:
    """Turn `executions/x/inputs/y` into `executions/*/inputs/*` and (`x`, `y`)."""
    match segments:
        case (kind, name):
            if _is_route(exact := f"{method} {kind}/{name}", name):
                return exact, ()
            return f"{method} {kind}/*", (name,)
        case (kind, name, part):
            if kind == "metrics":
                return f"{method} metrics/{name}/*", (part,)
            return f"{method} {kind}/*/{part}", (name,)
        case (kind, name, part, other):
            if _is_route(exact := f"{method} {kind}/*/{part}/{other}", other):
                return exact, (name,)
            return f"{method} {kind}/*/{part}/*", (name, other)
        case (kind, name, part, other, more):
            return f"{method} {kind}/*/{part}/*/{more}", (name, other)
    return f"{method} {'/'.join(segments)}", ()


def _is_route(route: str, last: str) -> bool:
    """Whether this is a route with `last` as its own word: something may be named `*`."""
    return "*" not in last and route in ROUTES
