"""The GLM-4 architecture in torch, as small as it can be written.

Only the network: no data, no optimiser. Its names are those of the GGUF, so that conversion has no table.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model; widths are multiples of 32, which Q8_0 needs."""

    vocabulary: int
    width: int = 192
    layers: int = 4
    heads: int = 6
    key_heads: int = 2
    hidden: int = 512
    context: int = 4096
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """The width of one attention head; half of it is rotated."""
        return self.width // self.heads


# The start that lets tokens be copied: with embeddings of 0.02 and norms of 1 the sandwich norms drown what a token
# is under what the layers add, and no copying forms (engine facts 5).
EMBEDDING_STD = 0.5
FINAL_NORM = 0.2
POST_NORM = 0.15


class RmsNorm(nn.Module):
    """Root-mean-square normalisation with a weight for each channel."""

    def __init__(self, width: int, epsilon: float, start: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), start))
        self._epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Return x scaled to unit root mean square, times the weight."""
        return functional.rms_norm(x, self.weight.shape, self.weight, self._epsilon)


def rotation(shape: Shape, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of each position for the rotated half of a head; pairs are neighbours, as in GLM-4."""
    rotated = shape.head_width // 2
    frequencies = shape.rope_base ** (-torch.arange(0, rotated, 2, dtype=torch.float32) / rotated)
    angles = positions[..., None].float() * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the first half of each head's channels; x is (batch, heads, time, channels)."""
    rotated = cos.shape[-1] * 2
    pairs, kept = x[..., :rotated], x[..., rotated:]
    even, odd = pairs[..., 0::2], pairs[..., 1::2]
    turned = torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)
    return torch.cat((turned, kept), dim=-1)


class Block(nn.Module):
    """One layer: attention and a gated network, each between two norms."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        keys = shape.key_heads * shape.head_width
        self._shape = shape
        self.attn_norm = RmsNorm(shape.width, shape.epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width)
        self.attn_k = nn.Linear(shape.width, keys)
        self.attn_v = nn.Linear(shape.width, keys)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.post_attention_norm = RmsNorm(shape.width, shape.epsilon, POST_NORM)
        self.ffn_norm = RmsNorm(shape.width, shape.epsilon)
        self.ffn_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)  # gate and up, stacked
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)
        self.post_ffw_norm = RmsNorm(shape.width, shape.epsilon, POST_NORM)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        """Return the states after this layer."""
        x = x + self.post_attention_norm(self._attend(self.attn_norm(x), cos, sin, mask))
        gate, up = self.ffn_up(self.ffn_norm(x)).chunk(2, dim=-1)
        return x + self.post_ffw_norm(self.ffn_down(functional.silu(gate) * up))

    def _attend(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        batch, time, width = x.shape
        channels = self._shape.head_width
        q, k, v = (
            layer(x).view(batch, time, -1, channels).transpose(1, 2)
            for layer in (self.attn_q, self.attn_k, self.attn_v)
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mixed = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True
        )
        return self.attn_output(mixed.transpose(1, 2).reshape(batch, time, width))


class Glm(nn.Module):
    """A whole model with tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = RmsNorm(shape.width, shape.epsilon, FINAL_NORM)
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=EMBEDDING_STD if name.startswith("token_embd") else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def states(self, tokens: Tensor, positions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the last states of (batch, time) tokens; without a mask each sees all before it."""
        cos, sin = (part.unsqueeze(1) for part in rotation(self.shape, positions))
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        normed: Tensor = self.output_norm(x)
        return normed

    def scores(self, states: Tensor) -> Tensor:
        """Return the score of each token of the vocabulary after the given states."""
        return functional.linear(states, self.token_embd.weight)


def greedy(model: Glm, prompt: list[int], *, stop: frozenset[int], limit: int) -> list[int]:
    """Return the likeliest continuation up to and without a stop token: slow, to compare with the engine."""
    tokens = list(prompt)
    with torch.no_grad():
        while len(tokens) < len(prompt) + limit:
            batch = torch.tensor([tokens])
            states = model.states(batch, torch.arange(len(tokens))[None])
            best = int(model.scores(states[0, -1]).argmax())
            if best in stop:
                break
            tokens.append(best)
    return tokens[len(prompt) :]
