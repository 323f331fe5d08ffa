"""Which proxy a URL is asked through."""

from __future__ import annotations

import pytest

from glmgate.errors import SettingsError
from glmgate.transport.proxies import Proxies

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"https_proxy": PROXY}, PROXY),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other.test:1"}, PROXY),
        ({"ALL_PROXY": "proxy.test:3128"}, PROXY),
        ({"http_proxy": PROXY}, None),
        ({"https_proxy": ""}, None),
    ],
)
def test_the_environment_is_read_as_others_read_it(environment: dict[str, str], expected: str | None) -> None:
    """Lower case before upper case, one proxy for all where none is named, and an empty value is none."""
    assert Proxies.read(environment).for_url("https://api.test/v1") == expected


def test_plain_urls_have_a_proxy_of_their_own() -> None:
    """`http_proxy` and `https_proxy` are about the URL, not about the proxy."""
    proxies = Proxies.read({"http_proxy": "http://a.test:1", "https_proxy": "http://b.test:2"})
    assert proxies.for_url("http://api.test") == "http://a.test:1"
    assert proxies.for_url("https://api.test") == "http://b.test:2"


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("*", "api.test"),
        ("api.test", "api.test"),
        ("api.test", "API.TEST"),
        ("test", "api.test"),
        (".test", "api.test"),
        ("*.test", "api.test"),
        ("other, api.test:443", "api.test"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("fd00::/8", "[fd00::1]"),
        ("[fd00::1]:443", "[fd00::1]"),
        ("", "localhost"),
        ("", "127.0.0.9"),
        ("", "[::1]"),
    ],
)
def test_what_is_asked_directly(no_proxy: str, host: str) -> None:
    """Hosts and what is below them, addresses, networks, ports; and this machine."""
    proxies = Proxies.read({"https_proxy": PROXY, "no_proxy": no_proxy})
    assert proxies.for_url(f"https://{host}/v1") is None


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("pi.test", "api.test"),
        ("api.test:80", "api.test"),
        ("10.0.0.0/8", "11.1.2.3"),
        ("10.0.0.0/8", "api.test"),
        ("api.test", "10.1.2.3"),
        (".", "api.test"),
    ],
)
def test_what_is_asked_through_the_proxy(no_proxy: str, host: str) -> None:
    """What only looks alike is not asked directly."""
    assert Proxies.read({"https_proxy": PROXY, "no_proxy": no_proxy}).for_url(f"https://{host}/v1") == PROXY


@pytest.mark.parametrize("proxy", ["socks5://me:hidden@p.test:1", "http://", "http://me:hidden@p.test:port"])
def test_a_proxy_that_cannot_be_used_stops_the_start(proxy: str) -> None:
    """The message names the setting, and not the password."""
    with pytest.raises(SettingsError, match="https_proxy") as told:
        Proxies.read({"https_proxy": proxy})
    assert "hidden" not in str(told.value)


def test_credentials_are_not_shown() -> None:
    """A proxy's password stays out of logs."""
    shown = repr(Proxies(https="http://me:hidden@p.test:1"))
    assert "hidden" not in shown
    assert "p.test:1" in shown
