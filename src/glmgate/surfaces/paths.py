"""Where a path lies: under which base, and which dialect that base speaks (contract 1.4).

Which paths exist below the bases is not known here (`routes`, `catalogue`).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from glmgate.wire.engine import Surface

BASES: tuple[tuple[str, Surface], ...] = (
    ("/api/coding/paas/v4", "zai"),
    ("/api/paas/v4", "zai"),
    ("/api/v1", "openai"),
    ("/v1", "openai"),
    ("/v4", "zai"),
)
"""Base path → dialect of its answers; the same handlers serve all.

`v4` is the version of GLM's API wherever it stands: batches name their endpoint `/v4/chat/completions` (contract 4.12).
`/api/v1` is where Z.AI itself offers OpenAI's Responses (contract 1.4), so it speaks OpenAI's words, like `/v1`.
"""

_BASES = tuple((base, tuple(base.split("/")[1:]), surface) for base, surface in BASES)
_ZAI_ROOTS = ("api", "paas")
"""First segments that only GLM's clients use: a path there that is unknown is refused in GLM's numbers."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path in its parts: `base` (empty when it is under none), the dialect, and the decoded segments below."""

    base: str
    surface: Surface
    segments: tuple[str, ...]

    @property
    def path(self) -> str:
        """The path below the base."""
        return "/" + "/".join(self.segments)


def place_of(path: str) -> Place:
    """Where `path` (still percent-encoded) lies. Empty segments don't count: `//v1//models/` is `/v1/models`."""
    segments = tuple(unquote(segment) for segment in path.split("/") if segment)
    for base, parts, surface in _BASES:
        if segments[: len(parts)] == parts:
            return Place(base, surface, segments[len(parts) :])
    return Place("", "zai" if segments[:1] and segments[0] in _ZAI_ROOTS else "openai", segments)
