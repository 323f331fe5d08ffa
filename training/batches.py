"""Turns conversations into batches of token numbers, with the places that are learned.

Conversations of like length share a batch, so that little of it is padding.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.conversation import Conversation
from training.rendering import pieces

Source = Callable[[], Conversation]
Example = tuple[list[int], list[bool]]

# Conversations drawn at once, to find neighbours of like length.
_POOL = 256


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens (rows, time), and for the learned places their position in the flattened rows and the token to come."""

    tokens: Tensor
    places: Tensor
    targets: Tensor

    @property
    def size(self) -> int:
        """The number of tokens, padding included."""
        return self.tokens.numel()


def example(tokenizer: Tokenizer, conversation: Conversation) -> Example:
    """Return the tokens of a conversation, and for each whether it is learned."""
    tokens: list[int] = []
    learned: list[bool] = []
    for piece in pieces(conversation):
        numbers = tokenizer.encode(piece.text, add_special_tokens=False).ids
        tokens += numbers
        learned += [piece.learned] * len(numbers)
    return tokens, learned


def collate(examples: list[Example]) -> Batch:
    """Return a batch of examples, padded at the end, where nothing is learned."""
    longest = max(len(tokens) for tokens, _ in examples)
    rows = torch.zeros((len(examples), longest - 1), dtype=torch.long)
    places: list[int] = []
    targets: list[int] = []
    for number, (tokens, learned) in enumerate(examples):
        rows[number, : len(tokens) - 1] = torch.tensor(tokens[:-1])
        for place in range(1, len(tokens)):
            if learned[place]:
                places.append(number * (longest - 1) + place - 1)
                targets.append(tokens[place])
    return Batch(rows, torch.tensor(places), torch.tensor(targets))


def batches(tokenizer: Tokenizer, source: Source, rng: random.Random, *, size: int, longest: int) -> Iterator[Batch]:
    """Give batches of at most `size` tokens without end; conversations over `longest` tokens are left out."""
    while True:
        drawn = [example(tokenizer, source()) for _ in range(_POOL)]
        kept = sorted((one for one in drawn if len(one[0]) <= longest), key=lambda one: len(one[0]))
        made: list[Batch] = []
        group: list[Example] = []
        for one in kept:
            if group and (len(group) + 1) * len(one[0]) > size:
                made.append(collate(group))
                group = []
            group.append(one)
        if group:
            made.append(collate(group))
        rng.shuffle(made)
        yield from made
