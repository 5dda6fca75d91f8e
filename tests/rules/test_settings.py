"""Settings: who wins, what is refused and where, and how a token is come by."""

from datetime import timedelta

import pytest

from craftsync import settings
from craftsync.errors import BadSettings, Usage
from craftsync.settings import Note
from craftsync.settings.schema import passwords_of, span_text, without_passwords
from craftsync.settings.tokens import token_of_command

HOME = {"HOME": "/home/ada"}
PROD = '[environments.prod]\nurl = "https://acme.example"\ntoken_env = "PROD_TOKEN"\n'
STAGING = '[environments.staging]\nurl = "https://stg.example"\ntoken_env = "STG_TOKEN"\n'
OFFICIAL = {
    "CRAFT_AI_SDK_TOKEN": "sdk-token-of-the-client",
    "CRAFT_AI_ENVIRONMENT_URL": "https://brisk-hawk.example/",
}
SECRET = "canary-5f1d0c"


@pytest.fixture
def folder(tmp_path):
    """The folder of the command, empty, beside the user's own files."""
    here = tmp_path / "here"
    here.mkdir()
    return here


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def loaded(folder, text="", *, environ=None, **arguments):
    if text:
        write(folder / "craftsync.toml", text)
    return settings.load(environ={**HOME, **(environ or {})}, cwd=folder, **arguments)


def refused(folder, text="", *, environ=None):
    with pytest.raises(BadSettings) as caught:
        loaded(folder, text, environ=environ)
    return str(caught.value)


def source_of(found, key):
    return str(found.sources[key].source)


# Who wins


def test_without_anything_there_are_defaults(folder):
    found = loaded(folder)
    assert found.store == "/home/ada/.local/share/craftsync/history.db"
    assert (found.sync.workers, found.sync.settle) == (16, timedelta(hours=1))
    assert (found.purge.enabled, found.purge.max_share) == (False, 0.2)
    assert found.purge.plan_expiry == timedelta(days=1)
    assert not found.environments
    assert {str(sourced.source) for sourced in found.sources.values()} == {"default"}


def test_a_flag_wins_over_a_variable_over_the_near_file_over_the_far_file(folder, tmp_path):
    far = tmp_path / "config" / "craftsync" / "config.toml"
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    steps = []
    write(far, "[sync]\nworkers = 2\n")
    steps.append(loaded(folder, environ=environ))
    steps.append(loaded(folder, "[sync]\nworkers = 3\n", environ=environ))
    environ["CRAFTSYNC_SYNC_WORKERS"] = "4"
    steps.append(loaded(folder, environ=environ))
    steps.append(loaded(folder, environ=environ, flags={"sync.workers": 5}))
    assert [found.sync.workers for found in steps] == [2, 3, 4, 5]
    assert [source_of(found, "sync.workers") for found in steps] == [
        f"{far}:2",
        f"{folder}/craftsync.toml:2",
        "CRAFTSYNC_SYNC_WORKERS",
        "flag",
    ]


def test_the_order_holds_for_each_key_by_itself(folder, tmp_path):
    far = tmp_path / "config" / "craftsync" / "config.toml"
    write(far, '[sync]\nworkers = 2\nsettle = "3h"\n')
    found = loaded(
        folder,
        "[sync]\nworkers = 3\n",
        environ={"XDG_CONFIG_HOME": str(tmp_path / "config"), "CRAFTSYNC_PURGE_ENABLED": "true"},
    )
    assert (found.sync.workers, found.sync.settle) == (3, timedelta(hours=3))
    assert found.purge.enabled


def test_an_environment_may_be_spread_over_file_and_variables(folder):
    found = loaded(
        folder,
        PROD,
        environ={
            "CRAFTSYNC_ENVIRONMENTS_PROD_URL": "https://other.example",
            "CRAFTSYNC_ENVIRONMENTS_PROD_TOKEN_COMMAND": "cat token",
        },
    )
    prod = found.environment("prod")
    assert (prod.url, prod.token_key) == ("https://other.example", "token_command")


