"""Secrets out, fingerprints in, before a payload leaves this wing.

A secret is the value of an input fed from an environment variable (constants too, if asked for),
what stands under a key that names a credential, the user info of a repository's URL, and the token
that is ours. In its place stands `redacted:` and 16 hex digits of a keyed hash, so that a change is
seen and nothing else. Where a secret of six characters and more is said again, the echo is replaced
as well; but the platform's own words (ids, names, statuses, dates) stay: they say which object this
is.

Redacting what is redacted changes nothing.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote

from craftsync.upstream import echoes, exact, words
from craftsync.upstream.echoes import FINGERPRINT, Secrets, Stream
from craftsync.upstream.sealing import Sealing
from craftsync.upstream.words import Whose

_NOWHERE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Redacted:
    """An answer without its secrets.

    `body` is the payload once more, as exact compact JSON in ASCII. `inputs` and `outputs` are the
    positions whose value holds a fingerprint. `secrets` serve to find the echoes in the logs,
    files and errors of the same object, and nothing else.
    """

    payload: Any
    body: str
    inputs: frozenset[int] = _NOWHERE
    outputs: frozenset[int] = _NOWHERE
    secrets: Secrets = field(default_factory=dict, repr=False)


class Redactor:
    """Knows the key of the fingerprints, and what the user wants kept away, `tokens` above all.

    Tokens of endpoints are known by their fingerprints alone, those given and those met since.
    """

    def __init__(
        self,
        key: bytes,
        *,
        environment_values: bool = True,
        constants: bool = False,
        patterns: Sequence[str] = (),
        tokens: Iterable[str] = (),
        endpoint_tokens: Iterable[str] = (),
    ) -> None:
        self._key = key
        self._sealing = Sealing(environment_values, constants)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        # The same few secrets come with each execution of a deployment.
        self._echoes_of = lru_cache(maxsize=1024)(self._echoes)
        self._hash = lru_cache(maxsize=1024)(self._hash_of)
        self._own = self.secrets(tokens)
        self._endpoint_tokens = set(endpoint_tokens)

    def fingerprint(self, text: str) -> str:
        """Return what stands in the place of a secret."""
        return self._hash(text)

    def secrets(self, values: Iterable[str]) -> Secrets:
        """Return what to look for where these texts must not be read."""
        found: dict[str, str] = {}
        for value in values:
            self._learn(value, found)
        return found

    def execution(self, payload: Any) -> Redacted:
        """Redact an execution, as its own GET or a listing shows it."""
        secrets = dict(self._own)
        seal = partial(self._seal, secrets=secrets)
        payload = self._sealing.items(payload, ("inputs",), seal)
        if type(payload) is dict and type(steps := payload.get("steps")) is list:
            # Once each step had inputs of its own.
            payload = {
                **payload,
                "steps": [self._sealing.items(step, ("inputs",), seal) for step in steps],
            }
        return self._finish(payload, secrets)

    def deployment(self, payload: Any) -> Redacted:
        """Redact a deployment; the fingerprint of its token stands where the token stood."""
        secrets = dict(self._own)
        seal = partial(self._seal, secrets=secrets)
        payload = self._sealing.items(payload, ("inputs_mapping", "inputs"), seal)
        redacted = self._finish(payload, secrets)
        self._endpoint_tokens |= echoes.fingerprints_under("endpoint_token", redacted.payload)
        return redacted

    def pipeline(self, payload: Any) -> Redacted:
        """Redact a pipeline."""
        secrets = dict(self._own)
        seal = partial(self._seal, secrets=secrets)
        payload = self._sealing.items(payload, ("inputs", "open_inputs"), seal)
        if type(payload) is dict and "parameters" in payload:
            parameters = self._sealing.items(payload["parameters"], ("inputs",), seal)
            payload = {**payload, "parameters": parameters}
        return self._finish(payload, secrets)

    def cleaner(self, secrets: Secrets) -> Callable[[str], str] | None:
        """Return what replaces in many texts what `text` would; None when there is nothing to."""
        secrets = {**self._own, **secrets}
        any_sought = secrets or self._patterns or self._endpoint_tokens
        return partial(self._cleaned, secrets=secrets) if any_sought else None

    def text(self, text: str, secrets: Secrets) -> str:
        """Replace what `text` says of secrets and what patterns find; a store can hold it then."""
        return exact.plain(self._cleaned(text, {**self._own, **secrets}))

    def stream(self, chunks: Iterable[bytes], secrets: Secrets) -> Stream:
        """Replace what the bytes of a file say of the secrets, wherever the chunks are cut."""
        return Stream(chunks, {**self._own, **secrets})

    def _finish(self, payload: Any, secrets: dict[str, str]) -> Redacted:
        body = exact.dumps(payload, ascii=True)
        if words.may_hold_credentials(body):
            payload = self._without_credentials(payload, secrets, whose=Whose.PLATFORM)
            body = exact.dumps(payload, ascii=True)
        is_echoed = any(echoes.escaped(echo) in body for echo in secrets)
        if self._patterns or is_echoed or self._without_tokens(body) != body:
            payload = self._without_echoes(payload, secrets, whose=Whose.PLATFORM)
            body = exact.dumps(payload, ascii=True)
        fingerprints = body.count("redacted:")
        if type(payload) is not dict or not fingerprints:
            return Redacted(payload, body, secrets=secrets)
        inputs = echoes.positions_redacted(payload.get("inputs"))
        outputs = _NOWHERE
        if fingerprints > len(inputs):
            outputs = echoes.positions_redacted(payload.get("outputs"))
        return Redacted(payload, body, inputs, outputs, secrets)

    # One secret.

    def _seal(self, value: Any, secrets: dict[str, str]) -> Any:
        if value is None or (type(value) is str and FINGERPRINT.fullmatch(value)):
            return value
        self._learn(value, secrets)
        return self.fingerprint(value if type(value) is str else exact.dumps(value))

    def _learn(self, value: Any, secrets: dict[str, str]) -> None:
        """Note down how a value may be said again: the whole of it, and each text in it."""
        secrets.update(self._echoes_of(value if type(value) is str else exact.dumps(value)))
        if type(value) is dict or type(value) is list:
            for leaf in value.values() if type(value) is dict else value:
                if type(leaf) in (str, dict, list):
                    self._learn(leaf, secrets)

    def _echoes(self, text: str) -> dict[str, str]:
        fingerprint = self.fingerprint(text)
        return dict.fromkeys(echoes.forms(text), fingerprint)

    # What is secret by its name, and URLs that carry a secret.

    def _without_credentials(
        self, node: Any, secrets: dict[str, str], *, whose: Whose, named: bool = False
    ) -> Any:
        if type(node) is dict:
            return {
                key: self._without_credentials(
                    held,
                    secrets,
                    whose=words.below(key, whose),
                    named=(named and whose is not Whose.USER) or words.names_credential(key, whose),
                )
                for key, held in node.items()
            }
        if type(node) is list:
            return [
                self._without_credentials(held, secrets, whose=whose, named=named) for held in node
            ]
        if named and type(node) is not bool and node != "":
            return self._seal(node, secrets)
        if type(node) is str and whose is not Whose.USER:
            return words.USER_INFO.sub(lambda found: self._forget_user(found, secrets), node)
        return node

    def _forget_user(self, found: re.Match[str], secrets: dict[str, str]) -> str:
        if found[1] == "git":  # it says who knocks, not with which key
            return found[0]
        user, _, password = found[1].rpartition(":")
        for said in (password, user) if password in words.NO_PASSWORDS else (password,):
            self._learn(said, secrets)
            self._learn(unquote(said), secrets)
        return "://"

    def _hash_of(self, text: str) -> str:
        digest = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
        return "redacted:" + digest.hex()[:16]

    # Echoes and patterns, wherever users write.

    def _without_echoes(self, node: Any, secrets: Secrets, *, whose: Whose) -> Any:
        if type(node) is str:
            return self._cleaned(node, secrets)
        if type(node) is dict:
            return {
                self._key_without_echoes(key, secrets, whose): held
                if whose is Whose.PLATFORM and key in words.WORDS
                else self._without_echoes(held, secrets, whose=words.below(key, whose))
                for key, held in node.items()
            }
        if type(node) is list:
            return [self._without_echoes(held, secrets, whose=whose) for held in node]
        if node is None or type(node) is bool:
            return node
        digits = exact.number_text(node)
        if digits in secrets or any(pattern.search(digits) for pattern in self._patterns):
            return self.fingerprint(digits)
        return node

    def _key_without_echoes(self, key: str, secrets: Secrets, whose: Whose) -> str:
        if whose is not Whose.PLATFORM:
            return self._cleaned(key, secrets)
        return key if key in words.KEYS else echoes.replaced(key, secrets)

    def _cleaned(self, text: str, secrets: Secrets) -> str:
        text = self._without_tokens(echoes.replaced(text, secrets))
        return self._without_patterns(text) if self._patterns else text

    def _without_tokens(self, text: str) -> str:
        known = self._endpoint_tokens
        return echoes.without_tokens(text, known, self._hash_of) if known else text

    def _without_patterns(self, text: str) -> str:
        """Apply the user's patterns until they find nothing more, but never to a fingerprint."""
        while True:
            before = text
            for pattern in self._patterns:
                if pattern.search(text):
                    pieces = FINGERPRINT.split(text)
                    pieces[::2] = [
                        pattern.sub(lambda found: found[0] and self.fingerprint(found[0]), piece)
                        for piece in pieces[::2]
                    ]
                    text = "".join(pieces)
            if text == before:
                return text
