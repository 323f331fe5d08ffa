"""What is embedded (contract rows E2, E3)."""

from __future__ import annotations

import pytest

from glmgate.adaptation.fit import fit_embeddings
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import convert
from tests.adaptation.requests import PROFILE
from tests.adaptation.services import service


def request(**members: object) -> EmbeddingsRequest:
    """An embeddings request."""
    return convert({"model": "m", "input": "a"} | members, EmbeddingsRequest)


@pytest.mark.parametrize(
    ("given_input", "sent"), [("a", ["a"]), (["a", "b"], ["a", "b"]), (["a"] * 2048, ["a"] * 2048)]
)
def test_texts_are_sent_as_a_list(given_input: object, sent: list[str]) -> None:
    """One text is a list of one."""
    assert fit_embeddings(request(input=given_input), PROFILE)[0].input == sent


def test_an_empty_list_is_refused() -> None:
    """There is nothing to embed."""
    with pytest.raises(MissingParameter) as raised:
        fit_embeddings(request(input=[]), PROFILE)
    assert raised.value.param == "input"


@pytest.mark.parametrize(("given_input", "param"), [("", "input"), (["a", ""], "input[1]"), (["a"] * 2049, "input")])
def test_bad_texts_are_refused(given_input: object, param: str) -> None:
    """Empty ones, and more than the bound."""
    with pytest.raises(InvalidRequest) as raised:
        fit_embeddings(request(input=given_input), PROFILE)
    assert raised.value.param == param


@pytest.mark.parametrize("ids", [[1, 2], [[1, 2]], ["a", 1]])
def test_token_ids_are_refused_with_a_hint(ids: object) -> None:
    """LangChain sends them unless it is told not to (contract row E2)."""
    with pytest.raises(InvalidRequest, match="check_embedding_ctx_length=False"):
        fit_embeddings(request(input=ids), PROFILE)


@pytest.mark.parametrize("dimensions", [0, -1, 4097])
def test_dimensions_have_a_range(dimensions: int) -> None:
    """Vectors are bounded."""
    with pytest.raises(InvalidRequest) as raised:
        fit_embeddings(request(dimensions=dimensions), PROFILE)
    assert raised.value.param == "dimensions"


@pytest.mark.parametrize(
    ("dimensions", "report", "exact"), [(1024, "dimensions=384->1024", True), (256, "dimensions=384->256", False)]
)
def test_another_size_is_said(dimensions: int, report: str, exact: bool) -> None:
    """Zeros lose nothing, a projection does; the engine is not asked for either."""
    fitted, (note,) = fit_embeddings(request(dimensions=dimensions), PROFILE)
    assert fitted.dimensions is None
    assert (str(note), note.exact) == (report, exact)


def test_the_models_own_size_needs_no_word() -> None:
    """Nothing is changed."""
    assert fit_embeddings(request(dimensions=384), PROFILE)[1] == ()


@pytest.mark.parametrize(
    ("wanted", "asked", "report", "exact"),
    [
        (512, 512, [], True),
        (2048, 2048, [], True),
        (300, 512, ["dimensions=512->300"], False),
        (1536, 2048, ["dimensions=2048->1536"], False),
        (3072, 2048, ["dimensions=2048->3072"], True),
    ],
)
def test_row_e3_the_services_own_sizes_are_asked_for(wanted: int, asked: int, report: list[str], exact: bool) -> None:
    """Contract row E3: others are made of the next larger one, and reported."""
    fitted, notes = fit_embeddings(request(dimensions=wanted), service("zai", "embedding-3"))
    assert fitted.dimensions == asked
    assert [str(note) for note in notes] == report
    assert all(note.exact is exact for note in notes)


def test_row_e3_a_service_of_its_own_sizes_is_asked_for_any() -> None:
    """Contract row E3: where nothing is known, the service says what it can."""
    fitted, notes = fit_embeddings(request(dimensions=300), service("openai", "text-embedding-3-small"))
    assert (fitted.dimensions, notes) == (300, ())


def test_row_e1_vectors_are_asked_for_in_numbers() -> None:
    """Contract row E1: base64 is made here, so the service is not asked for a form that it may not know."""
    fitted, notes = fit_embeddings(request(encoding_format="base64"), service("zai", "embedding-3"))
    assert (fitted.encoding_format, notes) == (None, ())
