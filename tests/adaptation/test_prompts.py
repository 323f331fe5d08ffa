"""Text completions (contract row L1)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter, UnsupportedValue
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from tests.adaptation.requests import PROFILE, completion, fitted_completion, folded


@pytest.mark.parametrize("given_prompt", ["Once", ["Once"]])
def test_one_prompt_is_sent_as_text(given_prompt: object) -> None:
    """As a string or as a list of one."""
    assert fitted_completion(prompt=given_prompt).prompt == "Once"


@pytest.mark.parametrize("absent", [None, "", []])
def test_a_prompt_is_needed(absent: object) -> None:
    """To nothing the engine answers nothing."""
    with pytest.raises(MissingParameter) as raised:
        fit(completion(prompt=absent), PROFILE)
    assert raised.value.param == "prompt"


@pytest.mark.parametrize("ids", [[1, 2], [[1], [2]], ["a", 1]])
def test_token_ids_are_refused(ids: object) -> None:
    """Those of another tokenizer mean nothing here."""
    with pytest.raises(InvalidRequest, match="token ids") as raised:
        fit(completion(prompt=ids), PROFILE)
    assert raised.value.param == "prompt"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"suffix": "the end"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"echo": True, "logprobs": 1}, "logprobs"),
    ],
)
def test_what_cannot_be_done_is_refused(members: dict[str, Any], param: str) -> None:
    """Each with its field."""
    with pytest.raises(UnsupportedValue) as raised:
        fit(completion(**members), PROFILE)
    assert raised.value.param == param


@pytest.mark.parametrize("logprobs", [-1, 6])
def test_legacy_log_probabilities_have_a_range(logprobs: int) -> None:
    """Up to five, as documented."""
    with pytest.raises(InvalidRequest) as raised:
        fit(completion(logprobs=logprobs), PROFILE)
    assert raised.value.param == "logprobs"


def test_what_means_nothing_is_left_out() -> None:
    """An empty suffix, the best of one, no echo."""
    fitted = fitted_completion(suffix="", best_of=1, n=1, echo=False, logprobs=5)
    assert (fitted.suffix, fitted.best_of, fitted.n, fitted.echo, fitted.logprobs) == (None, None, None, None, 5)


def test_an_echo_comes_first() -> None:
    """Once, as the caller wrote it, and never searched for stop strings."""
    fitted = fit(completion(prompt="<think> a.", echo=True, stop="."), PROFILE)
    deltas = [after for text in (" b", ".", "c") for after in fitted.undo.feed(Delta(content=text))]
    assert folded(deltas).content == "<think> a. b"
    assert fitted.undo.done


def test_no_mark_can_stand_in_a_text_completion() -> None:
    """Nobody takes thoughts and calls out of its text; a caller who asks for a mark's token gets it."""
    profile = msgspec.structs.replace(PROFILE, markup=(7, 9))
    fitted = fit(completion(logit_bias={"9": 1.0}), profile).request
    assert isinstance(fitted, CompletionRequest)
    assert fitted.logit_bias == {"7": -100.0, "9": 1.0}
