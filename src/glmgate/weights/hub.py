"""The two hubs: their addresses, how they list a repository's files, and where a file is fetched.

Paths and shapes are those of the hubs' own clients (huggingface_hub, modelscope), read and not tried live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from glmgate.weights.asking import Asker
from glmgate.weights.catalogue import Entry, HubKind
from glmgate.weights.errors import PullFailed

ENDPOINTS: Final[Mapping[HubKind, str]] = {
    "huggingface": "https://huggingface.co",
    "modelscope": "https://modelscope.cn",
}
_MOST_LISTING_BYTES: Final = 8 * 1024**2
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SPLIT: Final = re.compile(r"-[0-9]{5}-of-[0-9]{5}\.gguf$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Where files come from. `endpoint` has no slash at its end."""

    kind: HubKind = "huggingface"
    endpoint: str = ENDPOINTS["huggingface"]
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at a hub: its path in the repository, size in bytes, checksum (hexadecimal), and URL."""

    repository: str
    path: str
    size: int
    sha256: str
    url: str


class _Lfs(msgspec.Struct):
    oid: str
    size: int


class _HuggingFaceFile(msgspec.Struct):
    """An item of Hugging Face's `tree`; `lfs.oid` is the content's SHA-256."""

    path: str
    type: str = "file"
    size: int = 0
    lfs: _Lfs | None = None


class _ModelScopeFile(msgspec.Struct, rename="pascal"):
    path: str
    type: str = "blob"
    size: int = 0
    sha256: str | None = None


class _ModelScopeData(msgspec.Struct, rename="pascal"):
    files: list[_ModelScopeFile] | None = None


class _ModelScopeListing(msgspec.Struct, rename="pascal"):
    data: _ModelScopeData | None = None


async def locate(hub: Hub, entry: Entry, asker: Asker) -> RemoteFile:
    """The entry's file at the hub, with size and checksum. Raises PullFailed."""
    repository = entry.repository(hub.kind)
    if not repository:
        raise PullFailed(
            f"The catalogue has no place for {entry.name!r} on {hub.kind}. Use [pull] hub = 'huggingface'."
        )
    body = await asker.whole(listing_url(hub, repository), max_bytes=_MOST_LISTING_BYTES)
    return chosen(hub, entry, listed(hub, repository, body))


def listing_url(hub: Hub, repository: str) -> str:
    """Where the hub lists all files of a repository."""
    if hub.kind == "huggingface":
        return f"{hub.endpoint}/api/models/{quote(repository)}/tree/main?recursive=true"
    query = urlencode({"Revision": "master", "Recursive": "true"})
    return f"{hub.endpoint}/api/v1/models/{quote(repository)}/repo/files?{query}"


def file_url(hub: Hub, repository: str, path: str) -> str:
    """Where the hub serves a file."""
    if hub.kind == "huggingface":
        return f"{hub.endpoint}/{quote(repository)}/resolve/main/{quote(path)}"
    query = urlencode({"Revision": "master", "FilePath": path})
    return f"{hub.endpoint}/api/v1/models/{quote(repository)}/repo?{query}"


def listed(hub: Hub, repository: str, body: bytes) -> list[RemoteFile]:
    """The files of a listing; those without a checksum have an empty one. Raises PullFailed for another shape."""
    try:
        rows = _huggingface(body) if hub.kind == "huggingface" else _modelscope(body)
    except msgspec.MsgspecError as exc:
        raise PullFailed(f"{hub.endpoint} lists {repository} in a way that is not known: {exc}.") from exc
    return [
        RemoteFile(repository=repository, path=path, size=size, sha256=sha, url=file_url(hub, repository, path))
        for path, size, sha in rows
    ]


def _huggingface(body: bytes) -> list[tuple[str, int, str]]:
    items = msgspec.json.decode(body, type=list[_HuggingFaceFile])
    return [
        (item.path, item.lfs.size if item.lfs else item.size, item.lfs.oid.casefold() if item.lfs else "")
        for item in items
        if item.type == "file"
    ]


def _modelscope(body: bytes) -> list[tuple[str, int, str]]:
    data = msgspec.json.decode(body, type=_ModelScopeListing).data
    files = (data.files if data else None) or []
    return [(item.path, item.size, (item.sha256 or "").casefold()) for item in files if item.type == "blob"]


def chosen(hub: Hub, entry: Entry, files: list[RemoteFile]) -> RemoteFile:
    """The one file that the entry means. Raises PullFailed where there is none, several, or no checksum of it."""
    found = [file for file in files if fnmatchcase(file.path.rpartition("/")[2].casefold(), entry.file.casefold())]
    where = f"{entry.repository(hub.kind)} at {hub.endpoint}"
    if len(found) != 1 or _SPLIT.search(found[0].path):
        names = ", ".join(file.path for file in found[:4]) or "none"
        raise PullFailed(f"{where} should have one file {entry.file!r} for {entry.name!r}; it has: {names}.")
    file = found[0]
    if not _SHA256.fullmatch(file.sha256) or file.size <= 0:
        raise PullFailed(
            f"{where} states no SHA-256 for {file.path!r}: what comes could not be checked. Use another hub."
        )
    return file
