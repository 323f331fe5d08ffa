"""Tests of the settings: where they come from, who wins, and how mistakes are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.keys import MasterKey
from glmgate.settings import Setting, Settings, declared, load, with_models
from glmgate.weights.hub import Hub

SECRET = "a-master-key-of-more-than-32-characters"


def settings(home: Path, text: str = "", *, environment: Mapping[str, str] | None = None, **flags: object) -> Settings:
    """The settings with `text` as the home's file; flags are written `section__name`."""
    home.mkdir(exist_ok=True)
    if text:
        (home / "glmgate.toml").write_text(text)
    by_place = {(name.partition("__")[0], name.partition("__")[2]): value for name, value in flags.items()}
    return load(environment={"GLMGATE_HOME": str(home), **(environment or {})}, flags=by_place)


def mistake(home: Path, text: str = "", *, environment: Mapping[str, str] | None = None, **flags: object) -> str:
    """What is told about settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        settings(home, text, environment=environment, **flags)
    return caught.value.message


def test_without_any_file_everything_has_its_default(tmp_path: Path) -> None:
    """A fresh machine needs no settings."""
    found = settings(tmp_path)
    assert (found.server.host, found.server.port, found.server.auth) == ("127.0.0.1", 8000, True)
    assert found.storage.url == f"sqlite:///{tmp_path}/glmgate.db"
    assert (found.home, found.file, found.master_key, found.models) == (tmp_path, None, None, ())


def test_the_home_is_the_platforms_data_folder() -> None:
    """Where nobody names a home, it is a folder of our own name among the user's data."""
    assert load(environment={}).home.name == "glmgate"


def test_a_given_home_wins_over_the_environment(tmp_path: Path) -> None:
    """--home goes before GLMGATE_HOME, and a leading ~ is the user's folder."""
    found = load(environment={"GLMGATE_HOME": "/elsewhere"}, home=tmp_path)
    assert found.home == tmp_path
    assert load(environment={}, home=Path("~/x")).home == Path.home() / "x"


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    """Each place overrides the one below it, setting by setting."""
    text = "[server]\nport = 1\nhost = '127.0.0.2'\nkeep_alive_s = 5\n"
    environment = {"GLMGATE_SERVER_PORT": "2", "GLMGATE_SERVER_HOST": "127.0.0.3"}
    server = settings(tmp_path, text, environment=environment, server__port=3).server
    assert (server.port, server.host, server.keep_alive_s) == (3, "127.0.0.3", 5.0)


def test_flags_that_were_not_given_change_nothing(tmp_path: Path) -> None:
    """None is no value."""
    assert settings(tmp_path, "[server]\nport = 1\n", server__port=None).server.port == 1


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_a_file_can_be_named(tmp_path: Path, by: str) -> None:
    """--config and GLMGATE_CONFIG name a file outside of the home."""
    file = tmp_path / "other.toml"
    file.write_text("[server]\nport = 4\n")
    environment = {"GLMGATE_HOME": str(tmp_path)}
    if by == "variable":
        found = load(environment={**environment, "GLMGATE_CONFIG": str(file)})
    else:
        found = load(environment=environment, config=file)
    assert (found.server.port, found.file) == (4, file)


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    """A file that somebody names and that is missing is a mistake, unlike the home's own."""
    assert "nowhere.toml" in mistake(tmp_path, environment={"GLMGATE_CONFIG": str(tmp_path / "nowhere.toml")})


@pytest.mark.parametrize("setting", declared(), ids=str)
def test_every_setting_says_what_it_means(setting: Setting) -> None:
    """Documentation and help are made of these sentences."""
    assert setting.help.endswith(".")