def test_an_environment_may_come_from_variables_alone(folder):
    found = loaded(
        folder,
        environ={
            "CRAFTSYNC_ENVIRONMENTS_EU_WEST_CONTROL_URL": "https://control.example",
            "CRAFTSYNC_ENVIRONMENTS_EU_WEST_URL": "https://eu.example",
            "CRAFTSYNC_ENVIRONMENTS_EU_WEST_TOKEN_ENV": "EU_TOKEN",
        },
    )
    assert list(found.environments) == ["eu_west"]
    assert found.environment("eu_west").control_url == "https://control.example"


def test_a_variable_finds_the_environment_as_the_file_spells_it(folder):
    found = loaded(
        folder,
        PROD.replace("prod", "Prod-EU"),
        environ={"CRAFTSYNC_ENVIRONMENTS_PROD_EU_URL": "https://eu.example"},
    )
    assert found.environment("Prod-EU").url == "https://eu.example"


def test_an_empty_variable_sets_nothing(folder):
    found = loaded(folder, environ={"CRAFTSYNC_SYNC_WORKERS": "", "CRAFTSYNC_STORE": ""})
    assert source_of(found, "sync.workers") == source_of(found, "store") == "default"


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("REDACT_PATTERNS", "a+ , b", ["a+", "b"]),
        ("REDACT_PATTERNS", ",", []),
        ("REDACT_PATTERNS", "tok-[a-z0-9]{4,12}", ["tok-[a-z0-9]{4,12}"]),
        ("REDACT_PATTERNS", r"a{1,2},(b,c),\(,[,;]+", ["a{1,2}", "(b,c)", r"\(", "[,;]+"]),
        ("REDACT_PATTERNS", r"token=[^(]+,secret=\S+", ["token=[^(]+", r"secret=\S+"]),
        ("REDACT_PATTERNS", "password=[^)]{8,64},[]{,]x", ["password=[^)]{8,64}", "[]{,]x"]),
        ("REDACT_PATTERNS", '["a,b", "tok-[0-9]{4,}"]', ["a,b", "tok-[0-9]{4,}"]),
        ("REDACT_PATTERNS", r"['a,b', 'tok-\d{4,}',]", ["a,b", r"tok-\d{4,}"]),
        ("REDACT_PATTERNS", "['\"]x", ["['\"]x"]),
        ("REDACT_PATTERNS", "['a']\nb = 3", ["['a']\nb = 3"]),
    ],
)
def test_lists_in_variables_are_separated_by_commas_or_are_json_or_toml(
    folder, variable, text, value
):
    found = loaded(folder, environ={f"CRAFTSYNC_{variable}": text})
    assert [pattern.pattern for pattern in found.redact.patterns] == value


def test_a_list_of_names_in_a_variable_may_be_json_and_is_shown_so_where_a_comma_is_in_it(folder):
    found = loaded(folder, environ={"CRAFTSYNC_PURGE_PROTECT_PIPELINES": '["a, b", "c"]'})
    assert found.purge.protect_pipelines == ("a, b", "c")
    shown = next(value for key, value, _ in found.rows() if key == "purge.protect_pipelines")
    assert shown == '["a, b", "c"]'


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("churn-train", ("churn-train",)),
        (" churn-train , nightly,", ("churn-train", "nightly")),
        ('["churn-train"]', ("churn-train",)),
        ("['churn-train']", ("churn-train",)),
        ("['churn-train', \"nightly\",]", ("churn-train", "nightly")),
        ("[\n  'churn-train',  # the one that counts\n]", ("churn-train",)),
        ("[]", ()),
    ],
)
@pytest.mark.parametrize("kind", ["pipelines", "deployments"])
def test_protected_names_in_a_variable_may_be_written_as_in_a_file(folder, kind, text, names):
    found = loaded(folder, environ={f"CRAFTSYNC_PURGE_PROTECT_{kind.upper()}": text})
    assert getattr(found.purge, f"protect_{kind}") == names


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('["churn-train"', "'[\"churn-train\"'"),
        ("['churn-train'", "\"['churn-train'\""),
        ('"churn-train"', "'\"churn-train\"'"),
        ("a,'churn-train'", "at place 2"),
        ("churn-*", "'churn-*'"),
        ("churn-trai?", "'churn-trai?'"),
        ("[1, 2]", "'[1'"),
        ("['churn-train', 3]", "\"['churn-train'\""),
        ('[" churn-train"]', "' churn-train'"),
        ('["churn-train\\u00a0"]', "'churn-train\\xa0'"),
        ('[""]', "''"),
        ("[" * 9000, "'[[["),
    ],
)
@pytest.mark.parametrize("kind", ["pipelines", "deployments"])
def test_a_protected_name_that_can_be_none_is_refused(folder, kind, text, what):
    """It would protect nothing, without a word."""
    variable = f"CRAFTSYNC_PURGE_PROTECT_{kind.upper()}"
    with pytest.raises(BadSettings) as caught:
        loaded(folder, environ={variable: text})
    assert str(caught.value).startswith(f"{variable} holds no whole name at place ")
    assert what in str(caught.value)
    assert f'protect_{kind} = ["one", "two"]' in caught.value.hint
    assert f"export {variable}=one,two" in caught.value.hint


