"""The settings as the rest of the house sees them: frozen, checked, without a trace of TOML."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from craftsync.errors import BadSettings, Usage
from craftsync.settings.environments import Environment
from craftsync.settings.tokens import token_in_variable
from craftsync.settings.words import Note, Sourced, listed, nearest


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How to mirror."""

    workers: int
    settle: timedelta
    max_file_bytes: int


@dataclass(frozen=True, slots=True)
class RedactSettings:
    """What is replaced by a fingerprint before it is stored."""

    environment_values: bool
    constants: bool
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """How much a question may take: `memory` is a size as DuckDB reads it, `1GB`."""

    memory: str


@dataclass(frozen=True, slots=True)
class PurgeSettings:
    """What may be deleted upstream, and how much at once."""

    enabled: bool
    max_deletes: int
    max_share: float
    keep_last: int
    keep_last_success: bool
    protect_pipelines: tuple[str, ...]
    protect_deployments: tuple[str, ...]
    plan_expiry: timedelta
    token_env: str

    def token(self, environ: Mapping[str, str]) -> str | None:
        """Return the token that alone may delete; None when the environment's own one does.

        Raises `BadSettings` when its variable is named and does not hold one.
        """
        if not self.token_env:
            return None
        return token_in_variable(self.token_env, environ, who="[purge] token_env")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting in force.

    `store` is a URL or an absolute path. `notes` tell the user what was ignored or
    looks dangerous. `fingerprint_key` is None when the store's own key is used.
    """

    store: str = field(repr=False)
    environments: Mapping[str, Environment]
    sync: SyncSettings
    redact: RedactSettings
    query: QuerySettings
    purge: PurgeSettings
    fingerprint_key: bytes | None = field(repr=False)
    notes: tuple[Note, ...]
    sources: Mapping[str, Sourced] = field(repr=False)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield `key, value, source` of every setting, secrets masked."""
        for key, sourced in self.sources.items():
            yield key, sourced.value, str(sourced.source)

    def environment(self, name: str) -> Environment:
        """Return the environment called `name`; raises `BadSettings` with the nearest names."""
        if name in self.environments:
            return self.environments[name]
        if not self.environments:
            raise self._none_configured()
        raise BadSettings(
            f"There is no environment {name!r} in the settings.",
            hint=nearest(name, self.environments)
            or f"Configured: {listed(sorted(self.environments))}.",
        )

    def environments_to_use(
        self, names: Sequence[str] = (), all_envs: bool = False
    ) -> tuple[Environment, ...]:
        """Return the environments a command works on, each once.

        One configured environment needs no naming. Raises `Usage` when several are configured and
        none is named, `BadSettings` when one is unknown or none is configured.
        """
        if names and all_envs:
            raise Usage("--env and --all-envs exclude each other.")
        if names:
            return tuple(self.environment(name) for name in dict.fromkeys(names))
        if not self.environments:
            raise self._none_configured()
        if all_envs or len(self.environments) == 1:
            return tuple(self.environments.values())
        configured = list(self.environments)
        raise Usage(
            f"Several environments are configured, and none is named: {listed(configured)}.",
            hint=f"Add --env {configured[0]}, or --all-envs.",
        )

    @staticmethod
    def _none_configured() -> BadSettings:
        return BadSettings(
            "No environment is configured.",
            hint="craftsync config init, or export CRAFT_AI_ENVIRONMENT_URL and CRAFT_AI_SDK_TOKEN",
        )