@pytest.mark.parametrize(
    ("variable", "text", "section", "name", "value"),
    [
        ("GLMGATE_SERVER_AUTH", "false", "server", "auth", False),
        ("GLMGATE_SERVER_METRICS_PUBLIC", "1", "server", "metrics_public", True),
        ("GLMGATE_SERVER_BODY_TIMEOUT_S", "2.5", "server", "body_timeout_s", 2.5),
        (
            "GLMGATE_SERVER_TRUSTED_PROXIES",
            "10.0.0.1, 10.1.0.0/16",
            "server",
            "trusted_proxies",
            ("10.0.0.1", "10.1.0.0/16"),
        ),
        ("GLMGATE_ENGINE_THREADS", "2", "engine", "threads", 2),
        ("GLMGATE_ENGINE_CHAT_TEMPLATES", "glm4=/t/a.jinja", "engine", "chat_templates", {"glm4": Path("/t/a.jinja")}),
        ("GLMGATE_ALIASES_OPENAI", "false", "aliases", "openai", False),
        ("GLMGATE_LOG_FORMAT", "json", "log", "format", "json"),
        ("GLMGATE_SERVER_PORT", "", "server", "port", 8000),
    ],
)
def test_variables_are_read_as_their_setting_wants(
    tmp_path: Path, variable: str, text: str, section: str, name: str, value: object
) -> None:
    """Numbers, truth, lists, tables and words come from text; an empty variable counts as unset."""
    found = settings(tmp_path, environment={variable: text})
    assert getattr(getattr(found, section), name) == value


def test_the_file_may_hold_every_kind_of_value(tmp_path: Path) -> None:
    """Lists, tables, whole numbers for times; paths start from the file's own folder."""
    text = """
[server]
cors_origins = ["https://app.example"]
[engine]
idle_s = 5
chat_templates = { glm4 = "t/a.jinja", b = "/b" }
"""
    found = settings(tmp_path, text)
    assert found.server.cors_origins == ("https://app.example",)
    assert found.engine.idle_s == 5
    assert found.engine.chat_templates == {"glm4": tmp_path / "t/a.jinja", "b": Path("/b")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[servr]\nport = 1\n", ["[servr]", "Do you mean server?"]),
        ("[server]\nprot = 1\n", ["[server] prot", "Do you mean port?"]),
        ("[server]\nthreads = 1\n", ["[server] threads", "Do you mean [engine] threads?"]),
        ("[log]\nxyzzy = 1\n", ["[log] xyzzy", "Known are: format, level."]),
        ("server = 1\n", ["server is a section"]),
        ("[server]\nport = 'x'\n", ["[server] port is 'x'", "a whole number"]),
        ("[server]\nport = 1.5\n", ["1.5", "a whole number"]),
        ("[server]\nport = true\n", ["True", "a whole number"]),
        ("[server]\nport = '8000'\n", ["'8000'", "a whole number"]),
        ("[server]\nport = -1\n", ["-1", "must not be negative"]),
        ("[server]\nport = 65536\n", ["65536", "65535"]),
        ("[server]\nbody_timeout_s = nan\n", ["nan", "must not be negative"]),
        ("[server]\nkeep_alive_s = inf\n", ["inf", "must be finite"]),
        ("[engine]\nseed = 4294967296\n", ["4294967296", "4294967295"]),
        ("[server]\nauth = 'no'\n", ["'no'", "true or false"]),
        ("[server]\nhost = 1\n", ["1", "text"]),
        ("[server]\ncors_origins = 'https://a'\n", ["'https://a'", "a list of texts"]),
        ("[engine]\nthreads = 'all'\n", ["'all'", "a whole number"]),
        ("[engine]\nchat_templates = 'a'\n", ["'a'", "a table of names and paths"]),
        ("[engine]\nchat_templates = { a = 1 }\n", ["a table of names and paths"]),
        ("[engine]\nparallel = 0\n", ["0", "at least 1"]),
        ("[server]\nworkers = 0\n", ["[server] workers", "0", "from 1 to 64"]),
        ("[log]\nformat = 'xml'\n", ["'xml'", "one of 'auto', 'json', 'console'"]),
        ("[server\n", ["glmgate.toml", "line 1"]),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place_and_what_to_do(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    """The message shows the bad value, where it stands, and what it should be."""
    message = mistake(tmp_path, text)
    assert any(
        place in message
        for place in ("glmgate.toml", "[engine] parallel", "[engine] seed", "[server] port", "[server] workers")
    )
    assert [part for part in told if part not in message] == []


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("GLMGATE_SERVER_PORT", "http", ["GLMGATE_SERVER_PORT is 'http'", "a whole number"]),
        ("GLMGATE_SERVER_PROT", "1", ["GLMGATE_SERVER_PROT", "Do you mean GLMGATE_SERVER_PORT?"]),
        ("GLMGATE_SERVR_PORT", "1", ["GLMGATE_SERVR_PORT", "Do you mean GLMGATE_SERVER_PORT?"]),
        ("GLMGATE_HOMES", "1", ["Do you mean GLMGATE_HOME?"]),
        ("GLMGATE_ENGINE_QUEUE", "-1", ["'-1'", "must not be negative"]),
    ],
)
def test_a_mistake_in_the_environment_is_told(tmp_path: Path, variable: str, value: str, told: list[str]) -> None:
    """Variables that look like settings but are none are mistakes too."""
    message = mistake(tmp_path, environment={variable: value})
    assert [part for part in told if part not in message] == []


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    """A variable that is like no setting belongs to somebody else, a client's key for instance."""
    assert settings(tmp_path, environment={"GLMGATE_API_KEY": "x", "GLMGATE_URL": "y"}).server.port == 8000