@pytest.mark.parametrize("text", ["true", "1", "YES", "on"])
def test_yes_has_many_words_in_a_variable(folder, text):
    assert loaded(folder, environ={"CRAFTSYNC_PURGE_ENABLED": text}).purge.enabled


def test_the_users_folders_follow_xdg(folder, tmp_path):
    write(tmp_path / "c" / "craftsync" / "config.toml", "[sync]\nworkers = 7\n")
    found = loaded(
        folder, environ={"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_DATA_HOME": "/data"}
    )
    assert (found.sync.workers, found.store) == (7, "/data/craftsync/history.db")


def test_without_a_home_the_store_has_to_be_named(folder):
    with pytest.raises(BadSettings, match="neither XDG_DATA_HOME nor HOME"):
        settings.load(environ={}, cwd=folder)
    found = settings.load(environ={"CRAFTSYNC_STORE": "/srv/h.db"}, cwd=folder)
    assert found.store == "/srv/h.db"


def test_a_path_starts_from_where_it_is_written(folder, tmp_path):
    write(tmp_path / "config" / "craftsync" / "config.toml", 'store = "far.db"\n')
    far = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert loaded(folder, environ=far).store == str(tmp_path / "config/craftsync/far.db")
    assert loaded(folder, environ={"CRAFTSYNC_STORE": "near.db"}).store == str(folder / "near.db")
    assert loaded(folder, environ={"CRAFTSYNC_STORE": "~/my.db"}).store == "/home/ada/my.db"
    assert loaded(folder, flags={"store": "~/my.db"}).store == "/home/ada/my.db"


def test_a_url_is_left_alone(folder):
    url = "postgresql+psycopg://ada@db.example/history"
    assert loaded(folder, environ={"CRAFTSYNC_STORE": url}).store == url


# Environments


def test_the_clients_own_variables_make_one_called_default(folder):
    found = loaded(folder, environ=OFFICIAL)
    (default,) = found.environments_to_use()
    assert default.name == "default"
    assert default.url == "https://brisk-hawk.example"
    assert default.control_url == "https://mlops-platform.craft.ai"
    assert default.token(OFFICIAL) == "sdk-token-of-the-client"
    assert source_of(found, "environments.default.url") == "CRAFT_AI_ENVIRONMENT_URL"


def test_the_control_url_may_come_from_the_clients_variable_too(folder):
    environ = {**OFFICIAL, "CRAFT_AI_CONTROL_URL": "https://stage.example/"}
    assert loaded(folder, environ=environ).environment("default").control_url == (
        "https://stage.example"
    )


def test_configured_environments_win_and_a_note_says_so(folder):
    found = loaded(folder, PROD, environ=OFFICIAL)
    assert list(found.environments) == ["prod"]
    assert found.notes == (
        Note(
            "CRAFT_AI_ENVIRONMENT_URL and CRAFT_AI_SDK_TOKEN are ignored:"
            " environments are configured."
        ),
    )


def test_a_variable_that_an_environment_reads_is_not_called_ignored(folder):
    text = PROD.replace("PROD_TOKEN", "CRAFT_AI_SDK_TOKEN")
    environ = {"CRAFT_AI_SDK_TOKEN": SECRET}
    found = loaded(folder, text, environ=environ)
    assert found.notes == ()
    assert found.environment("prod").token(environ) == SECRET


def test_the_only_environment_needs_no_naming(folder):
    assert [one.name for one in loaded(folder, PROD).environments_to_use()] == ["prod"]


