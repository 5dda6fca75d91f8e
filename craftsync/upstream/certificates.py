"""Whom TLS trusts: there is no switch that turns the check off, and what it refuses is told."""

import ssl

from craftsync.errors import BadSettings

_OF_UNKNOWN_ISSUERS = frozenset({2, 18, 19, 20, 21})  # X509_V_ERR_…: nobody known vouches for it
_OF_TIME = frozenset({9, 10})


def check_bundle(path: str) -> None:
    """Refuse a file of authorities that cannot be read; a folder of them is looked into later.

    Raises `BadSettings`: with it no connection would come to be, and no other may be made.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
    except ssl.SSLError:
        why = "it holds no certificates in PEM form"
    except IsADirectoryError:
        return
    except OSError as flaw:
        why = (flaw.strerror or str(flaw)).lower()
    else:
        return
    raise BadSettings(
        f"The authorities that are to be trusted cannot be read from {path}: {why}.",
        hint="Name a file that is there, or none: unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE",
    )


def refusal(flaw: BaseException) -> tuple[str, str] | None:
    """Say why a certificate was refused, and what can be typed; None for any other flaw."""
    causes: list[object] = [flaw]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code, said = cause.verify_code, cause.verify_message.rstrip(".")
            return f"its certificate is not accepted: {said}", _hint(code)
        if isinstance(cause, BaseException):
            causes += [getattr(cause, "reason", None), *cause.args]
    return None


def _hint(code: int) -> str:
    if code in _OF_UNKNOWN_ISSUERS:
        return "If you know who signed it: export REQUESTS_CA_BUNDLE=/path/to/authority.pem"
    if code in _OF_TIME:
        return "Is this clock right? date -u"
    return "Check the url with: craftsync config show"
