"""Settings, environments and tokens: what a run would stumble over before its first request."""

from collections.abc import Generator, Iterator, Mapping, Sequence

from craftsync.errors import BadSettings
from craftsync.health.findings import Finding, ok, or_ok, problem, warning
from craftsync.settings import Environment, Settings

MEND = "Mend it where it is set, then: craftsync config show"


def settings_in_force(settings: Settings, flaws: Sequence[BadSettings]) -> Iterator[Finding]:
    """Tell what is wrong with the settings, or odd, and whether they name an environment."""
    yield from or_ok(
        (problem("settings", str(flaw), flaw.hint or MEND) for flaw in flaws),
        "settings",
        "All settings can be read.",
    )
    for note in settings.notes:
        if note.hint is None:
            yield ok("settings", note.sentence)
        else:
            yield warning("settings", note.sentence, note.hint)
    try:
        environments = settings.environments_to_use(all_envs=True)
    except BadSettings as flaw:
        yield problem("environments", str(flaw), flaw.hint or MEND)
    else:
        names = ", ".join(one.name for one in environments)
        yield ok("environments", f"Configured: {names}.")


def token(environment: Environment, environ: Mapping[str, str]) -> Generator[Finding, None, str]:
    """Look for an environment's token; return it, or nothing."""
    try:
        found = environment.token(environ)
    except BadSettings as flaw:
        yield problem("token", f"{environment.name}: {flaw}", flaw.hint or MEND)
        return ""
    yield ok("token", f"{environment.name}: there is one, by {environment.token_key}.")
    return found


def redaction(settings: Settings) -> Iterator[Finding]:
    """Tell what is stored as it is; that constants are is the default, and no finding."""
    if not settings.redact.environment_values:
        yield warning(
            "redaction",
            "The values of environment variables are stored as they are.",
            "Set [redact] environment_values = true, then: craftsync sync --full",
        )
    elif settings.redact.constants:
        yield ok("redaction", "Values of environment variables and constants are replaced.")
    else:
        yield ok(
            "redaction",
            "Values of environment variables are replaced, constants are not:"
            " [redact] constants = true would do that.",
        )
