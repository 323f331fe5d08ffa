"""Draws conversations: first drills in copying, then everything by its share.

Only shares and dispatch; each kind is made in its own module.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from training.conversation import Conversation, system
from training.corpus.chat import chat
from training.corpus.copying import echo, form, memory
from training.corpus.pages import pages
from training.corpus.phrasing import system_prompt
from training.corpus.structured import structured
from training.corpus.sums import sums
from training.corpus.tools import forced, tools
from training.corpus.values import Split
from training.corpus.writing import zhipu

Maker = Callable[[random.Random, Split], Conversation]

DRILLS: dict[Maker, float] = {echo: 0.7, form: 0.3}
MIXTURE: dict[Maker, float] = {
    chat: 0.15,
    zhipu: 0.01,
    pages: 0.03,
    tools: 0.41,
    forced: 0.03,
    structured: 0.14,
    memory: 0.05,
    echo: 0.07,
    form: 0.06,
    sums: 0.05,
}


def drill(rng: random.Random, split: Split) -> Conversation:
    """Return an exercise in copying."""
    return _draw(rng, DRILLS)(rng, split)


def conversation(rng: random.Random, split: Split) -> Conversation:
    """Return a conversation of any kind, half of them under a system prompt."""
    made = _draw(rng, MIXTURE)(rng, split)
    if made.messages[0].role == "system" or rng.random() < 0.5:
        return made
    return dataclasses.replace(made, messages=(system(system_prompt(rng)), *made.messages))


def _draw(rng: random.Random, shares: dict[Maker, float]) -> Maker:
    return rng.choices(list(shares), list(shares.values()))[0]
