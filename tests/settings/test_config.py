"""What holds when flags, environment and profiles disagree, and where a key may go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from callscope.core.errors import UsageError
from callscope.endpoints.patience import Timeouts
from callscope.settings.config import Config, Flags, load_config, resolve, unlock
from callscope.settings.profiles import Profile, profile_path, read_profiles

KEY = "sk-not-a-real-key-0123456789"
OTHER = "another-key-9876543210"
WITH_KEY = {"OPENAI_API_KEY": KEY}


def profiles(text: str, folder: Path) -> dict[str, Profile]:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read_profiles(path)


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        profiles(text, folder)
    return str(caught.value)


def authorization(config: Config) -> str | None:
    return next((value for name, value in config.headers if name.lower() == "authorization"), None)


# ---- which setting holds -------------------------------------------------------------------------------------------


def test_without_anything_the_server_is_openai() -> None:
    assert resolve(Flags(), {}, {}).url == "https://api.openai.com/v1"


def test_a_flag_goes_before_a_named_profile_and_that_before_the_environment(tmp_path: Path) -> None:
    both = '[profiles.p]\nurl = "http://p/v1"\nmodel = "pm"\n[profiles.default]\nurl = "http://d/v1"\nmodel = "dm"'
    known = profiles(both, tmp_path)
    environ = {"OPENAI_BASE_URL": "http://e/v1", "CALLSCOPE_MODEL": "em"}
    flagged = resolve(Flags(url="http://f/v1", model="fm", profile="p"), environ, known)
    from_named = resolve(Flags(profile="p"), environ, known)
    from_environment = resolve(Flags(), environ, known)
    from_default = resolve(Flags(), {}, known)
    assert [(each.url, each.model) for each in (flagged, from_named, from_environment, from_default)] == [
        ("http://f/v1", "fm"),
        ("http://p/v1", "pm"),
        ("http://e/v1", "em"),
        ("http://d/v1", "dm"),
    ]


def test_the_environment_holds_where_a_named_profile_says_nothing(tmp_path: Path) -> None:
    known = profiles("[profiles.p]\nmax_rounds = 3", tmp_path)
    config = resolve(Flags(profile="p"), {"OPENAI_BASE_URL": "http://e/v1", "CALLSCOPE_MODEL": "em"}, known)
    assert (config.url, config.model, config.max_rounds) == ("http://e/v1", "em", 3)


def test_an_empty_variable_counts_as_unset() -> None:
    config = resolve(Flags(), {"OPENAI_BASE_URL": "", "CALLSCOPE_MODEL": "", "OPENAI_API_KEY": ""}, {})
    assert (config.url, config.model, config.headers) == ("https://api.openai.com/v1", None, ())


def test_the_profile_default_holds_where_none_is_named(tmp_path: Path) -> None:
    known = profiles('[profiles.default]\nmodel = "d"\n[profiles.other]\nmodel = "o"', tmp_path)
    assert resolve(Flags(), {}, known).model == "d"
    assert resolve(Flags(profile="other"), {}, known).model == "o"


def test_every_member_of_a_profile_arrives(tmp_path: Path) -> None:
    text = """
    [profiles.p]
    url = "http://localhost:8080/v1"
    dialect = "chat"
    system = ""
    tools = ["mine.yaml", "/abs.yaml"]
    tool_choice = "required"
    parallel = false
    strict = true
    tool_forms = ["functions", "null-ids"]
    stream = false
    history = "last"
    approve = "always"
    max_rounds = 3
    retries = 0
    proxy = "http://127.0.0.1:3128"
    ca_file = "ca.pem"
    params = {temperature = 0.5, stop = ["x"]}
    headers = {x-team = "blue"}
    query = {api-version = "1"}
    timeouts = {connect = 1, first_byte = 2.5}
    """
    config = resolve(Flags(profile="p"), {}, profiles(text, tmp_path))
    assert config == Config(
        url="http://localhost:8080/v1",
        dialect="chat",
        system="",
        tools=(tmp_path / "mine.yaml", Path("/abs.yaml")),
        tool_choice="required",
        parallel=False,
        strict=True,
        tool_forms=("functions", "null-ids"),
        stream=False,
        history="last",
        approve="always",
        max_rounds=3,
        retries=0,
        proxy="http://127.0.0.1:3128",
        ca_file=str(tmp_path / "ca.pem"),
        parameters={"temperature": 0.5, "stop": ["x"]},
        headers=(("x-team", "blue"),),
        query=(("api-version", "1"),),
        timeouts=Timeouts(connect=1, first_byte=2.5),
        key_folder=tmp_path,
    )


def test_a_flag_replaces_what_a_profile_says(tmp_path: Path) -> None:
    text = """
    [profiles.p]
    stream = false
    retries = 9
    params = {a = 1, b = 2}
    headers = {X-A = "1"}
    timeouts = {connect = 1}
    """
    flags = Flags(profile="p", stream=True, retries=0, param=("b=3",), header=("x-a: 2",), connect_timeout=5)
    config = resolve(flags, {}, profiles(text, tmp_path))
    assert (config.stream, config.retries, config.parameters) == (True, 0, {"a": 1, "b": 3})
    assert (config.headers, config.timeouts.connect) == ((("x-a", "2"),), 5)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("n=3", 3),
        ("n=0.5", 0.5),
        ("n=true", True),
        ("n=null", None),
        ('n={"a": [1]}', {"a": [1]}),
        ('n="3"', "3"),
        ("n=text", "text"),
        ("n=", ""),
        ("n=a=b", "a=b"),
        ('n="NaN"', "NaN"),
        ("n=012", "012"),
    ],
)
def test_a_param_is_json_where_it_parses_and_else_a_text(word: str, value: object) -> None:
    assert resolve(Flags(param=(word,)), {}, {}).parameters == {"n": value}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (Flags(param=("temperature",)), "--param: write name=value, not temperature"),
        (Flags(param=("t=NaN",)), "--param t: no JSON can carry this number"),
        (Flags(param=("t=-Infinity",)), "--param t: no JSON can carry this number"),
        (Flags(param=("t=1e999",)), "--param t: no JSON can carry this number"),
        (Flags(param=('t={"deep": [1e999]}',)), "--param t: no JSON can carry this number"),
        (Flags(param=("t=" + "[" * 100_000,)), "--param t: no JSON can carry this number, or this depth"),
        (Flags(query=("=x",)), "--query: write name=value"),
        (Flags(header=("no colon",)), "--header"),
        (Flags(header=("a b: c",)), "--header"),
        (Flags(header=("Content-Length: 3",)), "--header"),
        (Flags(history="some"), "--history: 'some' is none of full, last"),
        (Flags(approve="yes"), "--approve: 'yes' is none of always, result, ask, never"),
        (Flags(profile="p"), "--profile: no profile is named p; there is none"),
        (Flags(connect_timeout=0), "connect timeout must be more than 0"),
        (Flags(idle_timeout=float("nan")), "between_bytes timeout"),
        (Flags(key_env="NOT_SET"), "--key-env: the variable NOT_SET is not set"),
        (Flags(url="ftp://x"), "--url: a URL begins with http"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_flag_that_says_it(flags: Flags, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(flags, {}, {})
    assert words in str(caught.value)


def test_a_header_without_a_colon_is_not_quoted_because_it_may_be_a_key() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Flags(header=(KEY,)), {}, {})
    assert KEY not in str(caught.value)


# ---- URLs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h/v1", "http://h/v1"),
        (" https://h/v1/ ", "https://h/v1/"),
        ("https://h/v1/chat/completions?api-version=1#x", "https://h/v1/chat/completions?api-version=1"),
        ("localhost:8080", "http://localhost:8080"),
        ("localhost/v1", "http://localhost/v1"),
        ("127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
        ("[::1]:1/v1", "http://[::1]:1/v1"),
        ("demo.localhost:1", "http://demo.localhost:1"),
        ("localhost:1/?to=http://x", "http://localhost:1/?to=http://x"),
    ],
)
def test_a_url_is_taken_as_given_and_is_http_for_loopback_without_a_scheme(given: str, url: str) -> None:
    assert resolve(Flags(url=given), {}, {}).url == url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("api.example.com/v1", "write https://api.example.com/v1"),
        ("192.168.1.2:8080", "write https://192.168.1.2:8080"),
        ("example.com:443", "write https://example.com:443"),
        ("http:///v1", "the name of a server"),
        ("http://h:port/", "this is no URL"),
        ("http://h h/", "no white space"),
        ("/v1", "the name of a server"),
        ("ws://h/", "a URL begins with http:// or https://"),
    ],
)
def test_a_url_without_a_server_says_what_to_write(given: str, words: str) -> None:
    for flags, environ in ((Flags(url=given), {}), (Flags(), {"OPENAI_BASE_URL": given})):
        with pytest.raises(UsageError) as caught:
            resolve(flags, environ, {})
        assert words in str(caught.value)
        assert str(caught.value).startswith("--url" if flags.url else "OPENAI_BASE_URL")


def test_a_password_in_a_url_becomes_a_header_and_a_secret() -> None:
    config = resolve(Flags(url="http://me:pass%20word@h/v1"), {}, {})
    assert (config.url, authorization(config)) == ("http://h/v1", "Basic bWU6cGFzcyB3b3Jk")
    assert set(config.secrets) == {"pass word", "bWU6cGFzcyB3b3Jk"}


def test_a_key_in_the_query_of_a_url_is_kept_apart_from_it() -> None:
    config = resolve(Flags(url="http://h/v1?a=1&key=a%2Fkey%2Bof-mine&b=2"), {}, {})
    assert (config.url, config.query, config.secrets) == (
        "http://h/v1?a=1&b=2",
        (("key", "a/key+of-mine"),),
        ("a/key+of-mine",),
    )


@pytest.mark.parametrize(
    "given", ["me:hidden-word@example.com", "http://me:hidden-word@:80/", "http://me:hidden-word@h:x/"]
)
def test_an_error_about_a_url_never_shows_its_password(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Flags(url=given), {}, {})
    assert "hidden-word" not in str(caught.value)


# ---- where a key may go --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "base", "sent"),
    [
        (None, None, True),
        ("https://api.openai.com/v1", None, True),
        ("https://api.openai.com:443/other", None, True),
        ("https://api.openai.com/v1", "http://e/v1", True),
        (None, "http://e/v1", True),
        ("http://e/elsewhere", "http://e/v1", True),
        ("http://api.openai.com/v1", None, False),
        ("https://api.openai.com.evil.example/v1", None, False),
        ("https://api.openai.com@evil.example/v1", None, False),
        ("https://evil.example/api.openai.com", None, False),
        ("http://e:81/v1", "http://e/v1", False),
        ("https://e/v1", "http://e/v1", False),
        ("http://localhost:8080/v1", None, False),
        ("http://localhost:8080/v1", "not a url", False),
    ],
)
def test_the_openai_key_goes_to_openai_and_to_the_base_url_and_nowhere_else(
    url: str | None, base: str | None, sent: bool
) -> None:
    config = resolve(Flags(url=url), {**WITH_KEY, **({"OPENAI_BASE_URL": base} if base else {})}, {})
    assert (f"Bearer {KEY}" in dict(config.headers).values()) is sent
    assert (KEY in config.secrets) is sent
    assert bool(config.notices) is not sent


def test_a_withheld_key_is_told_and_not_shown() -> None:
    [notice] = resolve(Flags(url="http://h/v1"), WITH_KEY, {}).notices
    assert notice == "OPENAI_API_KEY is not sent to h:80; to send a key there, name its variable with --key-env."


def test_key_env_sends_a_key_to_any_server_and_goes_before_all_others() -> None:
    config = resolve(Flags(url="http://h/v1", key_env="MINE"), {**WITH_KEY, "MINE": f"{OTHER}\n"}, {})
    assert (authorization(config), config.key_variable, config.secrets) == (f"Bearer {OTHER}", "MINE", (OTHER,))


def test_a_header_of_ones_own_goes_before_the_key() -> None:
    config = resolve(Flags(header=("Authorization: Custom abc-def-ghi",)), WITH_KEY, {})
    assert config.headers == (("Authorization", "Custom abc-def-ghi"),)
    assert unlock(config) == config


def test_a_missing_openai_key_is_told_by_name() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        unlock(resolve(Flags(), {}, {}))


def test_loopback_needs_no_key_and_is_sent_none() -> None:
    config = unlock(resolve(Flags(url="localhost:8080"), {}, {}))
    assert (config.headers, config.secrets, config.notices) == ((), (), ())


def test_what_a_profile_carries_goes_to_its_own_server_alone(tmp_path: Path) -> None:
    text = """
    [profiles.p]
    url = "https://p/v1"
    key_env = "P"
    headers = {x-api-key = "xxxxxxxx"}
    query = {token = "yyyyyyyy"}
    """
    known = profiles(text, tmp_path)
    environ = {"P": OTHER}
    home = resolve(Flags(profile="p"), environ, known)
    path = resolve(Flags(profile="p", url="https://p/v2"), environ, known)
    for config in (home, path):
        assert set(config.secrets) == {OTHER, "xxxxxxxx", "yyyyyyyy"}
        assert (authorization(config), config.key_variable, config.notices) == (f"Bearer {OTHER}", "P", ())
    by_default = {"default": known["p"]}
    elsewhere = [
        (Flags(profile="p", url="https://q/v1"), known, {}),
        (Flags(), by_default, {"OPENAI_BASE_URL": "http://p"}),
    ]
    for flags, there, variables in elsewhere:
        away = resolve(flags, {**environ, **variables}, there)
        assert (away.headers, away.query, away.secrets) == ((), (), ())
        assert "profile p" in away.notices[0]


@pytest.mark.parametrize(
    "carried", ['key_env = "P"', 'key_command = ["x"]', 'headers = {x-api-key = "x"}', 'query = {key = "x"}']
)
def test_a_profile_with_a_key_and_without_a_url_is_refused(carried: str, tmp_path: Path) -> None:
    assert "needs a url beside it" in refusal(f"[profiles.p]\n{carried}", tmp_path)


def test_nothing_secret_is_in_the_repr_of_a_config() -> None:
    flags = Flags(
        url=f"http://me:{OTHER}@h/v1?key={OTHER}", header=(f"x-token: {OTHER}",), proxy=f"http://me:{OTHER}@p"
    )
    config = resolve(flags, {}, {})
    assert OTHER in config.secrets
    assert OTHER not in repr(config)


def test_headers_that_carry_no_credential_are_no_secrets() -> None:
    config = resolve(Flags(header=("x-team: blueblue", "Cookie: session=1234567")), {}, {})
    assert config.secrets == ("session=1234567",)


# ---- key commands --------------------------------------------------------------------------------------------------


def commanded(program: str, folder: Path) -> Config:
    command = json.dumps([sys.executable, "-c", program])
    text = f'[profiles.p]\nurl = "http://h/v1"\nkey_command = {command}'
    return resolve(Flags(profile="p"), {}, profiles(text, folder))


def test_a_key_command_runs_only_when_the_key_is_needed(tmp_path: Path) -> None:
    config = commanded(f"open('ran', 'w'); print('{OTHER}')", tmp_path)
    assert not (tmp_path / "ran").exists()
    unlocked = unlock(config)
    assert (tmp_path / "ran").exists()
    assert (authorization(unlocked), unlocked.secrets) == (f"Bearer {OTHER}", (OTHER,))


def test_a_key_command_never_runs_where_a_header_has_the_last_word(tmp_path: Path) -> None:
    text = '[profiles.p]\nurl = "http://h/v1"\nkey_command = ["/nonexistent"]'
    config = resolve(Flags(profile="p", header=("authorization: mine",)), {}, profiles(text, tmp_path))
    assert authorization(unlock(config)) == "mine"


def test_a_relative_key_command_is_looked_up_beside_the_profile_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, repository = tmp_path / "home", tmp_path / "repository"
    for folder, key in ((home, "right-key-1"), (repository, "wrong-key-1")):
        folder.mkdir()
        script = folder / "key.sh"
        script.write_text(f"#!/bin/sh\necho {key}\n")
        script.chmod(0o700)
    monkeypatch.chdir(repository)
    known = profiles('[profiles.p]\nurl = "http://h"\nkey_command = ["./key.sh"]', home)
    assert unlock(resolve(Flags(profile="p"), {}, known)).secrets == ("right-key-1",)


def test_a_key_command_gets_its_arguments_as_they_are_and_no_shell(tmp_path: Path) -> None:
    text = '[profiles.p]\nurl = "http://h"\nkey_command = ["echo", "$HOME; `id`"]'
    assert unlock(resolve(Flags(profile="p"), {}, profiles(text, tmp_path))).secrets == ("$HOME; `id`",)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("print('hidden-words'); raise SystemExit(3)", "ended with exit code 3"),
        ("import sys; sys.stderr.write('hidden-words'); sys.exit(1)", "ended with exit code 1"),
        ("pass", "printed nothing"),
        ("print('hidden-words\\nhidden-words')", "printed more than one line"),
    ],
)
def test_a_key_command_that_gives_no_key_is_told_without_its_output(program: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        unlock(commanded(program, tmp_path))
    assert words in str(caught.value)
    assert "hidden-words" not in str(caught.value)


def test_a_key_command_that_does_not_exist_is_told(tmp_path: Path) -> None:
    known = profiles('[profiles.p]\nurl = "http://h"\nkey_command = ["/nonexistent/key"]', tmp_path)
    with pytest.raises(UsageError, match="/nonexistent/key cannot be run"):
        unlock(resolve(Flags(profile="p"), {}, known))


def test_a_key_command_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.settings.keys.LONGEST_KEY_COMMAND", 0.2)
    with pytest.raises(UsageError, match=r"gave no key within 0\.2 seconds"):
        unlock(commanded("import time; time.sleep(60)", tmp_path))


# ---- the profile file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/home/me"}, "/home/me/.config/callscope/config.toml"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "/etc/me"}, "/etc/me/callscope/config.toml"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "relative"}, "/home/me/.config/callscope/config.toml"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": ""}, "/home/me/.config/callscope/config.toml"),
    ],
)
def test_the_profile_file_is_in_the_persons_own_folder(environ: dict[str, str], path: str) -> None:
    assert profile_path(environ) == Path(path)


@pytest.mark.parametrize("name", ["config.toml", "callscope/config.toml", ".config/callscope/config.toml"])
def test_a_profile_file_in_the_working_directory_is_never_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    (repository / name).parent.mkdir(parents=True)
    (repository / name).write_text('[profiles.default]\nurl = "http://evil"')
    monkeypatch.chdir(repository)
    for variables in ({"HOME": str(tmp_path)}, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "."}):
        assert load_config(Flags(), {**variables, **WITH_KEY}).url == "https://api.openai.com/v1"


def test_the_profile_file_is_read_and_its_key_command_run_in_one_go(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "callscope"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f'[profiles.default]\nurl = "http://h/v1"\nkey_command = ["echo", "{OTHER}"]')
    assert authorization(load_config(Flags(), {"HOME": str(tmp_path)})) == f"Bearer {OTHER}"


def test_no_file_means_no_profiles(tmp_path: Path) -> None:
    assert read_profiles(tmp_path / "config.toml") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[profiles.a]\nmodel = "x"\n\n[profiles.b]\nmodle = "x"',
            "config.toml:5: modle is unknown here; did you mean model?",
        ),
        ('[profiles.b]\n"modle" = "x"', "config.toml:2: modle is unknown here; did you mean model?"),
        ('[profiles.b.header]\nx = "y"', "config.toml:1: header is unknown here; did you mean headers?"),
        ("[profiles.b]\nmodel = 3", "config.toml:2: model must be a text"),
        ('[profiles.b]\nkey_command = "pass show key"', "config.toml:2: key_command must be a list of texts"),
        ("[profiles.b]\nkey_command = []", "key_command must be a list of texts"),
        ("[profiles.b]\nstream = 1", "stream must be true or false"),
        ("[profiles.b]\nstrict = 1", "strict must be true or false"),
        ('[profiles.b]\ntool_forms = "functions"', "tool_forms must be a list of functions, flat-allowed, null-ids"),
        ('[profiles.b]\ntool_forms = ["legacy"]', "config.toml:2: tool_forms must be a list of functions"),
        ("[profiles.b]\nmax_rounds = 0", "max_rounds must be a whole number of at least 1"),
        ("[profiles.b]\nretries = true", "retries must be a whole number of at least 0"),
        ('[profiles.b]\nhistory = "none"', 'history must be "full", "last" or "server"'),
        ("[profiles.b]\nparams = {t = nan}", "params must be a table of what JSON can carry"),
        ("[profiles.b]\nparams = {t = [-inf]}", "params must be a table of what JSON can carry"),
        ("[profiles.b]\nparams = {t = 2026-11-21}", "params must be a table of what JSON can carry"),
        ("[profiles.b]\nparams = 3", "params must be a table"),
        ("[profiles.b]\nheaders = {a = 1}", "headers must be a table of texts"),
        ("[profiles.b]\ntimeouts = {read = 1}", "timeouts must be a table of seconds above 0: connect"),
        ("[profiles.b]\ntimeouts = {connect = 0}", "timeouts must be a table of seconds above 0"),
        (
            '[profiles.b]\nurl = "http://h"\nkey_env = "A"\nkey_command = ["b"]',
            "config.toml:4: key_command and key_env name two",
        ),
        ('[profile.b]\nmodel = "x"', "config.toml:1: profile is unknown here; did you mean profiles?"),
        ('model = "x"', "config.toml:1: model is unknown here; known: profiles"),
        ("profiles = 3", "config.toml:1: profiles must be tables"),
        ("[profiles]\nb = 3", "profiles must be tables"),
        ("[profiles.b\n", "config.toml: not TOML: "),
    ],
)
def test_a_bad_profile_file_is_refused_with_file_line_and_rule(text: str, words: str, tmp_path: Path) -> None:
    said = refusal(text, tmp_path)
    assert words in said
    assert str(tmp_path) in said


def test_a_profile_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read_profiles(path)


def test_an_unknown_profile_names_those_there_are(tmp_path: Path) -> None:
    known = profiles('[profiles.a]\nmodel = "x"\n[profiles.b]\nmodel = "y"', tmp_path)
    with pytest.raises(UsageError, match="no profile is named c; known: a, b"):
        resolve(Flags(profile="c"), {}, known)
