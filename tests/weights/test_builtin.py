"""The models that are part of the package."""

from __future__ import annotations

from glmgate.weights.builtin import CHAT_NAME, EMBEDDING_NAME, builtin_models


def test_both_models_are_shipped_and_named() -> None:
    """One that chats, one that embeds; each file is there."""
    shipped = {model.kind: model for model in builtin_models()}
    assert (shipped["chat"].name, shipped["embedding"].name) == (CHAT_NAME, EMBEDDING_NAME)
    assert all(model.path.is_file() for model in shipped.values())
