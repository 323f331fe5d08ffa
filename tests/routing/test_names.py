"""The names that applications know."""

from __future__ import annotations

import pytest

from glmgate.routing.names import known

CHAT = [
    "glm-5.3",
    "glm-5.2",
    "glm-5.1",
    "glm-5",
    "glm-4.7",
    "glm-4.7-flash",
    "glm-4.7-flashx",
    "glm-4.6",
    "glm-4.5",
    "glm-4.5-air",
    "glm-4.5-x",
    "glm-4.5-airx",
    "glm-4.5-flash",
    "glm-4-32b-0414-128k",
    "glm-5.3-flash",
    "glm-5.3-flashx",
    "glm-4.6v",
    "glm-4.6v-flash",
    "glm-4.6v-flashx",
    "glm-4.5v",
    "autoglm-phone-multilingual",
    "glm-4",
    "glm-4-plus",
    "GLM-4-Plus",
    "glm-4-air",
    "glm-z1-air",
    "glm-4v",
    "glm-4v-plus",
    "glm-4-voice",
    "charglm-4",
    "codegeex-4",
    "glm-4-alltools",
    "glm-4-alltools-dev",
    "tob-alltools-api-dev",
    "glm-4-assistant",
    "glm-4-air-250414",
]
OPENAI = [
    "gpt-4o",
    "gpt-4o-2024-08-06",
    "gpt-4o-mini-2024-07-18",
    "GPT-4.1",
    "gpt-5.4-mini-2026-03-01",
    "gpt-3.5-turbo-0125",
    "o1",
    "o3-mini",
    "o4-mini-2025-04-16",
    "chatgpt-4o-latest",
    "ft:gpt-4o-mini-2024-07-18:acme::abc123",
    "gpt-oss-120b",
    "gpt-3.5-turbo-instruct",
]
OTHERS = [
    ("gpt-image-1", "image"),
    ("dall-e-3", "image"),
    ("whisper-1", "audio"),
    ("tts-1-hd", "audio"),
    ("gpt-4o-mini-tts", "audio"),
    ("gpt-4o-realtime-preview-2024-12-17", "audio"),
    ("gpt-4o-audio-preview", "audio"),
    ("omni-moderation-latest", "moderation"),
    ("sora-2", "video"),
]


@pytest.mark.parametrize("name", CHAT)
def test_glm_names_chat(name: str) -> None:
    """Those of contract 3.1 and BigModel's, case ignored, whatever the setting for OpenAI's names."""
    entry = known(name, openai=False)
    assert entry is not None
    assert entry.kind == "chat"


@pytest.mark.parametrize("name", OPENAI)
def test_openai_names_chat_where_they_are_on(name: str) -> None:
    """Dated and customised ones included."""
    entry = known(name, openai=True)
    assert entry is not None
    assert entry.kind == "chat"
    assert known(name, openai=False) is None


@pytest.mark.parametrize(("name", "kind"), OTHERS)
def test_names_of_other_kinds_are_not_taken_for_chat(name: str, kind: str) -> None:
    """A wider pattern does not swallow them."""
    entry = known(name, openai=True)
    assert entry is not None
    assert entry.kind == kind


@pytest.mark.parametrize(
    ("name", "default", "allowed"),
    [
        ("embedding-3", 2048, (256, 512, 1024, 2048)),
        ("Embedding-2", 1024, (1024,)),
        ("text-embedding-3-small", 1536, ()),
        ("text-embedding-3-large", 3072, ()),
        ("text-embedding-ada-002", 1536, ()),
    ],
)
def test_embedding_names_have_their_sizes(name: str, default: int, allowed: tuple[int, ...]) -> None:
    """As documented for each (contract 4.1, E3)."""
    entry = known(name, openai=True)
    assert entry is not None
    assert entry.dimensions is not None
    assert (entry.kind, entry.dimensions.default, entry.dimensions.allowed) == ("embedding", default, allowed)


@pytest.mark.parametrize("name", ["", "glm", "my-model", "xgpt-4o", "o", "claude", "gpt", "embedding-4", "glm-4\n"])
def test_other_names_are_unknown(name: str) -> None:
    """A name is the whole of it."""
    assert known(name, openai=True) is None