def test_of_several_environments_one_has_to_be_named(folder):
    found = loaded(folder, PROD + STAGING)
    with pytest.raises(Usage, match="prod and staging"):
        found.environments_to_use()
    assert [one.name for one in found.environments_to_use(["staging"])] == ["staging"]
    assert [one.name for one in found.environments_to_use(all_envs=True)] == ["prod", "staging"]
    assert len(found.environments_to_use(["prod", "prod"])) == 1


def test_naming_one_and_asking_for_all_is_a_contradiction(folder):
    with pytest.raises(Usage, match="exclude each other"):
        loaded(folder, PROD).environments_to_use(["prod"], all_envs=True)


def test_an_unknown_environment_is_answered_with_the_nearest(folder):
    with pytest.raises(BadSettings, match="no environment 'prd'") as caught:
        loaded(folder, PROD + STAGING).environments_to_use(["prd"])
    assert caught.value.hint == "Did you mean prod?"


def test_no_environment_at_all_is_answered_with_what_to_type(folder):
    with pytest.raises(BadSettings, match="No environment") as caught:
        loaded(folder).environments_to_use()
    assert "craftsync config init" in caught.value.hint


# What is refused, and where


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("[sync]\nworkres = 3\n", 2, "sync.workres is no setting"),
        ("# a comment\n\nstroe = 'x'\n", 3, "stroe is no setting"),
        ("[synk]\nworkers = 3\n", 1, "synk is no setting"),
        ("sync = 3\n", 1, "sync must be a section"),
        ("[sync]\n\nworkers = true\n", 3, "sync.workers must be a whole number"),
        ("[sync]\nworkers = 0\n", 2, "sync.workers must be a whole number, 1 or more"),
        ("sync.workers = 'many'\n", 1, "sync.workers must be a whole number"),
        ("[sync]\n\nworkers = 9223372036854775808\n", 3, "sync.workers is beyond what can"),
        (f"[sync]\n\nworkers = {'9' * 5000}\n\n", 3, "A number is beyond what can be counted"),
        ("[sync]\nsettle = 3600\n", 2, "sync.settle must be a duration"),
        ("[sync]\nsettle = '1x'\n", 2, "'1x' is no duration"),
        ("[sync]\nmax_file_bytes = -1\n", 2, "sync.max_file_bytes must be"),
        ("[redact]\nconstants = 'yes'\n", 2, "redact.constants must be true or false"),
        ("[redact]\npatterns = [\n 'a',\n '(',\n]\n", 2, "no regular expression at place 2"),
        ("[redact]\npatterns = ['x*']\n", 2, "it matches ''"),
        ("[redact]\npatterns = 'x'\n", 2, "must be a list of texts"),
        ("[purge]\nmax_share = 1.5\n", 2, "purge.max_share must be a number from 0 to 1"),
        ("[purge]\nprotect_pipelines = ['a', '*']\n", 2, "no whole name at place 2: '*'"),
        ("[purge]\nprotect_deployments = [' a']\n", 2, "no whole name at place 1: ' a'"),
        ("[purge]\nprotect_pipelines = 'a'\n", 2, "must be a list of texts"),
        ('[purge]\nplan_expiry = "0s"\n', 2, "purge.plan_expiry must be longer than nothing"),
        ("store = 3\n", 1, "store must be text"),
        ("store = 'mysql://u@h/d'\n", 1, "no other database can be a store"),
        ("environments = 3\n", 1, "environments must hold sections"),
        ("[environments]\nprod = 3\n", 2, "environments.prod must be a section"),
        ("[environments.'a b']\nurl = 'x'\n", 1, "is no name"),
        (PROD + "tokn_env = 'x'\n", 4, "environments.prod.tokn_env is no setting"),
        (PROD + "control_url = 3\n", 4, "must be text in quotes"),
        (PROD + "\n# two\n\ntoken_file = 'x'\n", 7, "is one too many"),
        ("[environments.prod]\nurl = 'https://x.example'\n", 2, "has no token"),
        ("[environments.prod]\ntoken_env = 'X'\n", 2, "has no url"),
        ("a = [\n", 1, "not TOML"),
        ("[sync]\nworkers = \n", 2, "not TOML"),
        ("[sync]\nworkers = 1\nworkers = 2\n", 3, "not TOML"),
        ("text = '''\n\n'''\r\nworkers = 1\n", 1, "text is no setting"),
    ],
)
def test_a_flaw_is_named_with_its_file_and_line(folder, text, line, sentence):
    message = refused(folder, text)
    assert message.startswith(f"{folder}/craftsync.toml:{line}: ")
    assert sentence in message


