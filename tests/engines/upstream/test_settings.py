"""Where an upstream is, and what cannot be right about it."""

from __future__ import annotations

import pytest

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.settings import Upstream
from glmgate.errors import SettingsError


def upstream(base_url: str) -> Upstream:
    """An upstream with this address."""
    return Upstream(name="up", base_url=base_url, profile=shipped("generic"))


@pytest.mark.parametrize("base_url", ["https://api.test/v1", "https://api.test/v1/"])
def test_endpoints_stand_below_the_base_url(base_url: str) -> None:
    """With or without a slash at its end."""
    assert upstream(base_url).url("/chat/completions") == "https://api.test/v1/chat/completions"


def test_some_endpoints_stand_beside_the_version() -> None:
    """Model servers have their own there."""
    assert upstream("http://127.0.0.1:8000/v1/").root_url("/tokenize") == "http://127.0.0.1:8000/tokenize"
    assert upstream("http://127.0.0.1:8000").root_url("/tokenize") == "http://127.0.0.1:8000/tokenize"


@pytest.mark.parametrize(
    ("base_url", "told"),
    [
        ("api.test/v1", "https://HOST/PATH"),
        ("ftp://api.test", "https://HOST/PATH"),
        ("https://", "https://HOST/PATH"),
        ("https://api.test/v1?key=1", "https://HOST/PATH"),
        ("https://api.test/v1/chat/completions", "Leave that out"),
        ("https://api.test/v1/embeddings/", "Leave that out"),
        ("https://me:hidden@api.test/v1", "credentials"),
    ],
)
def test_what_cannot_be_right_stops_the_start(base_url: str, told: str) -> None:
    """The message names the upstream and says what to write; a credential in the address is not shown."""
    with pytest.raises(SettingsError, match=told) as raised:
        upstream(base_url)
    assert "'up'" in raised.value.message
    assert "hidden" not in raised.value.message
