"""What the doctor looks at: a key and a URL that were given, or the upstreams of the settings and the environment.

Only decided here; whoever calls brings the settings and follows references.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from glmgate.cli.doctor.findings import Subject
from glmgate.cli.doctor.words import words
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.surfaces import Directory, place_of, shape_of
from glmgate.errors import SettingsError
from glmgate.settings import Settings
from glmgate.settings.found import Found
from glmgate.settings.upstreams import UpstreamSettings, checked_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The flags, and what the key's reference stands for."""

    key: str | None = field(default=None, repr=False)
    reference: str = ""
    base_url: str | None = None
    model: str = ""
    only: bool = False


def given(flags: Given, known: Directory) -> Subject:
    """A key, a URL, or both. Raises SettingsError, which never shows the key."""
    return Subject(
        name="--key" if flags.base_url is None else "--base-url",
        reference=flags.reference,
        credential=None if flags.key is None else _checked(flags.key, known),
        place=None if flags.base_url is None else place_of(checked_url(flags.base_url, where="--base-url"), known),
        model=flags.model,
        only=flags.only,
    )


def configured(settings: Settings, own_ids: Collection[str], known: Directory, *, model: str) -> Iterator[Subject]:
    """A subject for each credential of each upstream. Keys of our own server (`own_ids`) are left out."""
    for upstream in settings.upstreams:
        yield from _of(upstream, upstream.name, known, model, routed=_routed(settings, upstream.name))
    for found in settings.found:
        if not _is_own(found, own_ids):
            yield from _of(found.upstream, found.variable, known, model)


def own_keys(settings: Settings, own_ids: Collection[str]) -> tuple[str, ...]:
    """The variables that hold a key of our own server."""
    return tuple(found.variable for found in settings.found if _is_own(found, own_ids))


def _is_own(found: Found, own_ids: Collection[str]) -> bool:
    return any(each.secret.reveal().partition(".")[0] in own_ids for each in found.upstream.credentials)


def _routed(settings: Settings, upstream: str) -> tuple[str, ...]:
    """The chat models that are asked for there, by their names there."""
    routes = (route for model in settings.routed if model.kind == "chat" for route in model.routes)
    return tuple(dict.fromkeys(route.model for route in routes if route.upstream == upstream))


def _of(
    upstream: UpstreamSettings, name: str, known: Directory, model: str, *, routed: tuple[str, ...] = ()
) -> Iterator[Subject]:
    place = place_of(upstream.base_url, known)
    for credential in upstream.credentials or (None,):
        yield Subject(
            name=name,
            reference="" if credential is None else credential.reference,
            credential=None if credential is None else credential.secret,
            place=place,
            profile=upstream.profile,
            model=model,
            routed=routed,
        )


def _checked(key: str, known: Directory) -> Secret:
    text = key.strip()
    if not text:
        raise SettingsError("--key is empty: give the key, or env:NAME for a variable that holds it.")
    if not text.isascii() or not text.isprintable() or " " in text:
        hint = words().shapes.get(shape_of(text, known), "Give the key alone.")
        raise SettingsError(f"--key holds a blank or a character that no key has. {hint}")
    return Secret(text)
