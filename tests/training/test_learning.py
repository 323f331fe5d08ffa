"""Tests of tokenizer, batches, network and conversion, where torch is installed (`.venv-training`)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
gguf = pytest.importorskip("gguf")
pytest.importorskip("tokenizers")

# ruff: noqa: E402 # imported where what they need is there
from training import train
from training.batches import collate, example
from training.conversation import Conversation, assistant, user
from training.corpus.mixture import conversation
from training.engine import running
from training.export import export
from training.model import Glm, Shape, greedy
from training.rendering import render
from training.train import Plan, Trainer, load_checkpoint, save_checkpoint, train_tokenizer
from training.vocabulary import OBSERVATION, USER

PLAN = Plan(seed=3, minutes=0.05, vocabulary=768, spaced_words=64, width=192, layers=2)
HELLO = Conversation((user("Hello"), assistant("Hello to you")), thinking=False)


@pytest.fixture(scope="module", autouse=True)
def small() -> None:
    """One thread, and a tokenizer of few texts."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer trained on a few conversations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "TOKENIZER_TEXTS", 500)
        return train_tokenizer(PLAN)


def test_texts_survive_the_tokenizer(tokenizer: Any) -> None:
    """Any text comes back as it was, whatever its script."""
    for text in ("Hello  world\n\n\tx", "北京今天 12345 😀", "don't WE'LL {\"a\": [1]}"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_a_value_is_the_same_tokens_anywhere(tokenizer: Any) -> None:
    """A space before a name, or a quote, changes nothing of its tokens."""
    for name in ("Beijing", "Alice", "fox", "Zorgel"):
        bare = tokenizer.encode(name).ids
        assert tokenizer.encode(f" {name}").ids[1:] == bare
        assert tokenizer.encode(f'"{name}"').ids[1:-1] == bare


def test_only_the_assistants_tokens_are_targets(tokenizer: Any) -> None:
    """The targets of a batch are the learned tokens, each at the place before its own."""
    tokens, learned = example(tokenizer, HELLO)
    batch = collate([(tokens, learned), (tokens[:5], [False] * 5)])
    assert tokenizer.decode(batch.targets.tolist(), skip_special_tokens=False) == f"\nHello to you{USER}"
    row = batch.tokens.flatten()
    assert row[batch.places[1:]].tolist() == batch.targets[:-1].tolist()


def test_a_mask_of_nothing_but_the_past(tokenizer: Any) -> None:
    """What comes later changes nothing of the scores before it."""
    model = Glm(Shape(tokenizer.get_vocab_size(), layers=2))
    tokens = torch.randint(0, 700, (1, 12))
    changed = tokens.clone()
    changed[0, -1] = (tokens[0, -1] + 1) % 700
    positions = torch.arange(12)[None]
    before, after = model.states(tokens, positions), model.states(changed, positions)
    assert torch.allclose(before[0, :-1], after[0, :-1], atol=1e-5)
    assert not torch.allclose(before[0, -1], after[0, -1], atol=1e-3)


def test_training_learns(tokenizer: Any) -> None:
    """Some steps make the loss fall."""
    trainer = Trainer(PLAN, tokenizer)
    trainer.step(0.5)
    first = trainer.loss
    for _ in range(40):
        trainer.step(0.5)
    assert trainer.loss < 0.8 * first


def test_the_rate_rises_and_falls() -> None:
    """The heat is full after the warm-up and next to nothing at the end."""
    assert PLAN.heat(0, 0.0) < 0.05
    assert PLAN.heat(1000, 0.2) == 1
    assert PLAN.heat(1000, 1.0) == pytest.approx(0.01)


def test_a_checkpoint_gives_the_model_back(tokenizer: Any, tmp_path: Path) -> None:
    """Shape and weights are those that were saved."""
    model = Glm(Shape(tokenizer.get_vocab_size(), layers=2))
    save_checkpoint(tmp_path / "a.pt", model)
    again = load_checkpoint(tmp_path / "a.pt")
    assert again.shape == model.shape
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))


@pytest.mark.engine
def test_the_engine_says_what_the_network_says(tokenizer: Any, tmp_path: Path) -> None:
    """The likeliest words of a file in float32 are those of the network that it was made of."""
    trainer = Trainer(PLAN, tokenizer)
    for _ in range(60):
        trainer.step(0.5)
    path = tmp_path / "model.gguf"
    export(trainer.model, tokenizer, path, kind=gguf.GGMLQuantizationType.F32)
    stop = frozenset(tokenizer.token_to_id(token) for token in (USER, OBSERVATION))
    rng = random.Random(1)
    with running(path) as engine:
        for _ in range(5):
            made = conversation(rng, "train")
            messages = [message.as_json(thinking=False) for message in made.messages[:-1]]
            prompt = render(messages, list(made.tools), thinking=made.thinking, prompt=True)
            numbers = tokenizer.encode(prompt, add_special_tokens=False).ids
            expected = tokenizer.decode(greedy(trainer.model, numbers, stop=stop, limit=12), skip_special_tokens=False)
            body = {"prompt": numbers, "n_predict": 12, "temperature": 0}
            assert engine.post("/completion", body)["content"] == expected
