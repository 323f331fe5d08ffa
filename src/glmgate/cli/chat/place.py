"""Where `glmgate chat` asks, and with which key. The order is documented in docs/chat.md.

Only decided here: what is in flags, settings, environment and home is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from glmgate.errors import SettingsError

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 -- asked, not bound
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the flags say, and what the environment says for OpenAI's clients."""

    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    environment_url: str | None = None
    environment_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service. `local`: this machine's own server, whose keys are in the home. `remark`: what to tell the user."""

    base_url: str
    key: str | None = field(default=None, repr=False)
    local: bool = False
    remark: str = ""


def own_address(host: str, port: int) -> tuple[str, int]:
    """Where this machine's own server is reached that listens on `host` and `port`."""
    return _ANYWHERE.get(host, host), port


def own_url(host: str, port: int) -> str:
    """The base URL of that server."""
    name, number = own_address(host, port)
    return f"http://[{name}]:{number}/v1" if ":" in name else f"http://{name}:{number}/v1"


def decide(given: Given, *, own: str, own_answers: bool) -> Place:
    """The place to ask. `own`: the base URL of this machine's server; a place that is local still needs its key.

    The environment counts only where no flag is given and no server runs here: a key that was set for another program
    is not sent to a place that nobody named. SettingsError when a URL is none.
    """
    if given.base_url is not None:
        url = _checked(given.base_url, "--base-url")
        return Place(base_url=url, key=given.key, local=given.key is None and _same(url, own))
    if given.key is None and not own_answers and given.environment_url:
        url = _checked(given.environment_url, "OPENAI_BASE_URL")
        remark = f"No server runs here; OPENAI_BASE_URL names {url}."
        return Place(base_url=url, key=given.environment_key or None, remark=remark)
    return Place(base_url=own, key=given.key, local=True)


def _checked(text: str, where: str) -> str:
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole:
        raise SettingsError(f"{where} is {text!r}, it must be a URL such as https://api.example.com/v1.")
    return url


def _same(url: str, own: str) -> bool:
    def origin(text: str) -> tuple[str, str, int | None]:
        parts = urlsplit(text)
        host = parts.hostname or ""
        return parts.scheme, "loopback" if host in _LOOPBACK else host, parts.port

    return origin(url) == origin(own)
