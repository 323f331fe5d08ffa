"""The section `[otel]`: what is right, and how what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.settings import Settings, load
from glmgate.settings.otel import otel_headers
from glmgate.telemetry.settings import OtelSettings


def read(home: Path, text: str, **environment: str) -> Settings:
    """The settings with this text in their section."""
    (home / "glmgate.toml").write_text(f"[otel]\n{text}\n")
    return load(environment=environment, home=home)


def test_by_default_nothing_is_sent(tmp_path: Path) -> None:
    """Also where other programs' variables name a collector: one has to ask for it."""
    settings = read(tmp_path, "", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")
    assert (settings.otel, settings.otel_headers) == (OtelSettings(), {})


def test_a_collector_with_headers(tmp_path: Path) -> None:
    """The headers are a secret, so they stand elsewhere, and in no picture of the settings."""
    text = 'endpoint = "https://collector.example.org:4318"\nheaders = "env:TOKENS"\nsample = 0.25'
    settings = read(tmp_path, text, TOKENS="x-token=abc=, Authorization=Basic QQ==")
    assert settings.otel.endpoint == "https://collector.example.org:4318"
    assert settings.otel.sample == 0.25
    assert settings.otel_headers == {"x-token": "abc=", "Authorization": "Basic QQ=="}
    assert "abc" not in repr(settings)


def test_a_variable_names_the_collector(tmp_path: Path) -> None:
    """As it does for every setting."""
    assert read(tmp_path, "", GLMGATE_OTEL_ENDPOINT="http://127.0.0.1:4318").otel.endpoint == "http://127.0.0.1:4318"


def test_who_asks_no_collector_need_not_have_the_headers(tmp_path: Path) -> None:
    """As `glmgate keys`, in a shell without the server's environment."""
    (tmp_path / "glmgate.toml").write_text('[otel]\nheaders = "env:TOKENS"\n')
    assert load(environment={}, home=tmp_path, secrets=False).otel_headers == {}
    with pytest.raises(SettingsError, match="TOKENS, which is not set"):
        load(environment={}, home=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('endpoint = "127.0.0.1:4318"', r"'127.0.0.1:4318', it must be a URL such as http://127.0.0.1:4318"),
        ('endpoint = "grpc://collector:4317"', "it must be a URL"),
        ("sample = 1.5", "sample is 1.5, it must be a number from 0 to 1"),
        ("sample = -0.1", "must not be negative"),
        ("interval_s = 0", "must be more than 0"),
        ('headers = "x-token=abc"', "never the secret itself"),
        ("endpiont = 1", "Do you mean endpoint"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, message: str) -> None:
    """With what it must be."""
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["x-token", "=abc", "x token=abc", "a=b,x-token", "a=b\nc"])
def test_headers_of_another_form_are_told_without_their_text(text: str) -> None:
    """Which part it is, since the part may be a secret."""
    with pytest.raises(SettingsError, match=r"part \d is not of the form name=value") as caught:
        otel_headers(text)
    assert "token" not in str(caught.value)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "", " , ,", "\n"])
def test_no_headers(text: str | None) -> None:
    """An empty file is none."""
    assert otel_headers(text) == {}