def test_an_unknown_key_is_answered_with_the_nearest(folder):
    with pytest.raises(BadSettings) as caught:
        loaded(folder, "[sync]\nworkres = 3\n")
    assert caught.value.hint == "Did you mean workers?"


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("CRAFTSYNC_SYNC_WORKERS", "many", "CRAFTSYNC_SYNC_WORKERS must be a whole number"),
        ("CRAFTSYNC_SYNC_WORKERS", "1.5", "must be a whole number"),
        ("CRAFTSYNC_SYNC_WORKERS", "9223372036854775808", "SYNC_WORKERS is beyond what can be"),
        ("CRAFTSYNC_PURGE_MAX_DELETES", "9" * 5000, "MAX_DELETES must be a whole number"),
        ("CRAFTSYNC_PURGE_ENABLED", "maybe", "CRAFTSYNC_PURGE_ENABLED must be true or false"),
        ("CRAFTSYNC_PURGE_MAX_SHARE", "nan", "must be a number from 0 to 1"),
        ("CRAFTSYNC_PURGE_PLAN_EXPIRY", "soon", "'soon' is no duration"),
        ("CRAFTSYNC_PURGE_PLAN_EXPIRY", "500000w", "'500000w' is no duration"),
        ("CRAFTSYNC_PURGE_MAX_DELETE", "3", "CRAFTSYNC_PURGE_MAX_DELETE is no setting"),
        ("CRAFTSYNC_QUERY_MEMROY", "1GB", "CRAFTSYNC_QUERY_MEMROY is no setting"),
        ("CRAFTSYNC_ENVIRONMENTS_PROD_ULR", "x", "CRAFTSYNC_ENVIRONMENTS_PROD_ULR is no setting"),
    ],
)
def test_a_flaw_in_a_variable_names_the_variable(folder, variable, text, sentence):
    assert sentence in refused(folder, environ={variable: text})


def test_a_variable_that_keeps_a_token_is_no_unknown_setting(folder):
    text = PROD.replace("PROD_TOKEN", "CRAFTSYNC_SYNC_TOKEN")
    environ = {"CRAFTSYNC_SYNC_TOKEN": SECRET}
    assert loaded(folder, text, environ=environ).environment("prod").token(environ) == SECRET


def test_a_flag_that_does_not_fit_is_wrong_usage(folder):
    with pytest.raises(Usage, match=r"for sync\.settle is not understood"):
        loaded(folder, flags={"sync.settle": "1x"})


@pytest.mark.parametrize(
    "text", [PROD.replace("PROD_TOKEN", SECRET), f'[purge]\ntoken_env = "{SECRET}"\n']
)
def test_a_token_in_the_place_of_its_variable_is_refused_and_never_repeated(folder, text):
    message = refused(folder, text)
    assert "token_env must be the name of a variable" in message
    assert SECRET not in message


def test_a_literal_token_is_refused_and_never_repeated(folder):
    text = f'[environments.prod]\nurl = "https://x.example"\ntoken = "{SECRET}"\n'
    with pytest.raises(BadSettings) as caught:
        loaded(folder, text)
    assert f"{folder}/craftsync.toml:3: environments.prod.token is refused" in str(caught.value)
    assert "token_env" in caught.value.hint
    assert SECRET not in f"{caught.value}{caught.value.hint}"


