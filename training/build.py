"""Makes the built-in chat model from a seed and judges it: `python -m training.build --seed 7 --minutes 58`.

Only the order of the steps; each is a module of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
from pathlib import Path

import gguf
import torch

from training import tokenizer as bpe
from training import train
from training.engine import running
from training.evaluate import SHIPPED, report
from training.export import NAME, export
from training.model import Glm

HERE = Path(__file__).parent
OUT = HERE / "out"
TOKENIZER = "tokenizer.json"
# What is trained further has learned to copy and needs no high rate.
FURTHER_RATE = 0.4
RESULTS = HERE / "results" / f"{NAME}.md"


def build(plan: train.Plan, out: Path, start: Path | None = None, *, threads: int = 1) -> Path:
    """Train and write tokenizer, checkpoint and GGUF files into a folder; return the path of the Q8_0 file.

    With `start`, the folder of an earlier run, its model is trained further with its tokenizer.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    tokenizer = bpe.load(start / TOKENIZER) if start else train.train_tokenizer(plan)
    begun = train.load_checkpoint(start / f"{NAME}.pt") if start else None
    tokenizer.save(str(out / TOKENIZER))
    finished = out / f"{NAME}.gguf"

    def save(model: Glm) -> None:
        train.save_checkpoint(out / f"{NAME}.pt", model)
        export(model, tokenizer, finished, kind=gguf.GGMLQuantizationType.Q8_0)

    train.train(plan, tokenizer, save, begun)
    return finished


def judge(finished: Path, count: int) -> Path:
    """Judge a file, print the report and write it beside the file; return the report's path."""
    with running(finished) as engine:
        text = report(engine, finished.stem, count, wrong=0)
    sys.stdout.write(text)
    path = finished.with_suffix(".md")
    path.write_text(text)
    return path


def plan_of(arguments: argparse.Namespace) -> train.Plan:
    """Return the plan that the command line asks for."""
    plan = train.Plan(arguments.seed, arguments.minutes, width=arguments.width, layers=arguments.layers)
    if arguments.start is None:
        return plan
    rate, inner_rate = plan.rate * arguments.rate, plan.inner_rate * arguments.rate
    return dataclasses.replace(plan, drill_share=0.0, level_share=0.0, rate=rate, inner_rate=inner_rate)


def main() -> None:
    """Build as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = train.Plan(seed=7, minutes=58.0)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="how long the training itself may take")
    parser.add_argument("--width", type=int, default=usual.width, help="channels: a multiple of 32 for each of 6 heads")
    parser.add_argument("--layers", type=int, default=usual.layers)
    # More than one collapse on a machine that others use too (engine facts 5).
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=FURTHER_RATE, help="with --start: as a share of a new model's")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--start", type=Path, help="the folder of an earlier run, whose model is trained further")
    parser.add_argument("--count", type=int, default=200, help="questions of each subject that it is judged on")
    parser.add_argument("--install", action="store_true", help="put the model into the package, the report beside this")
    arguments = parser.parse_args()
    finished = build(plan_of(arguments), arguments.out, arguments.start, threads=arguments.threads)
    written = judge(finished, arguments.count)
    if arguments.install:
        shutil.copyfile(finished, SHIPPED)
        RESULTS.parent.mkdir(exist_ok=True)
        shutil.copyfile(written, RESULTS)


if __name__ == "__main__":
    main()
