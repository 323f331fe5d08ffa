"""Judges weights through the chat API: `python -m training.evaluate [MODEL.gguf] [--report FILE.md]`.

Asks and prints; what is asked is `examinations`, what is right is `judging`, and what is enough is `bars`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Protocol

from training.bars import bar_table
from training.conversation import Conversation, Json
from training.engine import EngineError
from training.examinations import SUBJECTS, examination, seed_questions
from training.judging import Answer, Verdict, answer, judge, request
from training.served import serving

SHIPPED = Path(__file__).resolve().parent.parent / "src" / "glmgate" / "weights" / "data" / "glmgate-tiny.gguf"
EXAMINATION_SEED = 20261122
PARALLEL = 4
# What a client that sends nothing gets lies between; each is tried with several seeds.
_LEGEND = (
    "Asked through the chat API with questions, names and values that training did not see, at temperature 0.",
    "Shares in percent.",
    "`ended`: by itself.",
    "`form`: nothing of the format shows, and JSON is JSON.",
    "`switch`: thinks when told to, and only then.",
    "`tool`: calls the right tools, or none where none is right.",
    "`right`: the answer is the expected one, to the letter.",
)
_SEED_LEGEND = "The questions of the seed pages, which training did see: right answers of samples."
TEMPERATURES = (0.0, 0.6, 0.9)
SAMPLES = 5


class Engine(Protocol):
    """What is asked: the server (`served`), or the bare engine (`engine`)."""

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Send a body and return the answer. Raises EngineError when it is refused."""
        ...


def ask(engine: Engine, body: Json) -> Answer:
    """Return the engine's answer; an answer that it cannot parse is one without form."""
    try:
        return answer(engine.post("/v1/chat/completions", body))
    except EngineError as error:
        return Answer(f"<{error}>", "", (), "error")


def verdicts(engine: Engine, conversations: Sequence[Conversation]) -> list[tuple[Answer, Verdict]]:
    """Return the answers to conversations and what is right in them."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(partial(ask, engine), map(request, conversations)))
    return [(given, judge(made, given)) for made, given in zip(conversations, answers, strict=True)]


def share(results: Sequence[Verdict], name: str) -> str:
    """Return how many of the verdicts say yes, in percent."""
    return f"{100 * sum(getattr(result, name) for result in results) / len(results):.1f}"


def examine(engine: Engine, count: int, *, wrong: int) -> dict[str, list[Verdict]]:
    """Return what is right in the answers, by subject; shows some wrong answers of each on the error output."""
    results: dict[str, list[Verdict]] = {}
    for subject in SUBJECTS:
        conversations = examination(subject, count, EXAMINATION_SEED)
        judged = verdicts(engine, conversations)
        results[subject] = [verdict for _, verdict in judged]
        missed = [
            (made, given) for made, (given, verdict) in zip(conversations, judged, strict=True) if not verdict.right
        ]
        for made, given in missed[:wrong]:
            expected = made.messages[-1]
            sys.stderr.write(f"{subject}: {made.messages[-2].content!r}\n  want {expected}\n  got  {given}\n")
    return results


def subject_table(results: Mapping[str, Sequence[Verdict]]) -> list[str]:
    """Return the rows of the held-out subjects."""
    names = [field.name for field in fields(Verdict)]
    rows = [f"| subject | n | {' | '.join(names)} |", f"|---|--:|{'--:|' * len(names)}"]
    every = [verdict for judged in results.values() for verdict in judged]
    for subject, judged in (*results.items(), ("all", every)):
        rows.append(f"| {subject} | {len(judged)} | {' | '.join(share(judged, name) for name in names)} |")
    return rows


def seed_table(engine: Engine) -> list[str]:
    """Return the rows of the seed pages' questions: right answers out of the samples, by temperature and switch."""
    columns = [(thinking, temperature) for thinking in (True, False) for temperature in TEMPERATURES]
    heads = " | ".join(f"{'on' if thinking else 'off'}, {temperature}" for thinking, temperature in columns)
    rows = [f"| question (thinking, temperature) | {heads} |", f"|---|{'--:|' * len(columns)}"]
    for name in seed_questions(thinking=True):
        cells = [_seed_cell(engine, seed_questions(thinking=thinking)[name], heat) for thinking, heat in columns]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _seed_cell(engine: Engine, made: Conversation, temperature: float) -> str:
    samples = 1 if temperature == 0 else SAMPLES
    given = [ask(engine, request(made, temperature=temperature, seed=seed)) for seed in range(samples)]
    judged = [judge(made, one) for one in given]
    right = sum(one.right and one.ended and one.switch for one in judged)
    return f"{right}/{samples}"


def report(engine: Engine, name: str, count: int, *, wrong: int) -> str:
    """Return the whole report on what `engine` answers."""
    results = examine(engine, count, wrong=wrong)
    seeds = seed_table(engine)
    title = f"# What {name} can do"
    parts = [*_LEGEND, "", *subject_table(results), "", *bar_table(results), "", _SEED_LEGEND, "", *seeds, ""]
    return "\n".join([title, "", *parts])


def main() -> None:
    """Judge, print, and write the report if told where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?", default=SHIPPED, help="a GGUF file [the shipped one]")
    parser.add_argument("--count", type=int, default=200, help="questions for each subject")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--wrong", type=int, default=0, help="wrong answers to show for each subject")
    arguments = parser.parse_args()
    with serving(arguments.model) as service:
        text = report(service, arguments.model.stem, arguments.count, wrong=arguments.wrong)
    sys.stdout.write(text)
    if arguments.report:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        arguments.report.write_text(text)


if __name__ == "__main__":
    main()
