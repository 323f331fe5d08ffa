"""Rules: numbers. Those out of the caller's range are refused, those out of the deployment's are clamped.

Lengths of answers have a module of their own (`length`).
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile, Range
from glmgate.errors import InvalidRequest, UnsupportedValue
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.engine import Note

G = TypeVar("G", ChatRequest, CompletionRequest)

_TOKEN_ID: Final = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_BIAS: Final = 100.0
_MOST_BIASES: Final = 4096  # more than any SDK's example by far; bounds the work for one sampled token


def numbers(request: G, profile: Profile) -> Change[G]:
    """Hold every number to its range (engine facts 3, behaviour 4; contract rows T2, T3)."""
    clamped: dict[str, float] = {}
    for name, bounds in profile.numbers.items():
        value = getattr(request, name, None)
        if value is not None and (kept := _within(name, value, bounds)) != value:
            clamped[name] = kept
    if not clamped:
        return Change(request)
    notes = tuple(
        Note(name, f"{getattr(request, name):.10g}->{value:.10g}", exact=False) for name, value in clamped.items()
    )
    return Change(msgspec.structs.replace(request, **clamped), notes=notes)


def single(request: G, profile: Profile) -> Change[G]:
    """One call makes one choice; several are routing's matter (contract row N1)."""
    if request.n is None:
        return Change(request)
    if request.n > 1:
        raise UnsupportedValue(f"n={request.n} cannot be answered by one call.", param="n")
    return Change(msgspec.structs.replace(request, n=None))


def likeliest(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """A temperature of 0 means the likeliest token; some services say that by `do_sample: false` (contract row T1).

    Before the ranges, because 0 may be below the lowest temperature there.
    """
    if request.temperature != 0 or profile.greedy != "do_sample":
        return Change(request)
    notes: tuple[Note, ...] = (Note("temperature", "do_sample"),)
    if request.do_sample:
        notes = (*notes, Note("do_sample", "true->false"))
    return Change(msgspec.structs.replace(request, temperature=None, do_sample=False), notes=notes)


def greedy(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`do_sample: false` means the likeliest token, whatever the temperature says (contract rows T1 and 1.2)."""
    if request.do_sample is None or profile.greedy == "do_sample":
        return Change(request)
    if request.do_sample:
        return Change(msgspec.structs.replace(request, do_sample=None))
    notes: tuple[Note, ...] = (Note("do_sample", "temperature"),)
    if request.temperature:
        notes = (*notes, Note("temperature", f"{request.temperature:.10g}->0"))
    if request.top_p is not None:
        notes = (*notes, Note("top_p", "omitted"))  # the likeliest token is in every nucleus
    return Change(msgspec.structs.replace(request, do_sample=None, temperature=0.0, top_p=None), notes=notes)


def seed(request: G, profile: Profile) -> Change[G]:
    """The same seed gives the same seed there; different ones rarely the same (contract row N3)."""
    if request.seed is None or not profile.seeds or 0 <= request.seed < profile.seeds:
        return Change(request)
    return Change(msgspec.structs.replace(request, seed=request.seed % profile.seeds), notes=(Note("seed", "mapped"),))


def biases(request: G, profile: Profile) -> Change[G]:
    """`logit_bias`: token ids of the model that answers, and a bias within the documented range."""
    if request.logit_bias is None:
        return Change(request)
    if len(request.logit_bias) > _MOST_BIASES:
        raise InvalidRequest(
            f"'logit_bias' has {len(request.logit_bias)} entries, at most {_MOST_BIASES}.", param="logit_bias"
        )
    for token, bias in request.logit_bias.items():
        if not _TOKEN_ID.fullmatch(token) or (profile.vocabulary is not None and int(token) >= profile.vocabulary):
            below = f" below {profile.vocabulary}" if profile.vocabulary is not None else ""
            raise InvalidRequest(
                f"{token[:32]!r} in 'logit_bias' is no token id of this model: a whole number{below}.",
                param="logit_bias",
            )
        if not -_BIAS <= bias <= _BIAS:
            raise InvalidRequest(f"The bias {bias:g} in 'logit_bias' is not between -100 and 100.", param="logit_bias")
    return Change(request if request.logit_bias else msgspec.structs.replace(request, logit_bias=None))


def logprobs(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`top_logprobs` says how many; without `logprobs` it has no meaning (contract row N2)."""
    if request.logprobs is None and request.top_logprobs is None:
        return Change(request)
    if request.top_logprobs and not request.logprobs:
        raise InvalidRequest("'top_logprobs' needs 'logprobs': true.", param="top_logprobs")
    if request.logprobs is False or (request.top_logprobs is not None and not request.logprobs):
        return Change(msgspec.structs.replace(request, logprobs=None, top_logprobs=None))
    return Change(request)


def _within(name: str, value: float, bounds: Range) -> float:
    if not bounds.low <= value <= bounds.high:
        raise InvalidRequest(
            f"{name!r} is {_shown(value)}, but must be between {bounds.low} and {bounds.high}.", param=name
        )
    low = bounds.low if bounds.send_low is None else bounds.send_low
    high = bounds.high if bounds.send_high is None else bounds.send_high
    if bounds.over == "scale":
        return low + (value - bounds.low) * (high - low) / (bounds.high - bounds.low)
    return low if value < low else min(value, high)


def _shown(value: float) -> str:
    """A number of the caller's; one of many digits says no more by all of them."""
    return str(value) if abs(value) < 2**64 else f"{float(value):g}" if abs(value) < 2**1000 else "too large"