def test_the_master_key_comes_from_a_variable(tmp_path: Path) -> None:
    """A reference to a variable is followed, even where the variable is named like a setting."""
    text = "[server]\nmaster_key = 'env:GLMGATE_SERVER_MASTER'\n"
    found = settings(tmp_path, text, environment={"GLMGATE_SERVER_MASTER": SECRET + "\n"})
    assert found.master_key == MasterKey.from_text(SECRET)


def test_the_master_key_comes_from_a_file(tmp_path: Path) -> None:
    """A reference to a file starts from the settings file's folder."""
    (tmp_path / "key").write_text(SECRET)
    found = settings(tmp_path, "[server]\nmaster_key = 'file:key'\n")
    assert found.master_key == MasterKey.from_text(SECRET)


@pytest.mark.parametrize("reference", [SECRET, "env:", "file:", "vault:x", ""])
def test_the_master_key_itself_does_not_stand_in_the_settings(tmp_path: Path, reference: str) -> None:
    """A value that is no reference may be the secret: it is refused and not shown."""
    message = mistake(tmp_path, f"[server]\nmaster_key = '{reference}'\n")
    assert "env:NAME or file:PATH" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("reference", "told"), [("env:NOWHERE", "NOWHERE, which is not set"), ("file:nowhere", "nowhere'")]
)
def test_a_reference_to_nothing_is_told(tmp_path: Path, reference: str, told: str) -> None:
    """What the reference points to has to be there."""
    assert told in mistake(tmp_path, f"[server]\nmaster_key = '{reference}'\n")


def test_a_setting_is_never_shown_with_the_master_key(tmp_path: Path) -> None:
    """The settings can be printed."""
    found = settings(tmp_path, "[server]\nmaster_key = 'env:KEY'\n", environment={"KEY": SECRET})
    assert SECRET not in repr(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_without_keys_loopback_is_fine(tmp_path: Path, host: str) -> None:
    """On one's own machine a server may ask for no key."""
    assert not settings(tmp_path, server__auth=False, server__host=host).server.auth


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])
def test_without_keys_nobody_else_may_reach_the_server(tmp_path: Path, host: str) -> None:
    """Without keys any address but loopback stops the start."""
    message = mistake(tmp_path, server__auth=False, server__host=host)
    assert repr(host) in message
    assert "loopback" in message


def test_models_have_to_be_files(tmp_path: Path) -> None:
    """A path that is no file is told before anything starts."""
    model = tmp_path / "a.gguf"
    model.write_bytes(b"GGUF")
    assert load(environment={}, home=tmp_path, models=(model,)).models == (model,)
    with pytest.raises(SettingsError, match=r"b\.gguf"):
        load(environment={}, home=tmp_path, models=(model, tmp_path / "b.gguf"))


def test_models_can_be_chosen_later(tmp_path: Path) -> None:
    """What --model names is found only when the settings are known; it is checked alike."""
    model = tmp_path / "a.gguf"
    model.write_bytes(b"GGUF")
    assert with_models(settings(tmp_path), (model,)).models == (model,)
    with pytest.raises(SettingsError, match=r"b\.gguf"):
        with_models(settings(tmp_path), (tmp_path / "b.gguf",))


def test_models_come_from_hugging_face_unless_said_otherwise(tmp_path: Path) -> None:
    """Another hub has its own address; both can have a mirror."""
    assert settings(tmp_path).hub == Hub()
    assert settings(tmp_path, pull__hub="modelscope").hub.endpoint == "https://modelscope.cn"
    mirrored = settings(tmp_path, pull__hub="modelscope", pull__mirror="http://m.example/hub/").hub
    assert (mirrored.kind, mirrored.endpoint) == ("modelscope", "http://m.example/hub")


