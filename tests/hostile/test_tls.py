"""TLS is verified, always: a certificate that does not fit ends a run before any token is sent."""

import io
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.tls import Authority, Front
from journeys.checker import Mirror
from lab import lab as make_lab
from upstream.scripted import Scripted, reply

from craftsync.errors import BadAnswer, BadSettings
from craftsync.simulator import World
from craftsync.upstream.transport import Transport

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def lab(tmp_path):
    with make_lab(tmp_path, World(seed=2, executions=12, settled=True)) as made:
        yield made


def run(lab, front, *words, **environ):
    """Run a command over TLS, in a process of its own; its code, and what it wrote to stderr."""
    reached = {"CRAFT_AI_ENVIRONMENT_URL": front.url, "CRAFT_AI_CONTROL_URL": front.url}
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", *words],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **lab.environ,
            **reached,
            **environ,
        },
        cwd=lab.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert lab.environ["CRAFT_AI_SDK_TOKEN"] not in done.stdout + done.stderr
    return done


def long(case):
    return pytest.param(case, marks=pytest.mark.long)


def behind(lab, front):
    """Let this lab reach its platform through TLS alone."""
    lab.environ |= {"CRAFT_AI_ENVIRONMENT_URL": front.url, "CRAFT_AI_CONTROL_URL": front.url}
    return lab


TRUST = "If you know who signed it: export REQUESTS_CA_BUNDLE=/path/to/authority.pem"
CLOCK = "Is this clock right? date -u"
ADDRESS = "Check the url with: craftsync config show"


