"""Where a path lies."""

from __future__ import annotations

import pytest

from glmgate.surfaces.paths import BASES, place_of


@pytest.mark.parametrize(
    ("path", "base", "surface", "below"),
    [
        ("/v1/chat/completions", "/v1", "openai", "/chat/completions"),
        ("/api/v1/responses", "/api/v1", "openai", "/responses"),
        ("/api/paas/v4/chat/completions", "/api/paas/v4", "zai", "/chat/completions"),
        ("/api/coding/paas/v4/models", "/api/coding/paas/v4", "zai", "/models"),
        ("/v4/embeddings", "/v4", "zai", "/embeddings"),
        ("/api/paas/v4/v1/agents", "/api/paas/v4", "zai", "/v1/agents"),
        ("/api/llm-application/open/knowledge", "", "zai", "/api/llm-application/open/knowledge"),
        ("/livez", "", "openai", "/livez"),
        ("/", "", "openai", "/"),
    ],
)
def test_base_decides_the_dialect(path: str, base: str, surface: str, below: str) -> None:
    """Paths of GLM's own version speak its dialect, those of OpenAI's version the other."""
    place = place_of(path)
    assert (place.base, place.surface, place.path) == (base, surface, below)


@pytest.mark.parametrize("path", ["//v1//models/", "/v1/models//", "///v1/models"])
def test_empty_segments_do_not_count(path: str) -> None:
    """Base URLs that end with a slash make double slashes; they mean the same path."""
    assert place_of(path) == place_of("/v1/models")


def test_segments_are_decoded_one_by_one() -> None:
    """An encoded slash belongs to its segment."""
    assert place_of("/v1/models/zai-org%2Fglm-4.6").segments == ("models", "zai-org/glm-4.6")


def test_all_bases_of_the_contract_are_there() -> None:
    """Contract 1.4 names five bases with the same handlers."""
    assert {base for base, _ in BASES} == {"/api/paas/v4", "/api/coding/paas/v4", "/v4", "/v1", "/api/v1"}
