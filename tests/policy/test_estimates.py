"""Estimates: what nobody told, what may come, and what they are learned from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.attempts import Basis, Said, Verdict
from glmgate.policy.estimates import Counted, Estimator, at_most, countable, sane
from glmgate.wire.delta import Usage

PLACE = ("zai", "glm-4.6")
NOTHING = Said()


def learned(*rows: tuple[int, int, Usage]) -> Estimator:
    """An estimator that has learned from rows of prompt bytes, answer bytes and usage."""
    estimator = Estimator()
    for prompt_bytes, answer_bytes, told in rows:
        estimator.learn(*PLACE, prompt_bytes=prompt_bytes, answer_bytes=answer_bytes, told=told)
    return estimator


def seen(
    basis: Basis = Basis.TOLD, *, told: Usage | None = None, said: Said = NOTHING, untold: Said | None = None
) -> Verdict:
    """A verdict."""
    return Verdict("ok", basis, told, said, said if untold is None else untold)


def test_what_was_told_of_a_whole_answer_holds() -> None:
    """No text changes it, and it is no estimate."""
    told = Usage(7, 3, 2, 1)
    assert Estimator().usage(*PLACE, 1000, seen(told=told, said=Said(500))) == (told, False)


def test_a_usual_value_stands_at_first() -> None:
    """Four bytes for a token, rounded up."""
    assert Estimator().usage(*PLACE, 9, seen(said=Said(40, 20))) == (Usage(3, 10, 0, 5), True)


def test_what_is_told_of_a_model_is_learned() -> None:
    """Of that model there, and of no other."""
    estimator = learned(*[(2000, 300, Usage(1000, 100))] * 100)
    usage, estimated = estimator.usage(*PLACE, 2000, seen(said=Said(300)))
    assert estimated
    assert usage.prompt == pytest.approx(1000, rel=0.05)
    assert usage.completion == pytest.approx(100, rel=0.05)
    assert estimator.usage("zai", "glm-4.5", 2000, seen()) == (Usage(500), True)


def test_what_is_learned_fades() -> None:
    """A model may be another one tomorrow."""
    estimator = learned(*[(1000, 0, Usage(1000))] * 300, *[(8000, 0, Usage(1000))] * 300)
    usage, _ = estimator.usage(*PLACE, 8000, seen())
    assert usage.prompt == pytest.approx(1000, rel=0.05)


def test_what_is_learned_is_bounded() -> None:
    """Nonsense makes no nonsense."""
    few, many = learned(*[(1, 1, Usage(10**9, 10**9))] * 50), learned(*[(10**9, 10**9, Usage(1, 1))] * 50)
    assert few.usage(*PLACE, 100, seen()) == (Usage(400), True)
    assert many.usage(*PLACE, 1600, seen()) == (Usage(100), True)


@pytest.mark.parametrize("basis", [Basis.TOLD, Basis.SEEN])
def test_a_part_that_was_not_told_is_estimated(basis: Basis) -> None:
    """A service may tell of the prompt before it knows the answer's tokens, or of one of them only."""
    said = Said(40)
    assert Estimator().usage(*PLACE, 8, seen(basis, told=Usage(7, 0, 5), said=said)) == (Usage(7, 10, 5), True)
    found = Estimator().usage(*PLACE, 8, seen(basis, told=Usage(0, 3), said=said, untold=NOTHING))
    assert found == (Usage(2, 3), True)


def test_what_came_after_the_last_word_on_usage_is_estimated_where_the_end_is_missing() -> None:
    """A client left, or the connection broke; up to there it was told."""
    verdict = seen(Basis.SEEN, told=Usage(7, 3, 0, 1), said=Said(60, 20), untold=Said(20, 8))
    assert Estimator().usage(*PLACE, 8, verdict) == (Usage(7, 8, 0, 3), True)
    exact = seen(Basis.SEEN, told=Usage(7, 3), said=Said(60), untold=Said())
    assert Estimator().usage(*PLACE, 8, exact) == (Usage(7, 3), False)


def test_no_estimate_is_over_what_was_asked_for() -> None:
    """A budget has reserved `max_tokens`: an estimate beyond them would overrun it for nothing."""
    said = seen(Basis.SEEN, said=Said(400))
    assert Estimator().usage(*PLACE, 8, said, most=30) == (Usage(2, 30), True)
    told = seen(Basis.SEEN, told=Usage(7, 3), said=Said(60), untold=Said(20))
    assert Estimator().usage(*PLACE, 8, told, most=5) == (Usage(7, 5), True)


def test_what_a_service_refused_costs_what_it_says() -> None:
    """Nothing, as a rule."""
    assert Estimator().usage(*PLACE, 100, seen(Basis.NOTHING)) == (Usage(), False)
    assert Estimator().usage(*PLACE, 100, seen(Basis.NOTHING, told=Usage(7))) == (Usage(7), False)


