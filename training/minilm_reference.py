"""Writes what the tests hold the embedding model to: token ids and vectors that the original gives for 100 sentences.

Run as `python -m training.minilm_reference SOURCE OUT.json`; needs torch and transformers, the tests do not. How near
the converted model comes is printed by `python -m bench.embeddings`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from training.convert_minilm import model_folder

SENTENCES: tuple[str, ...] = tuple(
    json.loads(Path(__file__).with_name("minilm_sentences.json").read_text(encoding="utf-8"))
)
SCRAMBLED = 300
# As `sentence_bert_config.json` of the original says: sentence-transformers reads 256 tokens and drops the rest.
WINDOW = 256
# Of Unicode, for scrambled texts: ASCII, Latin, accents, Greek and Cyrillic, Hebrew and Arabic, India and Thailand,
# Vietnamese and punctuation, kana, ideographs, Hangul, full width.
BLOCKS = (
    (0x20, 0x7F),
    (0xA0, 0x24F),
    (0x300, 0x36F),
    (0x370, 0x52F),
    (0x5D0, 0x6FF),
    (0x900, 0xDFF),
    (0x1E00, 0x20CF),
    (0x3000, 0x30FF),
    (0x4E00, 0x4EFF),
    (0xAC00, 0xACFF),
    (0xFF00, 0xFFEF),
)


def scrambled(sentences: Sequence[str], count: int, seed: int = 3) -> list[str]:
    """Return texts of random pieces of the sentences and random characters, to hold the tokenizer to."""
    chance = random.Random(seed)  # for texts, not for secrets
    pieces = [sentence[i : i + chance.randint(1, 9)] for sentence in sentences for i in range(0, len(sentence), 9)]
    texts = []
    for _ in range(count):
        parts = [chance.choice(pieces) for _ in range(chance.randint(1, 4))]
        low, high = chance.choice(BLOCKS)
        parts += [chr(chance.randint(low, high)) for _ in range(chance.randint(1, 6))]
        chance.shuffle(parts)
        texts.append("".join(parts))
    return texts


def token_ids(tokenizer: Any, text: str) -> list[int]:  # noqa: ANN401 # transformers has no types
    """Return the ids of a text in which special tokens are text too, as they are for us."""
    return [int(token) for token in tokenizer(text, split_special_tokens=True)["input_ids"]]


def vector(encoder: Any, ids: Sequence[int]) -> list[float]:  # noqa: ANN401 # transformers has no types
    """Return the original's normalised vector: the mean of the last states, as its card says."""
    with torch.no_grad():
        mean = encoder(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0)
    values = torch.nn.functional.normalize(mean, dim=0).tolist()
    return [round(value, 5) for value in values]


def main() -> None:
    """Write the reference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with model_folder(arguments.source) as model:
        tokenizer = AutoTokenizer.from_pretrained(model, model_max_length=1 << 20)
        encoder = AutoModel.from_pretrained(model).eval()
        rows = []
        for text in SENTENCES:
            ids = token_ids(tokenizer, text)
            whole = ids if len(ids) <= WINDOW else [*ids[: WINDOW - 1], ids[-1]]
            rows.append({"text": text, "ids": ids, "vector": vector(encoder, whole)})
        texts = [{"text": text, "ids": token_ids(tokenizer, text)} for text in scrambled(SENTENCES, SCRAMBLED)]
    written = json.dumps({"sentences": rows, "scrambled": texts}, ensure_ascii=True, separators=(",", ":"))
    arguments.out.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
