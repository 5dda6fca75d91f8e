"""Faults by kind and rate: which request is hit depends on the seed and on what is asked.

The nth time that one URL is asked for has the same fate in every run, whatever the order in which
a client's threads ask.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Self

from craftsync.simulator.api import Platform
from craftsync.simulator.delivery import Delivery
from craftsync.simulator.dice import key_of, roll, share
from craftsync.simulator.messages import Request
from craftsync.simulator.ordeals import ORDEALS
from craftsync.simulator.terms import UNTOUCHED, Plight, Terms

REFUSED = "connect_refused"
KINDS = (REFUSED, *ORDEALS)
_SIGN_IN = ("/api/v1/auth/refresh", "/api/v1/environment-info", "/api/v1/health")


@dataclass(slots=True)
class _Order:
    kind: str
    method: str
    path: str
    times: int


class Faults:
    """Hit a share of requests; with `only` just those for which it holds.

    `Faults(seed=1, rates={"reset_before": 0.2, "500": 0.1})`. Signing in and the environment's id
    are spared unless `spare_sign_in` is false. What each kind does is told in `ordeals`; beside
    them `connect_refused` closes new connections at once, and then every answer ends its
    connection, so that each request has to make a new one.
    """

    def __init__(
        self,
        seed: int = 1,
        rates: Mapping[str, float] | None = None,
        *,
        only: Callable[[Request], bool] | None = None,
        spare_sign_in: bool = True,
        retry_after: str = "1",
        drip_s: float = 10,
        slow_s: float = 2,
        stale_s: float = 300,
        redirect_to: str = "http://127.0.0.1:9",
    ) -> None:
        self.rates = dict(rates or {})
        for kind in self.rates:
            _known(kind)
        self.hits: Counter[str] = Counter()
        self.active = True
        self._seed = seed
        self._only = only
        self._spared = _SIGN_IN if spare_sign_in else ()
        self._asked: Counter[tuple[str, str, str]] = Counter()
        self._orders: list[_Order] = []
        self._terms = Terms(
            retry_after=retry_after,
            drip_s=drip_s,
            slow_s=slow_s,
            stale_s=stale_s,
            redirect_to=redirect_to,
        )

    @classmethod
    def parse(cls, text: str, *, seed: int = 1) -> Self:
        """Read `kind:rate,kind:rate`; raises ValueError that says what is wrong."""
        rates = {}
        for part in filter(None, text.split(",")):
            kind, colon, rate = part.strip().partition(":")
            try:
                rates[_known(kind)] = float(rate) if colon else 0.1
            except ValueError as error:
                raise ValueError(f"{part.strip()}: {error}") from None
            if not 0 <= rates[kind] <= 1:
                raise ValueError(f"{part.strip()}: a rate lies between 0 and 1")
        return cls(seed, rates)

    def once(self, kind: str, *, method: str = "*", path: str = "*", times: int = 1) -> None:
        """Hit the next `times` requests whose raw path matches a shell pattern, signing in too."""
        self._orders.append(_Order(_known(kind), method, path, times))

    def terms(self, **changes: Any) -> None:
        """Change `retry_after`, `drip_s`, `slow_s`, `stale_s` or `redirect_to`."""
        self._terms = replace(self._terms, **changes)

    def refuses(self, connection: int) -> bool:
        """Tell whether the nth connection is closed as soon as it is made."""
        ordered = self._ordered(None) if self.active else None
        refused = ordered is not None or (
            self.active
            and share(roll(key_of("fault", self._seed, REFUSED), connection), 0)
            < self.rates.get(REFUSED, 0)
        )
        self.hits[REFUSED] += refused
        return refused

    def deliver(self, request: Request, platform: Platform) -> Delivery:
        """Answer a request, truly or otherwise."""
        delivery = self._hit(request, platform) if self.active else None
        if delivery is None:
            delivery = Delivery(platform.handle(request))
        delivery.close = delivery.close or REFUSED in self.rates
        return delivery

    def _hit(self, request: Request, platform: Platform) -> Delivery | None:
        ordered = self._ordered(request)
        if ordered is not None:
            return self._apply(ordered, request, platform)
        if request.path in self._spared or (self._only is not None and not self._only(request)):
            return None
        asked = (request.method, request.path, request.query)
        self._asked[asked] += 1
        for kind, rate in self.rates.items():
            drawn = roll(key_of("fault", self._seed, kind, *asked), self._asked[asked])
            if kind != REFUSED and share(drawn, 0) < rate:
                delivery = self._apply(kind, request, platform)
                if delivery is not None:
                    return delivery
        return None

    def _apply(self, kind: str, request: Request, platform: Platform) -> Delivery | None:
        delivery = ORDEALS[kind](Plight(request, platform, self._terms))
        if delivery is not None:
            hit = delivery.fault != UNTOUCHED
            delivery.fault = kind if hit else None
            self.hits[kind] += hit
        return delivery

    def _ordered(self, request: Request | None) -> str | None:
        """Take the first order that fits; without a request, one to refuse a connection."""
        for order in self._orders:
            if request is None:
                fits = order.kind == REFUSED
            else:
                fits = order.kind != REFUSED and (
                    fnmatchcase(request.method, order.method)
                    and fnmatchcase(request.path, order.path)
                )
            if fits:
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
                return order.kind
        return None


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")
    return kind
