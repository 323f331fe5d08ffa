"""The parts of a message's content: blocks of LangChain, of OpenAI and of Anthropic, and GLM's own."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages.content import (
    create_audio_block,
    create_file_block,
    create_image_block,
    create_plaintext_block,
    create_text_block,
    create_video_block,
)

from langchain_zhipuai.chat_models.parts import content_of, part_of, said_of

IMAGE = {"type": "image_url", "image_url": {"url": "iVBOR"}}


def test_text_stays_a_text() -> None:
    """Text models of GLM read strings; an array of texts is one (contract row C9)."""
    assert content_of("Hello") == "Hello"
    assert content_of(["One.", {"type": "text", "text": "Two.", "cache_control": {}}]) == "One.\nTwo."
    assert content_of([]) == ""


def test_an_image_makes_it_parts() -> None:
    """The text beside it becomes one of them."""
    assert content_of(["Look:", IMAGE]) == [{"type": "text", "text": "Look:"}, IMAGE]


@pytest.mark.parametrize(
    "block",
    [
        create_image_block(base64="iVBOR", mime_type="image/png"),
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBOR", "detail": "high"}},
        {"type": "image_url", "image_url": "iVBOR"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}},
        {"type": "non_standard", "value": IMAGE},
    ],
)
def test_images_are_sent_as_glm_s_own_sdks_send_them(block: Any) -> None:
    """Bare base64, no `detail` (contract row I1)."""
    assert part_of(block) == IMAGE


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (create_text_block("a"), {"type": "text", "text": "a"}),
        (create_plaintext_block("a"), {"type": "text", "text": "a"}),
        (create_image_block(url="http://a/b.png"), {"type": "image_url", "image_url": {"url": "http://a/b.png"}}),
        (
            {"type": "image", "source": {"type": "url", "url": "http://a/b.png"}},
            {"type": "image_url", "image_url": {"url": "http://a/b.png"}},
        ),
        (create_video_block(url="http://a/b.mp4"), {"type": "video_url", "video_url": {"url": "http://a/b.mp4"}}),
        (
            create_audio_block(base64="UklG", mime_type="audio/wav"),
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        (
            create_audio_block(base64="SUQz", mime_type="audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        ),
        (
            create_file_block(base64="JVBER", mime_type="application/pdf"),
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBER"}},
        ),
        (
            {"type": "file", "base64": "JVBER", "extras": {"filename": "a.pdf"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBER", "filename": "a.pdf"}},
        ),
        (create_file_block(url="http://a/b.pdf"), {"type": "file", "file": {"file_url": "http://a/b.pdf"}}),
        (create_file_block(file_id="file_1"), {"type": "file", "file": {"file_id": "file_1"}}),
        ({"type": "file", "file": {"file_id": "file_1"}}, {"type": "file", "file": {"file_id": "file_1"}}),
    ],
)
def test_standard_blocks_have_a_part(block: Any, part: dict[str, Any]) -> None:
    """What LangChain has words for and GLM takes (contract 3.1)."""
    assert part_of(block) == part


@pytest.mark.parametrize("kind", ["video_url", "file_url", "input_audio"])
def test_parts_of_the_wire_pass(kind: str) -> None:
    """Whoever knows GLM's form writes it."""
    part = {"type": kind, kind: {"url": "http://a"}}
    assert part_of(part) == part


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"type": "hologram", "data": "x"}, "'hologram' with 'data'"),
        ({"type": "audio", "url": "http://a"}, "'audio' with 'url'"),
        ({"type": "video", "file_id": "f"}, "'url' or 'base64'; this one has 'file_id'"),
        ({"type": "file"}, "'base64', 'url' or 'file_id'; this one has no members"),
        ({"type": "text-plain", "url": "http://a"}, "'text-plain' with 'url'"),
        ({"type": "image_url", "url": "http://a"}, "'image_url' with 'url'"),
        ({"type": "image_url", "image_url": {"file_id": "f"}}, "'image_url' with 'image_url'"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "'image' with 'source'"),
        ({"type": "non_standard"}, "'non_standard' with no members"),
    ],
)
def test_what_the_wire_lacks_is_named(block: dict[str, Any], said: str) -> None:
    """Nothing is dropped in silence."""
    with pytest.raises(ValueError, match=said):
        part_of(block)


def test_what_a_model_said_is_one_text_and_its_thoughts() -> None:
    """Blocks of an answer are pieces of it; calls are elsewhere in the message."""
    content = [
        {"type": "reasoning", "reasoning": "Let me "},
        {"type": "thinking", "thinking": "see.", "signature": "s"},
        "It is ",
        {"type": "text", "text": "sunny."},
        {"type": "tool_call", "name": "f", "args": {}, "id": "1"},
        {"type": "tool_use", "name": "f", "input": {}, "id": "1"},
    ]
    assert said_of(content) == ("It is sunny.", "Let me see.")
    assert said_of("Hello") == ("Hello", "")


def test_what_a_model_said_holds_no_image() -> None:
    """GLM's assistants speak."""
    with pytest.raises(ValueError, match="'image_url' cannot be"):
        said_of([IMAGE])
