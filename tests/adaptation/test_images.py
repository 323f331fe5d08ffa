"""Parts of contents: which are read, and in which form (contract rows I1, I2)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.adaptation.profile import parse
from glmgate.errors import InvalidRequest, MissingParameter, UnsupportedValue
from glmgate.wire.members import plain
from tests.adaptation.requests import chat, noted
from tests.adaptation.services import service

GLM = service("zai", "glm-4.6v")
OTHERS = service("openai")


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """A turn of the user."""
    return [{"role": "user", "content": list(parts)}]


def image(url: str, **members: object) -> dict[str, Any]:
    """A part with an image."""
    return {"type": "image_url", "image_url": {"url": url} | members}


@pytest.mark.parametrize(
    ("start", "kind"),
    [("iVBORw0KGgo", "png"), ("/9j/4AAQSk", "jpeg"), ("R0lGODlhAQ", "gif"), ("UklGRiQAAA", "webp")],
)
def test_the_type_of_a_bare_image_is_seen(start: str, kind: str) -> None:
    """By its first bytes."""
    (part,) = plain(fit(chat(messages=user(image(start))), OTHERS).request)["messages"][0]["content"]
    assert part["image_url"]["url"] == f"data:image/{kind};base64,{start}"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,iVBORw0KGgo",
        "DATA:image/png;charset=utf-8;BASE64,iVBORw0KGgo",
        "data:;base64,iVBORw0KGgo",
    ],
)
def test_whatever_stands_before_the_bytes_is_taken_off(url: str) -> None:
    """GLM reads the bytes alone."""
    (part,) = plain(fit(chat(messages=user(image(url))), GLM).request)["messages"][0]["content"]
    assert part["image_url"] == {"url": "iVBORw0KGgo"}


def test_a_data_url_without_a_type_gets_one() -> None:
    """As a bare image does."""
    (part,) = plain(fit(chat(messages=user(image("data:;base64,iVBORw0KGgo"))), OTHERS).request)["messages"][0][
        "content"
    ]
    assert part["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo"


def test_long_images_are_looked_at_only_at_their_beginning() -> None:
    """Megabytes that are no image are refused as quickly as short ones."""
    with pytest.raises(InvalidRequest, match="but must be an http"):
        fit(chat(messages=user(image("data:image/png," + "a" * 10_000_000))), GLM)


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url"}, "image_url"),
        ({"type": "text"}, "text"),
        ({"type": "file_url", "file_url": {}}, "file_url.url"),
    ],
)
def test_a_part_is_whole(part: dict[str, Any], param: str) -> None:
    """What is missing is named."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(messages=user({"type": "text", "text": "a"}, part)), GLM)
    assert raised.value.param == f"messages[0].content[1].{param}"


def test_what_is_not_read_is_refused_with_what_is() -> None:
    """So the caller sees what to send."""
    with pytest.raises(UnsupportedValue, match="text, image_url, video_url, file"):
        fit(chat(messages=user({"type": "input_audio"})), GLM)


def test_unknown_members_of_images() -> None:
    """Open services get them; from closed ones they are kept, with a report."""
    turns = user(image("https://example.org/a.png", novelty=1))
    assert plain(fit(chat(messages=turns), OTHERS).request)["messages"] == turns
    closed = fit(chat(messages=turns), service("ollama"))
    assert noted(closed) == ["messages.content.image_url.novelty=omitted"]
    assert plain(closed.request)["messages"] == user(image("https://example.org/a.png"))


def test_a_user_can_leave_images_as_they_are() -> None:
    """With the form `none`."""
    profile = parse('extends = "openai"\n[images]\nform = "none"\n', origin="file")
    turns = user(image("anything"))
    assert plain(fit(chat(messages=turns), profile).request)["messages"] == turns
