"""Rules for the parts of a content that are no text: which a service reads, and in which form (contract rows I1, I2).

Nothing is fetched, and no image is looked at but for the first bytes that tell its type.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from glmgate.adaptation.profile import Profile
from glmgate.adaptation.unknown import reports
from glmgate.errors import InvalidRequest, MissingParameter, UnsupportedValue
from glmgate.wire.chat import ImageUrl, Part
from glmgate.wire.engine import Note

_DATA_URL: Final = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*?;base64,", re.ASCII | re.IGNORECASE)
_ADDRESSES: Final = ("http://", "https://")
_BASE64_START: Final = re.compile(r"[A-Za-z0-9+/_-]{8}", re.ASCII)
# How the first bytes of each format look in base64 (their signatures are those of the formats' own documents).
_TYPES: Final = (("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"))
_FIELD: Final = "messages.content.image_url"


def fitted_part(part: Part, path: str, profile: Profile, notes: dict[Note, None]) -> Part:
    """`part` as the service reads it. Raises UnsupportedValue when it does not, InvalidRequest when it is no part."""
    if part.type == "file_url" and "file_url" not in profile.images.parts and "file" in profile.images.parts:
        part = _as_file(part, path, notes)
    if part.type not in profile.images.parts:
        raise UnsupportedValue(
            f"{path!r} is a part of type {part.type[:32]!r}, but this model reads only: "
            f"{', '.join(profile.images.parts)}.",
            param=f"{path}.type",
        )
    if part.type == "text" and part.text is None:
        raise MissingParameter(f"'{path}.text' is missing.", param=f"{path}.text")
    if part.type != "image_url":
        return part
    if part.image_url is None:
        raise MissingParameter(f"'{path}.image_url' is missing.", param=f"{path}.image_url")
    image = _image(part.image_url, f"{path}.image_url", profile, notes)
    return part if image is part.image_url else msgspec.structs.replace(part, image_url=image)


def _image(image: ImageUrl, path: str, profile: Profile, notes: dict[Note, None]) -> ImageUrl:
    changes: dict[str, Any] = {}
    if (url := _url(image.url, f"{path}.url", profile)) != image.url:
        changes["url"] = url
        notes[Note(_FIELD, profile.images.form)] = None
    if image.detail is not None and not profile.images.detail:
        changes["detail"] = None
        notes[Note(f"{_FIELD}.detail", "omitted", exact=image.detail == "auto")] = None
    if image.unknown and not profile.open:
        changes["unknown"] = {}
        notes.update(dict.fromkeys(reports(image.unknown, _FIELD, profile)))
    return msgspec.structs.replace(image, **changes) if changes else image


def _url(url: str, path: str, profile: Profile) -> str:
    """An address as it is; an image in base64 with or without its type before it, as the service takes it."""
    if url.startswith(_ADDRESSES) and not profile.images.addresses:
        raise UnsupportedValue(
            f"{path!r} is an address, but this model is given no images from elsewhere. Send the image in base64.",
            param=path,
        )
    if profile.images.form == "none" or url.startswith(_ADDRESSES):
        return url
    return _data(url, path, as_base64=profile.images.form == "base64")


def _data(url: str, path: str, *, as_base64: bool) -> str:
    """An image in base64, bare or with its type before it."""
    # Looked for at its beginning only: what follows may be megabytes.
    header = _DATA_URL.match(url[:256])
    data = url[header.end() :] if header is not None else url
    if header is None and not _BASE64_START.match(url):
        raise InvalidRequest(
            f"{path!r} begins with {url[:24]!r}, but must be an http(s) address or an image in base64.", param=path
        )
    if as_base64:
        return data
    if header is not None and header["type"]:
        return url
    kind = next((kind for start, kind in _TYPES if data.startswith(start)), None)
    if kind is None:
        raise InvalidRequest(
            f"{path!r} is an image without its type, and it is no png, jpeg, gif or webp. Send"
            " 'data:image/TYPE;base64,…'.",
            param=path,
        )
    return f"data:{kind};base64,{data}"


def _as_file(part: Part, path: str, notes: dict[Note, None]) -> Part:
    """The older form of a file by its address."""
    given = part.unknown.get("file_url")
    url = given.get("url") if isinstance(given, dict) else None
    if not isinstance(url, str):
        raise MissingParameter(f"'{path}.file_url.url' is missing.", param=f"{path}.file_url.url")
    notes[Note("messages.content.file_url", "file")] = None
    others = {name: value for name, value in part.unknown.items() if name != "file_url"}
    rest = {name: value for name, value in given.items() if name != "url"} if isinstance(given, dict) else {}
    return msgspec.structs.replace(part, type="file", unknown={**others, "file": {**rest, "file_url": url}})