def test_what_a_tokenizer_has_counted_stands_for_what_nobody_told() -> None:
    """It is an estimate all the same; what was told holds, and what was not counted is by the ratio."""
    estimator = Estimator()
    assert estimator.usage(*PLACE, 8, seen(said=Said(6)), counted=Counted(5, 4)) == (Usage(5, 4), True)
    assert estimator.usage(*PLACE, 8, seen(said=Said(6)), counted=Counted(answer=4)) == (Usage(2, 4), True)
    assert estimator.usage(*PLACE, 8, seen(said=Said(6, 3)), counted=Counted(None, 4)) == (Usage(2, 4, 0, 2), True)
    told = seen(told=Usage(7, 3), said=Said(6))
    assert estimator.usage(*PLACE, 8, told, counted=Counted(5, 4)) == (Usage(7, 3), False)
    assert estimator.usage(*PLACE, 8, seen(said=Said(6)), counted=Counted(5, 40), most=30) == (Usage(5, 30), True)


@pytest.mark.parametrize(
    ("verdict", "prompt", "answer"),
    [
        (seen(said=Said(6)), True, True),
        (seen(), True, False),
        (seen(told=Usage(7), said=Said(6)), False, True),
        (seen(told=Usage(0, 3), said=Said(6)), True, False),
        (seen(told=Usage(7, 3), said=Said(6)), False, False),
        (seen(Basis.SEEN, told=Usage(7, 3), said=Said(6), untold=Said(2)), False, False),
        (seen(Basis.NOTHING, said=Said(6)), False, False),
    ],
)
def test_only_what_nobody_told_is_worth_to_be_counted(verdict: Verdict, *, prompt: bool, answer: bool) -> None:
    """Of an answer all of it or nothing: what came after the last word on tokens has no place in the text."""
    assert countable(verdict) == (prompt, answer)


def test_a_reservation_is_the_prompt_and_what_is_allowed() -> None:
    """By the learned ratio; embeddings have no answer."""
    assert Estimator().upper(*PLACE, 400, 50) == Usage(100, 50)
    assert Estimator().upper(*PLACE, 400, 0) == Usage(100, 0)


def test_without_a_bound_it_is_what_answers_had_of_late() -> None:
    """1,024 at first, then all but a twentieth of the last 256."""
    assert Estimator().upper(*PLACE, 4, None) == Usage(1, 1024)
    few = learned(*[(4, 4, Usage(1, length)) for length in (10, 3000)])
    assert few.upper(*PLACE, 4, None).completion == 3000
    many = learned(*[(4, 4, Usage(1, length)) for length in range(1, 101)])
    assert many.upper(*PLACE, 4, None).completion == 95
    later = learned(*[(4, 4, Usage(1, 9000))] * 300, *[(4, 4, Usage(1, 10))] * 256)
    assert later.upper(*PLACE, 4, None).completion == 10


def test_only_so_many_models_are_known() -> None:
    """Names can be the callers' own; those that are used stay."""
    estimator = learned(*[(1000, 0, Usage(1000))] * 100)
    for number in range(1500):
        estimator.learn("zai", f"m{number}", prompt_bytes=8000, answer_bytes=0, told=Usage(1000))
        estimator.learn(*PLACE, prompt_bytes=1000, answer_bytes=0, told=Usage(1000))
    assert estimator.upper(*PLACE, 1000, 0).prompt == pytest.approx(1000, rel=0.1)
    assert estimator.upper("zai", "m0", 400, 0) == Usage(100)


def test_no_token_has_less_than_a_byte() -> None:
    """What cannot be exceeded."""
    assert at_most(400, 50) == Usage(400, 50)


NUMBERS = st.integers(-5, 2 * 10**9)
USAGES = st.builds(Usage, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
SAIDS = st.integers(0, 10**6).flatmap(lambda size: st.builds(Said, st.just(size), st.integers(0, size)))


@given(USAGES)
def test_no_part_is_larger_than_its_whole(usage: Usage) -> None:
    """And nothing is negative, whatever a service says."""
    found = sane(usage)
    assert 0 <= found.cached <= found.prompt <= 10**9
    assert 0 <= found.reasoning <= found.completion <= 10**9
    assert sane(found) == found


@given(st.sampled_from(Basis), st.none() | USAGES, SAIDS, st.integers(0, 10**6))
def test_every_verdict_has_a_usage_that_can_be(basis: Basis, told: Usage | None, said: Said, size: int) -> None:
    """At least what was told."""
    usage, estimated = Estimator().usage(*PLACE, size, Verdict("ok", basis, told, said, said))
    assert sane(usage) == usage
    if told is not None:
        least = sane(told)
        assert usage.prompt >= least.prompt
        assert usage.completion >= least.completion
        assert estimated is (usage != least)
