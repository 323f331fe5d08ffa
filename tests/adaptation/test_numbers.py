"""Numbers: those out of range are refused, others kept, mapped or clamped."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.fit import fit
from glmgate.adaptation.profile import Range
from glmgate.errors import InvalidRequest, UnsupportedValue
from tests.adaptation.requests import BARE, PROFILE, chat, fitted_chat, fitted_completion, noted

BAD = [
    *[("temperature", value) for value in (-1, 2.1, 99)],
    *[("top_p", value) for value in (-0.1, 1.1, 9)],
    *[("min_p", value) for value in (-1, 2)],
    ("top_k", -1),
    *[("frequency_penalty", value) for value in (-2.1, 3)],
    *[("presence_penalty", value) for value in (-2.1, 3)],
    *[("n", value) for value in (0, -1, 129)],
    *[("max_tokens", value) for value in (0, -1)],
    *[("max_completion_tokens", value) for value in (0, -1)],
    *[("seed", value) for value in (2**63, -(2**63) - 1, 10**40)],
    *[("top_logprobs", value) for value in (-1, 21, 100000)],
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_out_of_range_is_refused(name: str, value: float) -> None:
    """The engine takes any number without a word (engine facts 3, behaviour 4); we say which is wrong."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(logprobs=True, **{name: value}), PROFILE)
    assert raised.value.param == name
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 1.7), ("temperature", 0), ("top_p", 0), ("top_p", 1), ("top_k", 0), ("min_p", 0.1), ("seed", 7)],
)
def test_numbers_in_range_are_passed(name: str, value: float) -> None:
    """The local engine honours the true value (contract rows T1 to T3)."""
    fitted = fit(chat(**{name: value}), PROFILE)
    assert getattr(fitted.request, name) == value
    assert fitted.notes == ()


def test_what_the_deployment_does_not_take_is_clamped() -> None:
    """A profile with a narrower range gets the nearest number, and the report says both (contract row T2)."""
    narrow = msgspec.structs.replace(
        BARE, numbers={"temperature": Range(low=0, high=2, send_high=1), "top_p": Range(0, 1, 0.01)}
    )
    fitted = fit(chat(temperature=1.7, top_p=0), narrow)
    assert noted(fitted) == ["temperature=1.7->1", "top_p=0->0.01"]
    assert [note.exact for note in fitted.notes] == [False, False]


def test_do_sample_wins_over_the_temperature() -> None:
    """The GLM SDKs say greedy by do_sample: false and send a temperature beside it (contract 1.2)."""
    fitted = fitted_chat(do_sample=False, temperature=0.01, top_p=0.7)
    assert (fitted.temperature, fitted.top_p, fitted.do_sample) == (0, None, None)


def test_do_sample_true_changes_nothing() -> None:
    """Sampling is what happens anyway."""
    fitted = fitted_chat(do_sample=True, temperature=0.7)
    assert (fitted.temperature, fitted.do_sample) == (0.7, None)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_seed_is_one_that_the_engine_has(seed: int) -> None:
    """Any 64-bit seed goes to one of the engine's, always the same, and never to its word for random."""
    mapped = fitted_chat(seed=seed).seed
    assert mapped is not None
    assert 0 <= mapped < 2**32 - 1
    assert mapped == seed or not 0 <= seed < 2**32 - 1


def test_one_call_makes_one_choice() -> None:
    """n=1 is what happens anyway; more is routing's matter, so here it is a fault."""
    assert fitted_chat(n=1).n is None
    with pytest.raises(UnsupportedValue, match="n=2"):
        fit(chat(n=2), PROFILE)


@pytest.mark.parametrize(
    "bad", [{"abc": 1}, {"-1": 1}, {"01": 1}, {"2048": 1}, {"1.5": 1}, {"²": 1}, {"5": 101}, {"5": -101}]
)
def test_bad_biases_are_refused(bad: dict[str, float]) -> None:
    """Keys are token ids of this model, biases lie within the documented range."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(logit_bias=bad), PROFILE)
    assert raised.value.param == "logit_bias"


def test_too_many_biases_are_refused() -> None:
    """Their number is bounded: each costs work for each token."""
    with pytest.raises(InvalidRequest, match="4097 entries"):
        fit(chat(logit_bias={str(number): 1 for number in range(4097)}), BARE)


def test_biases_are_passed() -> None:
    """The engine knows them (contract row N2)."""
    assert fitted_chat(logit_bias={"5": -100, "2047": 3.5}).logit_bias == {"5": -100, "2047": 3.5}
    assert fitted_completion(logit_bias={"5": 1}).logit_bias == {"5": 1}


def test_top_logprobs_need_logprobs() -> None:
    """OpenAI refuses the one without the other, and so do we."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(top_logprobs=3), PROFILE)
    assert raised.value.param == "top_logprobs"


def test_logprobs_are_passed() -> None:
    """With their number, or without any."""
    fitted = fitted_chat(logprobs=True, top_logprobs=3)
    assert (fitted.logprobs, fitted.top_logprobs) == (True, 3)
    off = fitted_chat(logprobs=False, top_logprobs=0)
    assert (off.logprobs, off.top_logprobs) == (None, None)


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_penalties_are_passed(name: str) -> None:
    """The engine has them (contract row N2)."""
    assert getattr(fit(chat(**{name: -1.5}), PROFILE).request, name) == -1.5
