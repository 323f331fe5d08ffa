"""Projectors: the second file of a model that reads images, and when it can be used. Names and sizes only.

What is in it is the engine's matter; who fetches it is `pull`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ARCHITECTURE: Final = "clip"
"""What every projector's file calls its architecture, whatever its model."""

_MARK: Final = ".mmproj"


@dataclass(frozen=True, slots=True)
class Projector:
    """A projector on disk."""

    path: Path
    bytes: int


def projector_name(name: str) -> str:
    """What the projector of a model is called: it lies beside the weights as `NAME.mmproj.gguf`."""
    return name + _MARK


def is_projector_name(name: str) -> bool:
    """Whether a file of that name (without its suffix) is a projector and no model."""
    return name.endswith(_MARK)


def beside(weights: Path) -> Projector | None:
    """The projector that lies beside a model's weights."""
    path = weights.with_name(f"{projector_name(weights.stem)}{weights.suffix}")
    try:
        return Projector(path, path.stat().st_size)
    except OSError:
        return None
