"""Makes the built-in chat model from a seed: `python -m training.build --seed 7 --minutes 55`.

Only the order of the steps; each is a module of its own.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import gguf
import torch

from training import train
from training.export import NAME, export
from training.model import Glm

OUT = Path(__file__).parent / "out"


def build(plan: train.Plan, out: Path) -> Path:
    """Train and write tokenizer, checkpoint and GGUF files into a folder; return the path of the Q8_0 file."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # more collapse on a shared machine (engine facts 5)
    tokenizer = train.train_tokenizer(plan)
    tokenizer.save(str(out / "tokenizer.json"))
    finished = out / f"{NAME}.gguf"

    def save(model: Glm) -> None:
        train.save_checkpoint(out / f"{NAME}.pt", model)
        write = partial(export, model, tokenizer)
        write(finished, kind=gguf.GGMLQuantizationType.Q8_0)
        write(out / f"{NAME}.f32.gguf", kind=gguf.GGMLQuantizationType.F32)

    train.train(plan, tokenizer, save)
    return finished


def main() -> None:
    """Build as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = train.Plan(seed=7, minutes=55.0)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="how long the training itself may take")
    parser.add_argument("--width", type=int, default=usual.width, help="channels: a multiple of 32 for each of 6 heads")
    parser.add_argument("--layers", type=int, default=usual.layers)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    plan = train.Plan(arguments.seed, arguments.minutes, width=arguments.width, layers=arguments.layers)
    build(plan, arguments.out)


if __name__ == "__main__":
    main()
