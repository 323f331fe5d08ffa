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
    level_share: float = 0.3
    rate: float = 3e-3
    inner_rate: float = 1.2e-2
    warm_up_steps: int = 100
    batch_tokens: int = 512
    batches_per_step: int = 2
    longest: int = 640
    vocabulary: int = 2048
    spaced_words: int = 320
    width: int = 192
    layers: int = 4

    def heat(self, step: int, share: float) -> float:
        """Return what the rates are multiplied by after a share of the time: up, level, then down a cosine."""
        if step < self.warm_up_steps:
            return (step + 1) / self.warm_up_steps
        fall = min(1.0, max(0.0, (share - self.level_share) / (1 - self.level_share)))
        return _COLDEST + (1 - _COLDEST) * 0.5 * (1 + math.cos(math.pi * fall))


_COLDEST = 0.01
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


def optimisers(model: Glm, plan: Plan) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside the layers and AdamW for the rest.

    After 0.56 M tokens of copying, AdamW alone had a loss of 1.80 and this one of 0.70, for an eighth more time a step.
    """
    inner = [parameter for parameter in model.blk.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [
        {"params": [model.token_embd.weight], "weight_decay": 0.05},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return [
        torch.optim.Muon(inner, lr=plan.inner_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98), fused=True),
    ]


def _stream(tokenizer: Tokenizer, plan: Plan, rng: random.Random, *, drills: bool) -> Iterator[Batch]:
    source = partial(drill if drills else conversation, rng, "train")
    return batches(tokenizer, source, rng, size=plan.batch_tokens, longest=plan.longest)


class Trainer:
    """A model while it is trained: a new one, or one that was trained before and goes on."""

    def __init__(self, plan: Plan, tokenizer: Tokenizer, begun: Glm | None = None) -> None:
        torch.manual_seed(plan.seed)
        rng = random.Random(plan.seed + 1)
        self.model = begun or Glm(Shape(tokenizer.get_vocab_size(), width=plan.width, layers=plan.layers))
        self._plan = plan
        self._optimisers = optimisers(self.model, plan)
        self._streams = {drills: _stream(tokenizer, plan, rng, drills=drills) for drills in (True, False)}
        self._rates = [[group["lr"] for group in one.param_groups] for one in self._optimisers]
        self.steps = 0
        self.tokens = 0
        self.loss = math.nan

    def step(self, share: float) -> None:
        """Learn from the next batches; `share` is how much of the time is over."""
        plan = self._plan
        self._heat(plan.heat(self.steps, share))
        total = 0.0
        for batch in islice(self._streams[share < plan.drill_share], plan.batches_per_step):
            loss = loss_of(self.model, batch) / plan.batches_per_step
            loss.backward()
            total += loss.item()
            self.tokens += batch.size
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for one in self._optimisers:
            one.step()
            one.zero_grad(set_to_none=True)
        self.steps += 1
        self.loss = total if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * total

    def _heat(self, heat: float) -> None:
        for one, rates in zip(self._optimisers, self._rates, strict=True):
            for group, rate in zip(one.param_groups, rates, strict=True):
                group["lr"] = rate * heat


def train(plan: Plan, tokenizer: Tokenizer, save: Callable[[Glm], None], begun: Glm | None = None) -> Glm:
    """Train a model for the planned minutes; `save` gets it every two minutes and at the end."""
    trainer = Trainer(plan, tokenizer, begun)
    started = saved = time.monotonic()
    while (share := (time.monotonic() - started) / (plan.minutes * 60)) < 1:
        trainer.step(share)
        now = time.monotonic()
        if trainer.steps % REPORT_STEPS == 0:
            done = f"step {trainer.steps}  {trainer.tokens / 1e6:.2f} M tokens  loss {trainer.loss:.4f}"
            sys.stdout.write(f"{now - started:6.0f} s  {done}\n")
            sys.stdout.flush()
        if now - saved > CHECKPOINT_S:
            save(trainer.model)
            saved = now
    save(trainer.model)
    return trainer.model


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
