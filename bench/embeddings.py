"""`python -m bench.embeddings`: how near the built-in embeddings are to the original's, and what each size costs.

Reads the stored reference of the tests; needs nothing but the package. Prints the table of docs/embeddings.md.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

from glmgate.adaptation.profile import shipped
from glmgate.adaptation.vectors import resized
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.routing.adapted import Adapted
from glmgate.weights.builtin import DATA, EMBEDDING_NAME, EMBEDDING_WINDOW
from glmgate.weights.vocabulary import read_wordpiece
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller

REFERENCE = Path(__file__).resolve().parent.parent / "tests" / "data" / "minilm_reference.json"
SIZES = (2048, 1536, 1024, 512, 384, 256, 128, 64)

Vectors = Sequence[Sequence[float]]


class Sentence(msgspec.Struct):
    """A text and the original's vector of it."""

    text: str
    vector: tuple[float, ...]


class Reference(msgspec.Struct):
    """The stored reference."""

    sentences: list[Sentence]


async def embedded(texts: Sequence[str]) -> Vectors:
    """The vectors of the built-in model, as the server makes them."""
    path = DATA / f"{EMBEDDING_NAME}.gguf"
    reader = read_wordpiece(path, window=EMBEDDING_WINDOW)
    supervisor = Supervisor(EmbeddedSettings(threads=1))
    try:
        bare = EmbeddedEngine(LocalModel(EMBEDDING_NAME, path, "embedding"), supervisor)
        call = Call(request_id="bench", caller=Caller(key_id="bench"), surface="openai")
        request = EmbeddingsRequest(model=EMBEDDING_NAME, input=list(texts))
        return (await Adapted(bare, shipped("embedded"), reader=lambda: reader).embed(call, request)).vectors
    finally:
        await supervisor.aclose(grace_s=1)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of the angle between two vectors."""
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


def similarities(vectors: Vectors) -> list[float]:
    """The cosine of every pair."""
    return [cosine(one, other) for one, other in itertools.combinations(vectors, 2)]


def nearest(vectors: Vectors) -> list[int]:
    """For each vector the place of the one that is nearest to it."""
    return [
        max((place for place in range(len(vectors)) if place != own), key=lambda place: cosine(vector, vectors[place]))
        for own, vector in enumerate(vectors)
    ]


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value in their order; equal ones are not expected."""
    order = sorted(range(len(values)), key=values.__getitem__)
    places = [0.0] * len(values)
    for rank, place in enumerate(order):
        places[place] = float(rank)
    return places


def main() -> None:
    """Measure and print."""
    sentences = msgspec.json.decode(REFERENCE.read_bytes(), type=Reference).sentences
    originals = [sentence.vector for sentence in sentences]
    ours = asyncio.run(embedded([sentence.text for sentence in sentences]))
    cosines = [cosine(one, other) for one, other in zip(originals, ours, strict=True)]
    mean = statistics.fmean(cosines)
    print(f"Cosine to the original's vectors, {len(cosines)} sentences: least {min(cosines):.5f}, mean {mean:.5f}\n")
    true, best = similarities(originals), nearest(originals)
    print(f"Similarity of all {len(true)} pairs against the original's 384 dimensions\n")
    print("| size | Spearman | mean error | largest error | same nearest |")
    print("|--:|--:|--:|--:|--:|")
    for size in SIZES:
        vectors = [resized(vector, size) for vector in ours]
        found = similarities(vectors)
        errors = [abs(one - other) for one, other in zip(true, found, strict=True)]
        rank = statistics.correlation(ranks(true), ranks(found))
        same = sum(a == b for a, b in zip(best, nearest(vectors), strict=True))
        print(f"| {size} | {rank:.4f} | {statistics.fmean(errors):.4f} | {max(errors):.3f} | {same} % |", flush=True)


if __name__ == "__main__":
    main()
