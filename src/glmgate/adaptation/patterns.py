"""Which regular expressions of strangers are accepted: those that a matcher runs in linear time, and not too large.

Whether one is well formed beyond that is the engine's matter; it refuses it by itself.
"""

from __future__ import annotations

import re
from typing import Final

_LOOKAROUND: Final = re.compile(r"\(\?(?:[=!]|<[=!])")
_BACKREFERENCE: Final = re.compile(r"\\(?:[1-9]|k[<'{]|g[<'{])|\(\?P=|\(\?\(|\(\?[R0-9&+-]|\(\?>")
_ESCAPED: Final = re.compile(r"\\(?:[^1-9kg]|$)", re.DOTALL)
_CLASS: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_REPEAT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}", re.ASCII)


def objection(pattern: str, *, longest: int, repeat: int) -> str | None:
    """Why `pattern` is not accepted, or None. `longest` in characters; `repeat` bounds counts, and their product."""
    if len(pattern) > longest:
        return f"the pattern has {len(pattern)} characters, at most {longest}"
    bare = _CLASS.sub("C", _ESCAPED.sub("E", pattern))
    if _LOOKAROUND.search(bare):
        return "lookahead and lookbehind are not supported, because they have no bound on their time"
    if _BACKREFERENCE.search(bare):
        return "backreferences, conditions and recursion are not supported, because they have no bound on their time"
    return _too_often(bare, repeat)


def _too_often(bare: str, repeat: int) -> str | None:
    product = 1
    for low, _, high in _REPEAT.findall(bare):
        most = max(int(low[:7]), int(high[:7] or 0), 1)
        if most > repeat:
            return f"a repetition count is over {repeat}"
        product *= most
    return f"the repetition counts multiply to more than {repeat * repeat}" if product > repeat * repeat else None