def test_the_usual_variable_of_hugging_face_is_a_mirror(tmp_path: Path) -> None:
    """For that hub only, and where no mirror is set."""
    usual = {"HF_ENDPOINT": "https://hf.example/"}
    assert settings(tmp_path, environment=usual).hub.endpoint == "https://hf.example"
    assert settings(tmp_path, environment=usual, pull__mirror="https://m.example").hub.endpoint == "https://m.example"
    assert settings(tmp_path, environment=usual, pull__hub="modelscope").hub.endpoint == "https://modelscope.cn"


@pytest.mark.parametrize("url", ["hf.example", "file:///x", "ftp://x"])
def test_a_mirror_is_a_url(tmp_path: Path, url: str) -> None:
    """Whoever names it, the message says where."""
    assert "[pull] mirror" in mistake(tmp_path, pull__mirror=url)
    assert "HF_ENDPOINT" in mistake(tmp_path, environment={"HF_ENDPOINT": url})


def test_a_hubs_token_is_a_reference_and_not_shown(tmp_path: Path) -> None:
    """As every secret."""
    found = settings(tmp_path, "[pull]\ntoken = 'env:T'\n", environment={"T": "hf_secret\n"})
    assert found.hub.token == "hf_secret"
    assert "hf_secret" not in repr(found)
    message = mistake(tmp_path, "[pull]\ntoken = 'hf_secret'\n")
    assert "[pull] token is a reference" in message
    assert "hf_secret" not in message


def test_another_database_is_taken_as_it_is(tmp_path: Path) -> None:
    """A URL without {home} stays."""
    assert settings(tmp_path, "[storage]\nurl = 'sqlite:////var/g.db'\n").storage.url == "sqlite:////var/g.db"


@pytest.mark.parametrize("name", ["url", "redis_url"])
def test_a_url_with_a_password_stands_elsewhere(tmp_path: Path, name: str) -> None:
    """As a whole, in a variable or a file beside the settings; it is in no representation of the settings."""
    secret = f"{'postgresql' if name == 'url' else 'redis'}://u:geheim@host/0"
    (tmp_path / "url.txt").write_text(f"{secret}\n")
    for reference, environment in (("env:URL", {"URL": secret}), ("file:url.txt", {})):
        found = settings(tmp_path, f"[storage]\n{name} = '{reference}'\n", environment=environment)
        assert getattr(found.storage, name) == secret
        assert "geheim" not in repr(found)


@pytest.mark.parametrize("name", ["url", "redis_url"])
def test_a_url_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    """With the setting and where it was looked for."""
    text = f"[storage]\n{name} = 'env:URL'\n"
    assert f"[storage] {name} refers to the variable URL" in mistake(tmp_path, text)
    assert f"[storage] {name} refers to env:URL" in mistake(tmp_path, text, environment={"URL": " "})


def test_limits_are_counted_where_that_is_possible(tmp_path: Path) -> None:
    """A store that the other settings do not give is refused at the start, not at the first request."""
    assert "redis_url" in mistake(tmp_path, "[limits]\nstore = 'redis'\n")
    assert "'file' or 'auto'" in mistake(tmp_path, "[limits]\nstore = 'database'\n")
    assert "'auto', 'memory'" in mistake(tmp_path, "[limits]\nstore = 'disk'\n")
    text = "[limits]\nstore = 'redis'\n[storage]\nredis_url = 'redis://host'\n"
    assert settings(tmp_path, text).limits.store == "redis"


def test_rows_that_are_needed_are_not_thrown_away(tmp_path: Path) -> None:
    """The ledger keeps at least two months; 0 keeps everything."""
    assert "at least 62" in mistake(tmp_path, "[retention]\nledger_days = 30\n")
    assert settings(tmp_path, "[retention]\nledger_days = 0\n").retention.ledger_days == 0


def test_an_upstream_that_is_this_server_is_refused(tmp_path: Path) -> None:
    """Its requests would come back to it for ever; what vLLM listens on by itself is our own port too."""
    (tmp_path / "glmgate.toml").write_text('[[upstreams]]\nname = "here"\nprofile = "vllm"\n')
    with pytest.raises(SettingsError, match="this server itself"):
        load(environment={}, home=tmp_path)
    elsewhere = load(environment={}, home=tmp_path, flags={("server", "port"): 8123})
    assert elsewhere.upstreams[0].base_url == "http://127.0.0.1:8000/v1"