def test_a_literal_token_in_a_variable_is_refused_too(folder):
    message = refused(folder, PROD, environ={"CRAFTSYNC_ENVIRONMENTS_PROD_TOKEN": SECRET})
    assert "CRAFTSYNC_ENVIRONMENTS_PROD_TOKEN is no setting" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://acme.example", "a token goes over http:// to loopback alone"),
        ("http://127.0.0.1.acme.example", "a token goes over http://"),
        ("ftp://acme.example", "must be a URL that starts with https://"),
        ("acme.example", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://a b.example", "must be a URL"),
        ("https://acme.example:port", "is no URL"),
        (f"https://ada:{SECRET}@acme.example", "must not hold a user or a password"),
        (f"https://acme.example/?key={SECRET}", "must end before"),
    ],
)
def test_a_url_that_cannot_be_trusted_with_a_token_is_refused(folder, url, sentence):
    message = refused(folder, PROD.replace("https://acme.example", url))
    assert message.startswith(f"{folder}/craftsync.toml:2: environments.prod.url ")
    assert sentence in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1:9", "http://127.8.0.1", "http://[::1]:1"]
)
def test_loopback_may_be_reached_without_tls(folder, url):
    assert loaded(folder, PROD.replace("https://acme.example", url)).environment("prod").url == url


def test_a_file_that_cannot_be_read_is_no_file_that_is_not_there(folder):
    (folder / "craftsync.toml").mkdir()
    assert "cannot be read: Is a directory" in refused(folder)


def test_a_file_in_another_encoding_is_refused_with_its_line(folder):
    (folder / "craftsync.toml").write_bytes(b"# a\nstore = '\xe9'\n")
    assert refused(folder) == f"{folder}/craftsync.toml:2: This is not UTF-8."


def test_a_mark_of_byte_order_and_the_ends_of_lines_of_windows_are_no_flaws(folder):
    (folder / "craftsync.toml").write_bytes(b"\xef\xbb\xbf[sync]\r\nworkers = 9\r\n")
    assert loaded(folder).sync.workers == 9


@pytest.mark.parametrize(("mode", "noted"), [(0o644, True), (0o640, True), (0o600, False)])
def test_a_settings_file_open_to_others_is_worth_a_note(folder, mode, noted):
    path = write(folder / "craftsync.toml", PROD)
    path.chmod(mode)
    notes = loaded(folder).notes
    assert notes == (
        (Note(f"{path} is open to others (mode {mode:04o}).", hint=f"chmod 600 {path}"),)
        if noted
        else ()
    )


# Tokens


def prod(folder, line, environ=None):
    text = f'[environments.prod]\nurl = "https://x.example"\n{line}\n'
    return loaded(folder, text, environ=environ)


def test_a_token_comes_from_a_variable_when_it_is_needed(folder):
    found = prod(folder, 'token_env = "T"')
    assert found.environment("prod").token({"T": f" {SECRET}\n"}) == SECRET


@pytest.mark.parametrize("environ", [{}, {"T": ""}, {"T": "  "}])
def test_a_variable_without_a_token_is_named(folder, environ):
    with pytest.raises(BadSettings, match="token of environment prod is missing: the variable T"):
        prod(folder, 'token_env = "T"').environment("prod").token(environ)


@pytest.mark.parametrize("token", [f"{SECRET} x", f"{SECRET}\nx", f"{SECRET}é", f"{SECRET}\x00"])
def test_what_would_not_fit_into_a_header_is_refused_and_not_repeated(folder, token):
    with pytest.raises(BadSettings, match="is no token") as caught:
        prod(folder, 'token_env = "T"').environment("prod").token({"T": token})
    assert SECRET not in str(caught.value)


def test_a_token_comes_from_a_file_beside_the_settings(folder):
    write(folder / "token", f"{SECRET}\n")
    found = prod(folder, 'token_file = "token"')
    assert found.environment("prod").token({}) == SECRET
    assert found.notes == ()


def test_a_token_file_open_to_others_is_worth_a_note(folder):
    write(folder / "token", SECRET).chmod(0o644)
    (note,) = prod(folder, 'token_file = "token"').notes
    assert "is open to others (mode 0644)" in note.sentence
    assert note.hint == f"chmod 600 {folder}/token"


def test_a_token_file_that_is_missing_matters_only_when_it_is_needed(folder):
    found = prod(folder, 'token_file = "nowhere"')
    with pytest.raises(BadSettings, match="nowhere cannot be read: No such file"):
        found.environment("prod").token({})


