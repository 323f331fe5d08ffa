"""Asking a server what it is doing.

The only module here that talks to the network; what it says is `values`.
"""

from __future__ import annotations

import http.client
import json
from typing import Final
from urllib.parse import urlsplit

import msgspec

from glmgate.cli.chat.visible import one_line
from glmgate.cli.top.values import Now
from glmgate.errors import GlmgateError, SettingsError, Unavailable

PATH: Final = "/glmgate/now"
_SETTINGS: Final = (
    "That is the address of the settings ([server] host and port): `glmgate serve` starts one there; where it runs "
    "with other flags or another file, give --url or --config."
)
_NAMED: Final = "`glmgate serve` starts one."
_PATIENCE_S: Final = 10.0
_MOST_BYTES: Final = 16 << 20


def read(data: bytes) -> Now:
    """The answer as a value. Raises Unavailable where it is none."""
    try:
        return msgspec.json.decode(data, type=Now)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Unavailable(f"What answers at {PATH} is no glmgate of this kind: {one_line(str(exc))}") from exc


def fetch(base_url: str, key: str | None, *, by_settings: bool = False) -> bytes:
    """What the server says, as JSON. Raises SettingsError for a URL that is none, else Unavailable with the reason.

    `by_settings`: it is the address that a server with these settings listens on, and nobody named it.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"--url is {base_url!r}, it must be a URL such as http://127.0.0.1:8000.")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_PATIENCE_S)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        connection.request("GET", parts.path.rstrip("/").removesuffix("/v1") + PATH, headers=headers)
        response = connection.getresponse()
        status, body = response.status, response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as exc:
        raise Unavailable(f"No server answers at {base_url}: {exc}. {_SETTINGS if by_settings else _NAMED}") from exc
    finally:
        connection.close()
    if status != http.client.OK:
        raise _refused(base_url, status, body)
    return body


def _refused(base_url: str, status: int, body: bytes) -> GlmgateError:
    try:
        said = one_line(str(json.loads(body)["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        said = "it did not say why."
    hint = " Give an administrator's key with --key." if status in {401, 403} else ""
    if status == http.client.NOT_FOUND:
        hint = " Is it a glmgate that is old, or another program?"
    return Unavailable(f"{base_url} answered {status}: {said}{hint}")
