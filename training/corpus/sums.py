"""Sums of two digits: a table small enough to be known by heart.

Nothing larger is asked, because nothing larger could be answered.
"""

from __future__ import annotations

import random

from training.conversation import Conversation, Message, assistant, user
from training.corpus.phrasing import varied
from training.corpus.values import Split

_WAYS = ("What is {0} + {1}?", "{0} + {1} = ?", "How much is {0} + {1}?", "{0}+{1}", "What is {0} plus {1}?",
         "Add {0} and {1}.", "Calculate {0} + {1}.", "What's {0}+{1}?", "{0} + {1}",
         "{0} and {1}?", "Tell me {0} + {1}.", "{0} plus {1} = ?", "Sum of {0} and {1}?", "Work out {0} + {1}.")  # fmt: skip
_HELD_OUT_WAYS = ("Tell me what {0} + {1} is.", "{0} plus {1}?")


def sums(rng: random.Random, split: Split) -> Conversation:
    """Return one to four sums in a row."""
    turns: list[Message] = []
    for _ in range(rng.randint(1, 4)):
        a, b = rng.randrange(10), rng.randrange(10)
        way = rng.choice(_HELD_OUT_WAYS if split == "held_out" else _WAYS)
        thought = f"The user wants {a} + {b}. That is {a + b}."
        turns += [user(varied(rng, way.format(a, b))), assistant(f"{a} + {b} = {a + b}", thought)]
    return Conversation(tuple(turns), thinking=rng.random() < 0.5)
