"""`python -m bench.filters`: what filters cost, for a thousand characters of text and for a piece of a stream.

CPU time of one core, the best of several rounds. A part of `make bench`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from glmgate.policy.filters.answers import AnswerFilter
from glmgate.policy.filters.chain import TextFilter, Texts
from glmgate.policy.filters.expressions import Expressions
from glmgate.policy.filters.kinds import KINDS, expressions
from glmgate.policy.filters.scan import Counts, Numbers, Rule, whole
from glmgate.policy.filters.words import Words
from glmgate.wire.delta import Delta

ROUNDS = 7
ENGLISH = "The quick brown fox wrote to user.name, at example dot com, and counted 12 lazy dogs on its way home. "
CHINESE = "这是一个测试文本，包含一些数字12345和字母abc，没有任何需要过滤的内容。"
WORDS = 10_000


def rules() -> dict[str, tuple[Rule, ...]]:
    """What is measured: each kind, a pattern, a long list, and all kinds together."""
    kinds = {
        kind: Rule(name=kind, finder=expressions(kind), replacement=known.replacement, check=known.check)
        for kind, known in KINDS.items()
    }
    pattern = Rule(name="regex", finder=Expressions([r"\bTCK-\d{6}\b"]), replacement="x")
    words = Rule(name="words", finder=Words(f"word{number}" for number in range(WORDS)), replacement="x")
    single = {name: (rule,) for name, rule in (*kinds.items(), ("regex", pattern), (f"{WORDS} words", words))}
    return single | {"all kinds": tuple(kinds.values())}


def main() -> None:
    """Measure and print."""
    print(f"{'filter':<16} {'English, µs/KB':>15} {'Chinese, µs/K':>15} {'a piece, µs':>12}")
    for name, used in rules().items():
        filters = tuple(TextFilter(rule=rule) for rule in used)
        english, chinese = (best(partial(_whole, filters, _long(text)), 50) for text in (ENGLISH, CHINESE))
        pieces = best(partial(_streamed, filters), 5) / len(_pieces())
        print(f"{name:<16} {english:>15.1f} {chinese:>15.1f} {pieces:>12.1f}")


def best(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU for one run of `work`, in the best of the rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - began) / times * 1e6)
    return min(found)


def _long(text: str) -> str:
    return (text * (1000 // len(text) + 1))[:1000]


def _pieces() -> list[Delta]:
    text = _long(ENGLISH)
    return [Delta(content=text[at : at + 5]) for at in range(0, len(text), 5)]


def _whole(filters: tuple[TextFilter, ...], text: str) -> str:
    return whole(Texts(filters, Counts(), Numbers()).machine(), text)


def _streamed(filters: tuple[TextFilter, ...]) -> None:
    machine = AnswerFilter(filters, Counts())
    for delta in _pieces():
        machine.feed(delta)


if __name__ == "__main__":
    main()
