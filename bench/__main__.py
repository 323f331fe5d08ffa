"""`make bench`: what glmgate adds to its engine, how fast it starts, and what adaptation, accounts and filters cost.

`python -m bench --quick` takes a smaller model and fewer pairs, to see that everything runs. Each part that is a module
of its own may be run alone (`python -m bench.accounts`).
"""

from __future__ import annotations

import argparse
import statistics

from bench import (
    accounts,
    adaptation,
    filters,
    ledger,
    limits,
    memory,
    random_model,
    relay,
    start,
    workers,
)

STREAMS = (1, 8, 16)
FIRST_TOKENS = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller model and fewer pairs")
    parser.add_argument("--pairs", type=int, help="measurements of each side [5]")
    quick = parser.parse_args().quick
    pairs = parser.parse_args().pairs or (2 if quick else 5)
    model = random_model.cached("slow" if quick else "bench")
    print(f"Model {model.name}, {model.stat().st_size / 1e6:.0f} MB; medians of {pairs} pairs, both sides in turn")
    print(f"{'streams':>8} {'bare tok/s':>11} {'glmgate tok/s':>14} {'ratio':>7} {'(min-max)':>14}   goal >= 0.95")
    for row in relay.throughput(model, streams=STREAMS, pairs=pairs):
        spread = f"({min(row.ratios):.2f}-{max(row.ratios):.2f})"
        print(f"{row.streams:>8} {row.bare:>11.1f} {row.through:>14.1f} {row.ratio:>7.3f} {spread:>14}", flush=True)
    # With the smallest model: the time of a large one differs from answer to answer by more than what is measured.
    added = relay.first_token(random_model.cached("tiny"), pairs=FIRST_TOKENS)
    print(f"\nadded to the first token   {added * 1000:6.2f} ms   goal <= 3 ms (median of {FIRST_TOKENS} pairs)")
    starts = [start.measure() for _ in range(pairs)]
    print(f"ready after                {statistics.median(one.ready_s for one in starts):6.2f} s    goal <= 1.5 s")
    print(f"first answer after         {statistics.median(one.answer_s for one in starts):6.2f} s    goal <= 3 s")
    print(f"idle, without a child      {statistics.median(one.idle_mib for one in starts):6.1f} MiB  goal <= 90 MiB\n")
    adaptation.main()
    limits.main()
    accounts.main(quick=quick)
    print()
    ledger.main(quick=quick)
    memory.main(quick=quick)
    print()
    filters.main()
    print()
    workers.main()


if __name__ == "__main__":
    main()
