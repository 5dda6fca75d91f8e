"""Who may sign in: SDK tokens, and the access tokens given out for them.

An access token is a JWT without signature; it ends after so many seconds of real time, whatever the
platform's clock says, since the client measures its life on its own clock too.
"""

import base64
import json
import time
from dataclasses import dataclass

from craftsync.simulator.dice import key_of, uuid_of
from craftsync.simulator.estate import USERS, user_id
from craftsync.simulator.messages import Refusal


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token's end in real time, and what it allows."""

    ends_s: float
    user: int
    may_delete: bool


class Accounts:
    """Give out access tokens and recognise them."""

    def __init__(self, sdk_token: str, *, seed: int, lifetime_s: float) -> None:
        self.sdk_token = sdk_token
        self.lifetime_s = lifetime_s
        self._seed = seed
        self._sdk_tokens: dict[str, bool] = {sdk_token: True}
        self._grants: dict[str, Grant] = {}
        self._given: list[str] = []

    def tokens(self) -> list[str]:
        """Give all SDK tokens that are accepted, and all access tokens that were ever given out."""
        return [*self._sdk_tokens, *self._given]

    def add_sdk_token(self, token: str, *, may_delete: bool = True) -> None:
        """Accept another SDK token."""
        self._sdk_tokens[token] = may_delete

    def revoke_sdk_token(self, token: str | None = None) -> None:
        """Refuse an SDK token from now on, as after "regenerate" in the web UI."""
        self._sdk_tokens.pop(token or self.sdk_token, None)

    def refresh(self, sdk_token: object, *, now_s: int) -> str:
        """Give an access token for an SDK token; 401 if it is not accepted."""
        if not isinstance(sdk_token, str) or sdk_token not in self._sdk_tokens:
            raise Refusal(401, "UnauthorizedException", "The SDK token is not valid")
        claims = {
            "sub": user_id(self._seed, 0),
            "iat": now_s,
            "exp": now_s + max(int(self.lifetime_s), 1),
            "jti": key_of("jti", self._seed, len(self._given)).hex()[:16],
        }
        token = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}.c2ln"
        self._given.append(token)
        ends_s = time.monotonic() + self.lifetime_s
        self._grants[token] = Grant(ends_s, 0, self._sdk_tokens[sdk_token])
        return token

    def recognise(self, authorization: str | None) -> Grant:
        """Read an `Authorization` header; 401 if it is missing, unknown or has ended."""
        scheme, _, token = (authorization or "").partition(" ")
        grant = self._grants.get(token) if scheme == "Bearer" else None
        if grant is None or time.monotonic() >= grant.ends_s:
            raise Refusal(401, "UnauthorizedException", "The access token is missing or expired")
        return grant

    def expire_all(self) -> None:
        """Make all access tokens worthless."""
        self._grants.clear()

    def expire(self, authorization: str | None) -> None:
        """Make the access token of one `Authorization` header worthless."""
        self._grants.pop((authorization or "").partition(" ")[2], None)

    def user(self, wanted: str) -> dict[str, object] | None:
        """Give a user by id; `me` is the one who signed in."""
        for number, (name, email) in enumerate(USERS):
            if wanted in ("me", user_id(self._seed, number)):
                return {
                    "id": user_id(self._seed, number),
                    "name": name,
                    "email": email,
                    "organization_id": uuid_of("organization", self._seed),
                    "role": "member",
                }
        return None


def _part(claims: dict[str, object]) -> str:
    written = json.dumps(claims, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()
