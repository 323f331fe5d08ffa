"""One upstream as its engines need it: where it is, what it accepts, how long it may take.

Only values live here; the settings' own package reads them from the file and the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from glmgate.adaptation.profile import Profile
from glmgate.errors import SettingsError
from glmgate.transport.interfaces import Timeouts

_ENDPOINTS: Final = ("/chat/completions", "/completions", "/embeddings", "/models")


def _timeouts() -> Timeouts:
    return Timeouts(connect_s=5.0, first_s=120.0, idle_s=60.0, total_s=600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """`base_url` is what a client's SDK would get as its own: `{base_url}/chat/completions` is where chats are sent.

    Raises SettingsError for one that cannot be right.
    """

    name: str
    base_url: str
    profile: Profile
    timeouts: Timeouts = field(default_factory=_timeouts)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if "@" in parts.netloc:
            raise SettingsError(
                f"The base_url of the upstream {self.name!r} holds a credential. Name it in 'credentials' instead."
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise SettingsError(
                f"The base_url of the upstream {self.name!r} is {self.base_url!r}. Write it as 'https://HOST/PATH'."
            )
        for endpoint in _ENDPOINTS:
            if parts.path.rstrip("/").endswith(endpoint):
                raise SettingsError(
                    f"The base_url of the upstream {self.name!r} ends with {endpoint!r}. Leave that out: it is added."
                )

    def url(self, path: str) -> str:
        """The address of an endpoint; `path` begins with a slash."""
        return self.base_url.rstrip("/") + path

    def root_url(self, path: str) -> str:
        """The address of an endpoint that stands beside the API's version, not below it (`/tokenize` of servers)."""
        return self.base_url.rstrip("/").removesuffix("/v1") + path
