"""The models that are part of the package: their files and names.

Only what is on disk here; what they are called in public, and for whom they stand in, is decided by `routing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

DATA: Final = Path(__file__).resolve().parent / "data"

CHAT_NAME: Final = "glmgate-tiny"
EMBEDDING_NAME: Final = "all-minilm-l6-v2"
# It has 512 positions, but sentence-transformers runs it with 256 (`max_seq_length`) and drops what is beyond.
EMBEDDING_WINDOW: Final = 256


@dataclass(frozen=True, slots=True)
class BuiltinModel:
    """One shipped model. `window`: the tokens that an embedding model reads at once, where its file says more."""

    name: str
    path: Path
    kind: Literal["chat", "embedding"]
    window: int | None = None


def builtin_models() -> tuple[BuiltinModel, ...]:
    """The shipped models that are there; an installation without them (a slim package) has none."""
    models = (
        BuiltinModel(CHAT_NAME, DATA / f"{CHAT_NAME}.gguf", "chat"),
        BuiltinModel(EMBEDDING_NAME, DATA / f"{EMBEDDING_NAME}.gguf", "embedding", EMBEDDING_WINDOW),
    )
    return tuple(model for model in models if model.path.is_file())
