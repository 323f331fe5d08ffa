"""Tests of what is known about services: places by URL, where else a key may belong, forms of keys."""

from __future__ import annotations

import pytest

from glmgate.adaptation.profile import shipped_names
from glmgate.engines.upstream.surfaces import directory, known_places, others, place_of, shape_of

KNOWN = directory()


def test_every_profile_that_is_named_is_shipped() -> None:
    """Advice names profiles; each of them can be written into the settings."""
    named = {server.profile for server in KNOWN.servers} | {place.profile for place in known_places(KNOWN)}
    assert named - {""} <= set(shipped_names())


def test_each_service_has_each_surface() -> None:
    """Two services of three surfaces each (contract 1.4)."""
    places = known_places(KNOWN)
    assert len({place.base_url for place in places}) == len(places) == len(KNOWN.services) * len(KNOWN.surfaces)
    assert {place.surface for place in places} == {"general", "coding", "anthropic"}
    assert all(place.models for place in places)


def test_a_known_url_is_recognised() -> None:
    """With its surface, profile and title."""
    place = place_of("https://API.z.ai/api/coding/paas/v4", KNOWN)
    assert (place.service, place.surface, place.profile, place.dialect) == ("zai", "coding", "zai-coding", "chat")


def test_another_path_of_a_known_service_is_still_its() -> None:
    """So that its key is tried on its surfaces."""
    place = place_of("https://api.z.ai/v1", KNOWN)
    assert (place.service, place.surface) == ("zai", "")
    assert others(place, KNOWN)[0].service == "zai"


def test_a_known_path_of_another_server_has_that_surface() -> None:
    """A gateway, ours included."""
    place = place_of("http://127.0.0.1:8000/api/paas/v4", KNOWN)
    assert (place.service, place.surface, place.origin) == ("", "general", "http://127.0.0.1:8000")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/api/paas/v4", "https://mine.test/v1", "https://mine.test"])
def test_the_key_of_another_server_is_shown_to_nobody_else(url: str) -> None:
    """Whatever surfaces it may have."""
    place = place_of(url, KNOWN)
    assert {other.origin for other in others(place, KNOWN)} <= {place.origin}


def test_the_key_of_a_service_is_tried_at_its_sisters() -> None:
    """Its own surfaces first, then the other service's; never the named place again."""
    place = place_of("https://open.bigmodel.cn/api/paas/v4", KNOWN)
    found = others(place, KNOWN)
    assert len(found) == 5
    assert [each.service for each in found] == ["bigmodel"] * 2 + ["zai"] * 3
    assert place not in found


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("0123456789abcdef0123456789abcdef.Zx9", ""),
        ("0123456789abcdef0123456789abcdef", "undotted"),
        ('"0123456789abcdef0123456789abcdef.Zx9"', "quoted"),
        ("Bearer 0123", "bearer"),
        ("eyJhbGciOi.eyJhcGkiOi.c2ln", "token"),
        ("sk-proj-0123", "foreign"),
        ("anything", ""),
    ],
)
def test_a_keys_form_is_recognised(key: str, shape: str) -> None:
    """The slips that people make when they copy one."""
    assert shape_of(key, KNOWN) == shape


@pytest.mark.parametrize(
    ("model", "chats"), [("glm-4.6", True), ("text-embedding-3-small", False), ("CogView-4", False)]
)
def test_models_that_do_not_chat_are_told_by_their_names(model: str, *, chats: bool) -> None:
    """Most lists do not say it."""
    assert KNOWN.chats(model) is chats
