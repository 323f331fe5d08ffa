"""Trains the model: copying first, then everything, with a rate that falls to nothing when the time is over.

Only the loop; what is learned comes from `corpus`, what learns from `model`.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from training import tokenizer as bpe
from training.batches import Batch, batches
from training.corpus.mixture import conversation, drill
from training.corpus.values import copied_words
from training.model import Glm, Shape
from training.rendering import pieces
from training.vocabulary import SPECIAL_TOKENS


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard is trained."""

    seed: int
    minutes: float
    drill_share: float = 0.1
    rate: float = 3e-3
    last_rate: float = 5e-5
    warm_up_steps: int = 100
    batch_tokens: int = 1024
    batches_per_step: int = 2
    longest: int = 640
    vocabulary: int = 2048
    spaced_words: int = 320
    width: int = 192
    layers: int = 4

    def rate_at(self, step: int, share: float) -> float:
        """Return the learning rate after a share of the time: up, level, and down a cosine from the first third on."""
        if step < self.warm_up_steps:
            return self.rate * (step + 1) / self.warm_up_steps
        fall = max(0.0, (share - 0.3) / 0.7)
        return self.last_rate + (self.rate - self.last_rate) * 0.5 * (1 + math.cos(math.pi * min(1.0, fall)))


# A checkpoint this often, so that a usable model is there at any time.
CHECKPOINT_S = 120.0
REPORT_STEPS = 50
TOKENIZER_TEXTS = 30000


def train_tokenizer(plan: Plan) -> Tokenizer:
    """Train the tokenizer on conversations without their special tokens."""
    rng = random.Random(plan.seed)
    texts = []
    for number in range(TOKENIZER_TEXTS):
        made = (drill if number % 10 == 0 else conversation)(rng, "train")
        text = "".join(piece.text for piece in pieces(made))
        for token in SPECIAL_TOKENS:
            text = text.replace(token, "\n")
        texts.append(text)
    return bpe.train(texts, size=plan.vocabulary, spaced=plan.spaced_words, values=copied_words())


def loss_of(model: Glm, batch: Batch) -> torch.Tensor:
    """Return the mean loss over the learned places of a batch."""
    states = model.states(batch.tokens, torch.arange(batch.tokens.shape[1])[None])
    return functional.cross_entropy(model.scores(states.flatten(0, 1)[batch.places]), batch.targets)


def optimiser(model: Glm, rate: float) -> torch.optim.Optimizer:
    """Return AdamW that lets only matrices decay."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)


def _stream(tokenizer: Tokenizer, plan: Plan, rng: random.Random, *, drills: bool) -> Iterator[Batch]:
    source = partial(drill if drills else conversation, rng, "train")
    return batches(tokenizer, source, rng, size=plan.batch_tokens, longest=plan.longest)


def train(plan: Plan, tokenizer: Tokenizer, save: Callable[[Glm], None]) -> Glm:
    """Train a model for the planned minutes; `save` gets it every two minutes and at the end."""
    torch.manual_seed(plan.seed)
    rng = random.Random(plan.seed + 1)
    shape = Shape(tokenizer.get_vocab_size(), width=plan.width, layers=plan.layers)
    model = Glm(shape)
    adam = optimiser(model, plan.rate)
    streams = {drills: _stream(tokenizer, plan, rng, drills=drills) for drills in (True, False)}
    started = saved = time.monotonic()
    step = tokens = 0
    smooth = 0.0
    while (share := (time.monotonic() - started) / (plan.minutes * 60)) < 1:
        for group in adam.param_groups:
            group["lr"] = plan.rate_at(step, share)
        total = 0.0
        for batch in islice(streams[share < plan.drill_share], plan.batches_per_step):
            loss = loss_of(model, batch) / plan.batches_per_step
            loss.backward()  # type: ignore[no-untyped-call] # torch does not annotate it
            total += loss.item()
            tokens += batch.size
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        adam.zero_grad(set_to_none=True)
        step += 1
        smooth = total if step == 1 else 0.98 * smooth + 0.02 * total
        if step % REPORT_STEPS == 0:
            seconds = time.monotonic() - started
            sys.stdout.write(f"{seconds:6.0f} s  step {step}  {tokens / 1e6:.2f} M tokens  loss {smooth:.4f}\n")
            sys.stdout.flush()
        if time.monotonic() - saved > CHECKPOINT_S:
            save(model)
            saved = time.monotonic()
    save(model)
    return model


def save_checkpoint(path: Path, model: Glm) -> None:
    """Write the weights; the file appears whole or not at all."""
    part = path.with_suffix(".part")
    torch.save({"shape": model.shape, "weights": model.state_dict()}, part)
    part.replace(path)


def load_checkpoint(path: Path) -> Glm:
    """Read a model that `save_checkpoint` wrote."""
    with torch.serialization.safe_globals([Shape]):
        stored = torch.load(path, weights_only=True)
    model = Glm(stored["shape"])
    model.load_state_dict(stored["weights"])
    return model