def test_a_token_comes_from_the_first_line_of_a_command_run_without_a_shell(folder):
    line = f"token_command = \"printf '%s\\\\nuser: ada\\\\n' {SECRET}\""
    assert prod(folder, line).environment("prod").token({"PATH": "/usr/bin:/bin"}) == SECRET
    found = prod(folder, f'token_command = "echo {SECRET};id"')
    assert found.environment("prod").token({"PATH": "/usr/bin:/bin"}) == f"{SECRET};id"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (f"sh -c 'echo {SECRET}; echo {SECRET} >&2; exit 3'", "sh, failed with 3"),
        ("true", "what true printed is empty"),
        ("no-such-program-anywhere", "cannot be run: No such file"),
        ("'unclosed", "cannot be split into words"),
    ],
)
def test_a_command_that_gives_no_token_is_told_without_its_words(folder, command, sentence, capfd):
    found = prod(folder, f'token_command = """{command}"""')
    with pytest.raises(BadSettings) as caught:
        found.environment("prod").token({"PATH": "/usr/bin:/bin"})
    assert sentence in str(caught.value)
    assert SECRET not in f"{caught.value}{caught.value.hint}{capfd.readouterr()}"


def test_a_command_that_hangs_is_given_up():
    with pytest.raises(BadSettings, match=r"sleep, gave no token within 0\.2 s"):
        token_of_command("sleep 5", {"PATH": "/usr/bin:/bin"}, who="it", timeout_s=0.2)


def test_purging_may_have_a_token_of_its_own(folder):
    found = loaded(folder, "[purge]\ntoken_env = 'PURGE_TOKEN'\n")
    assert found.purge.token({"PURGE_TOKEN": SECRET}) == SECRET
    with pytest.raises(BadSettings, match="PURGE_TOKEN is not set"):
        found.purge.token({})
    assert loaded(folder, "[purge]\n").purge.token({}) is None


def test_every_secret_is_told_to_who_keeps_them_out_of_messages(folder):
    told = []
    key = "ab" * 32
    environ = {
        **OFFICIAL,
        "CRAFTSYNC_STORE": "postgresql://ada:pass-of-the-store@db.example/h?password=other",
        "CRAFTSYNC_FINGERPRINT_KEY": key,
    }
    found = loaded(folder, environ=environ, remember=told.append)
    found.environment("default").token(environ)
    assert set(told) == {"pass-of-the-store", "other", key, "sdk-token-of-the-client"}


# What is shown


def test_every_setting_is_shown_with_its_source_and_no_secret(folder):
    environ = {
        "CRAFTSYNC_STORE": f"postgresql://ada:{SECRET}@db.example/h?password={SECRET}",
        "CRAFTSYNC_FINGERPRINT_KEY": "ab" * 32,
        "PROD_TOKEN": SECRET,
    }
    text = PROD + STAGING.replace('token_env = "STG_TOKEN"', f'token_command = "echo {SECRET}"')
    found = loaded(folder, text, environ=environ)
    rows = {key: (value, source) for key, value, source in found.rows()}
    file = f"{folder}/craftsync.toml"
    assert rows["store"] == (
        "postgresql://ada:****@db.example/h?password=****",
        "CRAFTSYNC_STORE",
    )
    assert rows["environments.prod.url"] == ("https://acme.example", f"{file}:2")
    assert rows["environments.prod.token_env"] == ("PROD_TOKEN", f"{file}:3")
    assert rows["environments.staging.token_command"] == ("echo ****", f"{file}:6")
    assert rows["fingerprint_key"] == ("****", "CRAFTSYNC_FINGERPRINT_KEY")
    assert rows["purge.plan_expiry"] == ("24h", "default")
    assert SECRET not in str(rows)
    assert SECRET not in repr(found)