BAD = {
    "expired": ("certificate has expired", CLOCK),
    "not_valid_yet": ("certificate is not yet valid", CLOCK),
    "self_signed": ("self-signed certificate", TRUST),
    "unknown": ("unable to get local issuer certificate", TRUST),
    "for_another_host": ("IP address mismatch, certificate is not valid for '127.0.0.1'", ADDRESS),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_certificate_that_does_not_fit_ends_with_7_and_nothing_is_sent(
    lab, authority, kind, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    told, hint = BAD[kind]
    with Front(getattr(authority, kind)(), lab.server.port) as front:
        outcome = behind(lab, front).sync()
        assert (outcome.exit_code, outcome.outcome) == (7, "failed")
        assert outcome.error == (
            f"{front.url} does not answer: GET /api/v1/environment-info:"
            f" its certificate is not accepted: {told}"
        )
        assert outcome.hint == hint
        assert front.heard == b""
    assert lab.world.requests.total == 0


@pytest.mark.parametrize("kind", [long("expired"), "unknown"])
def test_a_process_says_so_and_says_no_token(lab, authority, kind):
    told, hint = BAD[kind]
    with Front(getattr(authority, kind)(), lab.server.port) as front:
        done = run(lab, front, "sync", "-q", REQUESTS_CA_BUNDLE=str(authority.file))
        assert (done.returncode, done.stdout) == (7, "")
        said, typed = done.stderr.splitlines()
        assert said.startswith(f"error: {front.url} does not answer: ")
        assert said.endswith(f"its certificate is not accepted: {told}")
        assert typed == f"hint: {hint}"
        assert front.heard == b""


def test_a_control_host_whose_certificate_does_not_fit_gets_no_token(lab, authority, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with (
        Front(authority.good(), lab.server.port) as front,
        Front(authority.unknown(), lab.server.port) as control,
    ):
        behind(lab, front).environ["CRAFT_AI_CONTROL_URL"] = control.url
        outcome = lab.sync()
        assert outcome.exit_code == 7
        assert control.url in outcome.error
        assert outcome.hint == TRUST
        assert control.heard == b""
        assert lab.environ["CRAFT_AI_SDK_TOKEN"].encode() not in front.heard


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", long("CURL_CA_BUNDLE")])
def test_with_an_authority_of_ones_own_everything_is_mirrored(lab, authority, variable):
    with Front(authority.good(), lab.server.port) as front:
        done = run(lab, front, "sync", "-q", **{variable: str(authority.file)})
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert Mirror(lab).differences() == []
        # Connections are used again and again, without urllib3.
        assert front.handshakes < lab.world.requests.total / 4


OFF = {
    "empty": {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "", "SSL_CERT_FILE": ""},
    "of Python": {"PYTHONHTTPSVERIFY": "0"},
    "of git and node": {"GIT_SSL_NO_VERIFY": "1", "NODE_TLS_REJECT_UNAUTHORIZED": "0"},
    "made up": {"CRAFTSYNC_VERIFY": "false", "CRAFTSYNC_TLS_VERIFY": "0", "SSL_VERIFY": "false"},
}


@pytest.mark.parametrize("off", OFF.values(), ids=OFF)
def test_no_variable_turns_the_check_off(lab, authority, off, monkeypatch):
    for name, value in off.items():
        monkeypatch.setenv(name, value)
    with Front(authority.good(), lab.server.port) as front:
        outcome = behind(lab, front).sync()
        assert outcome.exit_code == 7
        assert "certificate is not accepted" in outcome.error
        assert front.heard == b""


@pytest.mark.parametrize(
    "words",
    ["verify = false", "insecure = true", "[sync]\nverify = false", "[tls]\nverify = false"],
)
def test_no_setting_turns_the_check_off(lab, words):
    (lab.folder / "craftsync.toml").write_text(words + "\n")
    with pytest.raises(BadSettings, match=r"craftsync\.toml:[12]"):
        lab.sync()


@pytest.mark.parametrize("value", ["0", "False", "nothing-there.pem", "letter.pem"])
def test_authorities_that_cannot_be_read_are_told_and_nobody_is_trusted_instead(
    lab, authority, value, monkeypatch
):
    (lab.folder / "letter.pem").write_text("Dear Ada,\n")
    value = str(lab.folder / value) if value == "letter.pem" else value
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", value)
    told = f"The authorities that are to be trusted cannot be read from {value}: "
    with Front(authority.good(), lab.server.port) as front:
        with pytest.raises(BadSettings) as caught:
            behind(lab, front).sync()
        assert str(caught.value).startswith(told)
        assert caught.value.hint.endswith("unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE")
        (found,) = [one for one in lab.app.doctor() if one.check == "reach"]
        assert (found.state, told in found.finding) == ("problem", True)
        assert front.heard == b""


@pytest.mark.parametrize("cut", [0, 100], ids=["in the handshake", "in an answer"])
def test_a_connection_that_is_cut_is_no_matter_of_certificates_and_is_tried_again(
    lab, authority, cut, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with Front(authority.good(), lab.server.port, cut_after=[cut]) as front:
        assert behind(lab, front).sync().exit_code == 0
        assert len(lab.naps) == 1
        assert Mirror(lab).differences() == []


def test_an_answer_whose_bytes_are_no_tls_is_tried_again_and_blames_no_certificate(
    lab, authority, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with Front(authority.good(), lab.server.port, spoilt=True) as front:
        transport = Transport(client="t", bases=(front.url,), timeout_s=5.0)
        try:
            with pytest.raises(BadAnswer) as caught:
                transport.send("GET", f"{front.url}/api/v1/environment-info", max_bytes=10_000)
        finally:
            transport.close()
    assert type(caught.value).__name__ == "Transient"
    assert "certificate" not in str(caught.value)


def test_what_is_left_of_an_answer_is_never_the_beginning_of_the_next(authority, monkeypatch):
    """A record of TLS may hold more than the answer, and a socket does not tell of it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    stray = reply(b"stray")
    one = reply(b"{}") + b" " * (io.DEFAULT_BUFFER_SIZE - len(reply(b"{}"))) + stray
    with Scripted(lambda _: one) as behind, Front(authority.good(), port_of(behind)) as front:
        transport = Transport(client="t", bases=(front.url,), timeout_s=5.0)
        try:
            found = [transport.send("GET", f"{front.url}/x", max_bytes=1000) for _ in range(4)]
        finally:
            transport.close()
    assert [answer.body for answer in found] == [b"{}"] * 4


def port_of(server):
    return int(server.url.rpartition(":")[2])


def test_the_oldest_version_that_is_spoken_is_1_2(lab, authority, monkeypatch):
    context = authority.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with Front(context, lab.server.port) as front:
        assert behind(lab, front).sync().exit_code == 0
