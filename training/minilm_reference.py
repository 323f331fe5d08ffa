"""Compares the converted embedding model with the original, and writes the reference vectors of the tests.

Run as `python -m training.minilm_reference SOURCE GGUF OUT.json`; needs torch and transformers, the tests do not.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

from training.convert_minilm import model_folder
from training.engine import Engine, running

SENTENCES = (
    "yes",
    "A cat sleeps on the warm stone.",
    "How's the weather in Beijing today?",
    "The quick brown fox jumps over the lazy dog.",
    "Vector databases store embeddings and find the nearest neighbours of a query.",
    "foo bar",
    "GLM-4.6 answers in 1.5 seconds; version 2.0 took 3 (or more!).",
    (
        "The committee, having deliberated for nearly six hours over the merits of the proposal, finally agreed that "
        "the bridge should be rebuilt in stone, that the toll should be abolished, and that the ferryman should be "
        "given a pension for his forty years of service to the town."
    ),
    "def quicksort(items): return sorted(items)",
    "Caf\u00e9s in Z\u00fcrich close at na\u00efve hours.",
    "Who painted the ceiling of the Sistine Chapel?",
    "Michelangelo painted it between 1508 and 1512.",
    "I do not like green eggs and ham.",
    "Interest rates rose by 0.25 percent on Thursday.",
    "Please reset my password",
    "?",
    "no",
    "what?",
    "\u4f60\u597d\uff0c\u4e16\u754c",
    "O\u00f9 est la gare ?",
    "The train to Edinburgh leaves from platform nine at half past four.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "Hello",
    "What is the capital of France?",
    "Paris is the capital and largest city of France.",
    "An error occurred while connecting to the server: connection refused (111).",
    "She sells sea shells by the sea shore.",
    "The patient was given 50 mg of the drug twice a day for two weeks.",
    "Buy two, get one free!!!",
    "user@example.com wrote on 2024-03-05T10:00:00Z",
    "Antidisestablishmentarianism is a long word.",
    "He said: \"I can't, won't and shan't.\"",
    "Once upon a time there was a small dragon who was afraid of fire. " * 6,
    "SELECT name FROM users WHERE age > 30 ORDER BY name;",
    "Mountains, rivers and forests cover most of the island.",
)
STORED = 10
BAR = 0.999


def original_vectors(model: Path, sentences: Sequence[str]) -> list[list[float]]:
    """Return the normalised vectors of the original model: the mean of the last states, as its card says."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    encoder = AutoModel.from_pretrained(model).eval()
    vectors = []
    for sentence in sentences:
        tokens = tokenizer(sentence, return_tensors="pt", padding=False, truncation=True, max_length=512)
        with torch.no_grad():
            mean = encoder(**tokens).last_hidden_state[0].mean(dim=0)
        vectors.append(torch.nn.functional.normalize(mean, dim=0).tolist())
    return vectors


def engine_vectors(engine: Engine, sentences: Sequence[str]) -> list[list[float]]:
    """Return the vectors that the engine gives."""
    data = engine.post("/v1/embeddings", {"input": list(sentences)})["data"]
    assert isinstance(data, list)
    return [row["embedding"] for row in data]


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors."""
    inner = sum(a * b for a, b in zip(left, right, strict=True))
    return inner / (math.hypot(*left) * math.hypot(*right))


def main() -> None:
    """Compare and write; ends with status 1 when a sentence falls under the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("gguf", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with model_folder(arguments.source) as model:
        expected = original_vectors(model, SENTENCES)
    with running(arguments.gguf, embedding=True) as engine:
        given = engine_vectors(engine, SENTENCES)
    cosines = [cosine(a, b) for a, b in zip(expected, given, strict=True)]
    for value, sentence in sorted(zip(cosines, SENTENCES, strict=True)):
        sys.stdout.write(f"{value:.6f} {sentence[:80]!r}\n")
    rows = [
        {"text": text, "vector": [round(x, 5) for x in vector]}
        for text, vector in list(zip(SENTENCES, expected, strict=True))[:STORED]
    ]
    arguments.out.write_text(json.dumps(rows, ensure_ascii=True, separators=(",", ":")) + "\n")
    if min(cosines) < BAR:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