def test_the_key_of_the_fingerprints_is_64_hex_digits(folder):
    found = loaded(folder, environ={"CRAFTSYNC_FINGERPRINT_KEY": "0f" * 32})
    assert found.fingerprint_key == b"\x0f" * 32
    for wrong in ("0f", "x" * 64, SECRET):
        message = refused(folder, environ={"CRAFTSYNC_FINGERPRINT_KEY": wrong})
        assert message.startswith("CRAFTSYNC_FINGERPRINT_KEY must be 64 hex digits")
        assert wrong == "0f" or wrong not in message


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=7), "7d"),
        (timedelta(days=1), "24h"),
        (timedelta(hours=1), "1h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=30), "30s"),
        (timedelta(0), "0s"),
    ],
)
def test_a_duration_is_shown_as_one_would_write_it(span, text):
    assert span_text(span) == text


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:////var/lib/h.db", "sqlite:////var/lib/h.db"),
        ("/a/path@with:signs", "/a/path@with:signs"),
        ("postgresql://ada@h/d", "postgresql://ada@h/d"),
        ("postgresql://:pw@h/d", "postgresql://:****@h/d"),
        ("postgresql://ada:p@w@h/d", "postgresql://ada:****@h/d"),
        ("postgresql://ada:p/w@h/d", "postgresql://ada:****@h/d"),
        ("postgresql://ada:p w@h/d", "postgresql://ada:****@h/d"),
        ("postgresql://ada:p?w#@h/d", "postgresql://ada:****@h/d"),
        ("postgresql://h/d?user=a&password=b&x=1", "postgresql://h/d?user=a&password=****&x=1"),
        ("postgresql://h/d?sslpassword=a%20b", "postgresql://h/d?sslpassword=****"),
    ],
)
def test_the_password_of_a_store_is_masked(url, masked):
    assert without_passwords(url) == masked


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("/a/path", []),
        ("postgresql://ada@h/d", []),
        ("postgresql://ada:@h/d", []),
        ("postgresql://ada:p%40/w@h/d", ["p%40/w", "p@/w"]),
        ("postgresql://h/d?password=b&sslpassword=c", ["b", "c"]),
    ],
)
def test_the_password_of_a_store_is_known_as_it_is_written_and_as_it_is_meant(url, passwords):
    assert passwords_of(url) == passwords


def test_the_file_that_config_init_writes_says_the_defaults(folder):
    from craftsync.cli.config import TEMPLATE

    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line and "store" not in line else line
        for line in TEMPLATE.splitlines()
    ).replace("# [environments", "[environments")
    found = loaded(folder, uncommented)
    assert found.purge == loaded(folder.parent).purge
    assert found.sync == loaded(folder.parent).sync
    assert list(found.environments) == ["prod"]
    assert loaded(folder, TEMPLATE).environments == {}


# All flaws at once


def test_a_caller_may_hear_of_every_flaw_and_gets_the_rest(folder):
    flaws = []
    found = loaded(
        folder,
        'purple = 1\n[sync]\nworkers = "many"\nsettle = "2h"\nspeed = 9\n[purge]\nmax_share = 3\n'
        + PROD
        + '[environments.old]\nurl = "ftp://x"\ntoken = "'
        + SECRET
        + '"\ntoken_env = "OLD"\n',
        environ={"CRAFTSYNC_SYNC_SPEED": "9", "CRAFTSYNC_FINGERPRINT_KEY": "short"},
        forgive=flaws.append,
    )
    told = "\n".join(map(str, flaws))
    for what in (
        "purple is no setting",
        "sync.workers must be",
        "sync.speed is no setting",
        "purge.max_share must be",
        "environments.old.token is refused",
        "environments.old.url must be",
        "CRAFTSYNC_SYNC_SPEED is no setting",
        "CRAFTSYNC_FINGERPRINT_KEY must be",
    ):
        assert what in told
    assert len(flaws) == 8
    assert SECRET not in told
    assert (found.sync.workers, found.sync.settle) == (16, timedelta(hours=2))
    assert list(found.environments) == ["prod"]


def test_a_file_that_is_no_toml_is_one_flaw_among_others(folder):
    flaws = []
    assert loaded(folder, "store = ", environ={"CRAFTSYNC_SYNC_WORKERS": "0"},
                  forgive=flaws.append).sync.workers == 16  # fmt: skip
    assert [type(flaw) for flaw in flaws] == [BadSettings, BadSettings]


def test_a_store_without_a_place_is_no_path_to_whoever_forgives(tmp_path):
    flaws = []
    found = settings.load(environ={}, cwd=tmp_path, forgive=flaws.append)
    assert found.store == ""
    assert "no place for the store" in str(flaws[0])


def test_a_wrong_flag_is_never_forgiven(folder):
    with pytest.raises(Usage):
        loaded(folder, flags={"sync.workers": "many"}, forgive=[].append)
