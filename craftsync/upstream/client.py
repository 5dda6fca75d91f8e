"""The platform's reading side: sends GET and the logs POST, and nothing else.

Requests go over connections that are found once, with the environment's proxies and certificates;
netrc is never looked at (it would replace the bearer). Path segments are quoted in `paths` and
nowhere else. No redirect is followed: the bearer stays where it was meant to go.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from craftsync.errors import BadPayload, Missing
from craftsync.records import FileBytes, ListedExecution, Payload, Side
from craftsync.upstream import payloads
from craftsync.upstream.access import Access
from craftsync.upstream.answers import decoded, json_object, listing, listing_of
from craftsync.upstream.fields import name_or_none
from craftsync.upstream.paths import url
from craftsync.upstream.retries import Transient
from craftsync.upstream.transport import Through

INFO_BYTES = 1 << 20
LISTING_BYTES = 1 << 29
DETAIL_BYTES = 1 << 26
LOG_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class ExecutionListing:
    """A whole listing; `entries` is None for one that was not looked into."""

    sha256: str
    entries: Sequence[ListedExecution | BadPayload] | None


class Platform(Access):
    """One environment of the platform, as a token sees it.

    All methods are safe to call from many threads. They raise `Missing` (404 with an error
    object), `Denied` (403), `TooBig`, `BadAnswer` (anything that proves nothing), `BadCredentials`
    when the SDK token is refused, and `Unreachable` when the platform asks for too long a wait.
    """

    @property
    def bytes_received(self) -> int:
        """How many bytes of bodies were read so far, decompressed."""
        return self._transport.bytes_received

    def environment_id(self) -> str | None:
        """Return the environment's id; None when the platform is too old to tell one.

        One that can be no name is asked for once more, as an answer that cannot be read.
        """
        address = url(self._environment_url, "environment-info")

        def ask() -> str | None:
            answer = self._transport.send("GET", address, max_bytes=INFO_BYTES)
            told = json_object(answer.checked(now=self._now())).get("environment_id")
            try:
                return name_or_none(told)
            except ValueError:
                raise Transient(
                    f"{answer.what}: no environment_id that can be kept",
                    status=answer.status,
                    attempts=2,
                ) from None

        try:
            return self._retries.run(ask)
        except Missing:
            return None

    def deployments(self) -> Sequence[Payload]:
        """List all deployments."""
        return self._listing("deployments", key="name")

    def pipelines(self) -> Sequence[Payload]:
        """List all pipelines."""
        return self._listing("pipelines", key="pipeline_name")

    def executions(self, pipeline: str, *, unless_sha256: str | None = None) -> ExecutionListing:
        """List all executions of a pipeline, in no order that could be relied on.

        They are not looked into when the body's hash is `unless_sha256`.
        """
        address = url(self._environment_url, "pipelines", pipeline, "executions")

        def read(entry: Payload) -> Any:
            if "execution_id" not in entry:
                return entry  # an object within an entry, or no entry at all
            try:
                return payloads.listed_execution(entry, scope_pipeline=pipeline)
            except BadPayload as flaw:
                return flaw

        def ask() -> ExecutionListing:
            answer = self._signed("GET", address, max_bytes=LISTING_BYTES, spooled=True)
            if answer.file is not None and answer.file.sha256 == unless_sha256:
                answer.file.content.close()
                return ExecutionListing(unless_sha256, None)
            entries = listing_of(answer, (ListedExecution, BadPayload), read=read)
            return ExecutionListing(answer.file.sha256 if answer.file else "", entries)

        return self._retries.run(ask)

    def deployment(self, name: str) -> Payload:
        """Return one deployment, its endpoint token included."""
        return self._object("deployments", name)

    def pipeline(self, name: str) -> Payload:
        """Return one pipeline."""
        return self._object("pipelines", name)

    def execution(self, execution_id: str) -> Payload:
        """Return one execution with the values of its inputs and outputs."""
        return self._object("executions", execution_id)

    def logs(self, execution_id: str, window: Mapping[str, int] | None = None) -> Any:
        """Return an execution's log as the platform sends it; None when it sends nothing.

        `window` may hold `from` and `to`, in milliseconds since the epoch, and `limit`.
        """
        address = url(self._environment_url, "executions", execution_id, "logs")
        body = json.dumps(dict(window or {})).encode()
        return self._decoded(
            "POST", address, (list, str, NoneType), "log", max_bytes=LOG_BYTES, body=body
        )

    def value(
        self,
        execution_id: str,
        side: Side,
        name: str,
        *,
        max_bytes: int,
        through: Through = iter,
    ) -> FileBytes:
        """Return the bytes of an input or output, spooled after they went `through` a filter.

        Raises `TooBig` when there are more than `max_bytes`, and `Missing` for 204 and null too:
        so the platform says that a file never came.
        """
        address = url(self._environment_url, "executions", execution_id, f"{side}s", name)

        def ask() -> FileBytes:
            answer = self._signed("GET", address, max_bytes=max_bytes, through=through)
            if answer.file is None or answer.is_null_file:
                raise Missing(f"{answer.what}: no content")
            return answer.file

        return self._retries.run(ask)

    def metrics(self, kind: str, query: Mapping[str, str]) -> Any:
        """Return one page of metrics; `kind` is `single-value` or `list-values`."""
        address = url(self._environment_url, "metrics", kind, query=query)
        return self._decoded("GET", address, (dict,), "JSON object", max_bytes=DETAIL_BYTES)

    def _object(self, collection: str, name: str) -> Payload:
        address = url(self._environment_url, collection, name)
        found: Payload = self._decoded(
            "GET", address, (dict,), "JSON object", max_bytes=DETAIL_BYTES
        )
        return found

    def _decoded(
        self,
        method: str,
        address: str,
        kinds: tuple[type[Any], ...],
        expected: str,
        *,
        max_bytes: int,
        body: bytes | None = None,
    ) -> Any:
        """Decode JSON with every digit; None for an answer without content.

        What is no JSON, or of none of the `kinds`, is asked for once more, as a listing is: a
        proxy's page of the moment is not the platform's word.
        """

        def ask() -> Any:
            answer = self._signed(method, address, max_bytes=max_bytes, body=body)
            try:
                found = None if answer.is_nothing else decoded(answer)
            except ValueError as flaw:
                raise Transient(
                    f"{answer.what}: the answer is no JSON", status=answer.status, attempts=2
                ) from flaw
            if not isinstance(found, kinds):
                raise Transient(
                    f"{answer.what}: the answer is no {expected}",
                    status=answer.status,
                    attempts=2,
                )
            return found

        return self._retries.run(ask)

    def _listing(self, *segments: str, key: str) -> Sequence[Payload]:
        address = url(self._environment_url, *segments)
        return self._retries.run(
            lambda: listing(self._signed("GET", address, max_bytes=DETAIL_BYTES), key=key)
        )
